"""Lines of `clickstream` through the kernel, and lakes that its files are ingested into, built and published."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

import lakehouse
from lakehouse.accounts.books import Books, FetchBooks, total
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.types import decode_schema, frame_schema
from lakehouse.datasets.clickstream.dataset import DATASET
from lakehouse.datasets.model import Records
from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block
from lakehouse.marts.publish import published_path
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, TokenKey, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import ingest
from lakehouse.steps.publish import publish_marts
from lakehouse.tables.views import clean_version, committed_accounts

REAL = Path(lakehouse.__file__).parents[2] / "shared" / "realdata"
CLOCK = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 17)
KEY = TokenKey(b"a key for tests that is long enough")
CONTRACT = DATASET.contract


def kernel(*records: dict[str, Any] | bytes, day: dt.date = DAY) -> BlockResult:
    """The lines as one block; the fast path and the slow one must say the same."""
    lines = [r if isinstance(r, bytes) else json.dumps(r, separators=(",", ":")).encode() for r in records]
    context = PartContext(Grain(day), "raw/part", "fetch-1", "events", CLOCK, CLOCK)
    fast, slow = (
        process_block(b"\n".join(lines) + b"\n", [Piece(context, 1, len(lines))], contract=CONTRACT, transform=DATASET.transform, key=KEY, fast=fast)
        for fast in (True, False)
    )
    assert fast.books == slow.books
    assert fast.books.balanced()
    assert fast.filtered_rules == slow.filtered_rules
    assert fast.rows.sort("_line").equals(slow.rows.sort("_line"))
    return fast


def rows_of(records: Sequence[dict[str, str]], repeats: Sequence[int]) -> pl.DataFrame:
    """The transform alone, told which repetition of its line each record is."""
    import pyarrow as pa

    table = pa.Table.from_pylist(list(records), schema=decode_schema(CONTRACT))
    frame = DATASET.transform(Records(table, lambda _: b"", {}, np.array(repeats, np.int64)), CONTRACT)
    assert {name: frame.schema[name] for name in frame_schema(CONTRACT)} == frame_schema(CONTRACT)
    return frame


@dataclass
class ClickLake:
    """A lake of `clickstream`. `first_day`: of its data."""

    lake: Lake

    @classmethod
    def make(cls, folder: Path, first_day: dt.date) -> ClickLake:
        settings = LakeSettings(clock=CLOCK, datasets={DATASET.name: DatasetSettings(start=first_day)})
        return cls(open_lake(folder).with_settings(settings))

    def ingest(self, *paths: Path) -> FetchBooks:
        """Read files; none may fail or be left."""
        report = ingest(self.lake, DATASET, [str(path) for path in paths])
        report.raise_for_errors()
        return report.books

    def build(self) -> Books:
        return total(build_day(self.lake, DATASET, stale.day).books for stale in stale_days(self.lake, DATASET))

    def rules(self) -> tuple[dict[str, int], dict[str, int]]:
        """(quarantined, filtered) by rule in all committed builds."""
        refused: Counter[str] = Counter()
        filtered: Counter[str] = Counter()
        for account in committed_accounts(self.lake, CONTRACT).values():
            refused.update(account.quarantine_rules)
            for rules in account.filtered_rules.values():
                filtered.update(rules)
        return dict(sorted(refused.items())), dict(sorted(filtered.items()))

    def rows(self) -> pl.DataFrame:
        """The clean table."""
        return pl.read_parquet(list(clean_version(self.lake, CONTRACT).files), hive_partitioning=False)

    def content(self) -> list[str]:
        """The content of the table without provenance, comparable."""
        return sorted(content_hash(self.rows(), CONTRACT))

    def publish(self) -> duckdb.DuckDBPyConnection:
        """The marts, built and opened."""
        publish_marts(self.lake, DATASET)
        path = published_path(self.lake, DATASET)
        assert path is not None
        return duckdb.connect(str(path), read_only=True)


def files_below(folder: Path) -> list[Path]:
    """The files of a sample that feeds take, sorted."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "truth.json")
