"""Lakes of `commerce` whose files are ingested, built and published by the tests themselves."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import polars as pl

from lakehouse.accounts.books import Books, total
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.marts.publish import published_path
from lakehouse.marts.records import MartsReport
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import IngestReport, ingest
from lakehouse.steps.publish import publish_marts
from lakehouse.tables.views import clean_version, committed_accounts

CLOCK = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
START = dt.date(2010, 1, 1)


@dataclass(frozen=True)
class CommerceLake:
    """A lake of the dataset, with a fixed clock."""

    lake: Lake
    dataset: Dataset

    @classmethod
    def make(cls, folder: Path) -> CommerceLake:
        """An empty lake."""
        settings = LakeSettings(clock=CLOCK, datasets={"commerce": DatasetSettings(start=START)})
        return cls(open_lake(folder).with_settings(settings), find_dataset("commerce"))

    def ingest(self, *paths: Path, hours_ago: int = 0) -> IngestReport:
        """Land files and folders; all must be readable. Of copies of a row the one that landed first is kept."""
        lake = replace(self.lake, settings=msgspec.structs.replace(self.lake.settings, clock=CLOCK - dt.timedelta(hours=hours_ago)))
        report = ingest(lake, self.dataset, [str(path) for path in paths])
        report.raise_for_errors()
        return report

    def build(self) -> list[dt.date]:
        """Build what is stale; the days."""
        days = [day.day for day in stale_days(self.lake, self.dataset)]
        for day in days:
            build_day(self.lake, self.dataset, day)
        return days

    def publish(self) -> MartsReport:
        return publish_marts(self.lake, self.dataset)

    def open(self) -> duckdb.DuckDBPyConnection:
        """The published marts."""
        path = published_path(self.lake, self.dataset)
        assert path is not None
        return duckdb.connect(str(path), read_only=True)

    # --- what the lake says -------------------------------------------------------------------------------------------

    def books(self) -> Books:
        """The books of all committed builds."""
        return total(a.books for a in committed_accounts(self.lake, self.dataset.contract).values())

    def rules(self) -> dict[str, int]:
        """Refused lines and rows by rule."""
        found: Counter[str] = Counter()
        for account in committed_accounts(self.lake, self.dataset.contract).values():
            found.update(account.quarantine_rules)
        return dict(found)

    def rows(self) -> pl.DataFrame:
        """The clean table."""
        return pl.read_parquet(list(clean_version(self.lake, self.dataset.contract).files), hive_partitioning=False)

    def content(self) -> list[str]:
        """The content of the clean table without provenance, comparable."""
        return sorted(content_hash(self.rows(), self.dataset.contract))


def table(con: duckdb.DuckDBPyConnection, mart: str, where: str = "true", without: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """The rows of a mart, sorted."""
    left_out = f" EXCLUDE ({', '.join(without)})" if without else ""
    return con.execute(f"SELECT *{left_out} FROM {mart} WHERE {where} ORDER BY ALL").fetchall()
