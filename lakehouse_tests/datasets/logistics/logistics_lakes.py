"""Lakes of `logistics`, filled through the real rooms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

import lakehouse
from lakehouse.accounts.books import Books, total
from lakehouse.datasets.logistics.generator import Defects
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.marts.publish import published_path
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import IngestReport, ingest
from lakehouse.tables.views import clean_version

REAL = Path(lakehouse.__file__).parents[2] / "shared" / "realdata"
KEY = "a key for tests that is long enough"
START, DAYS = dt.date(2026, 3, 2), 5
CLOCK = dt.datetime(2026, 3, 20, tzinfo=dt.UTC)
DEFECTS = Defects(**{**dict.fromkeys(Defects.__struct_fields__, 0.01), "clock_behind": 0.05, "steps_swapped": 0.05})


@dataclass(frozen=True)
class LogisticsLake:
    """A lake and the dataset in it."""

    lake: Lake
    dataset: Dataset

    @classmethod
    def make(cls, folder: Path, start: dt.date = START, clock: dt.datetime = CLOCK) -> LogisticsLake:
        """An empty one, or the one that is there."""
        dataset = find_dataset("logistics")
        settings = LakeSettings(clock=clock, datasets={dataset.name: DatasetSettings(start=start)})
        return cls(open_lake(folder).with_settings(settings), dataset)

    @property
    def folder(self) -> Path:
        assert self.lake.store.root is not None
        return self.lake.store.root

    def ingest(self, *paths: Path) -> IngestReport:
        """Land files and folders."""
        report = ingest(self.lake, self.dataset, [str(path) for path in paths])
        report.raise_for_errors()
        return report

    def build(self) -> Books:
        """Build what is stale; the books of those days."""
        return total(build_day(self.lake, self.dataset, day.day).books for day in stale_days(self.lake, self.dataset))

    def rows(self) -> pl.DataFrame:
        """The clean table."""
        return pl.read_parquet(list(clean_version(self.lake, self.dataset.contract).files), hive_partitioning=False)

    def content(self) -> list[str]:
        """The content of the clean table, whatever its order."""
        return sorted(content_hash(self.rows(), self.dataset.contract))

    def marts(self) -> duckdb.DuckDBPyConnection:
        """The published file."""
        path = published_path(self.lake, self.dataset)
        assert path is not None
        return duckdb.connect(str(path), read_only=True)

    def mart(self, sql: str) -> pl.DataFrame:
        """What a query over the published marts gives."""
        with self.marts() as con:
            found = pl.from_arrow(con.sql(sql).to_arrow_table())
            assert isinstance(found, pl.DataFrame)
            return found


def files_of(*folders: Path) -> Sequence[Path]:
    """All files below folders, sorted."""
    return sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())
