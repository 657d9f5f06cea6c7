"""Lakes of `commerce` whose files are ingested, built and published by the tests themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from dataset_lakes import DatasetLake

from lakehouse.steps.ingest import IngestReport

CLOCK = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
START = dt.date(2010, 1, 1)


class CommerceLake(DatasetLake):
    """A lake of the dataset, with a fixed clock."""

    @classmethod
    def make(cls, folder: Path) -> CommerceLake:
        """An empty lake."""
        return cls.of("commerce", folder, START, CLOCK)

    def ingest(self, *paths: Path, hours_ago: int = 0) -> IngestReport:
        """Land files and folders; all must be readable. Of copies of a row the one that landed first is kept."""
        then = msgspec.structs.replace(self.lake.settings, clock=CLOCK - dt.timedelta(hours=hours_ago))
        return DatasetLake(replace(self.lake, settings=then), self.dataset).ingest(*paths)


def table(con: duckdb.DuckDBPyConnection, mart: str, where: str = "true", without: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """The rows of a mart, sorted."""
    left_out = f" EXCLUDE ({', '.join(without)})" if without else ""
    return con.execute(f"SELECT *{left_out} FROM {mart} WHERE {where} ORDER BY ALL").fetchall()
