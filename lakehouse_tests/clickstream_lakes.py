"""Lines of `clickstream` through the kernel, and lakes that its files are ingested into, built and published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from dataset_lakes import DatasetLake
from dataset_lines import run_lines, table_of

from lakehouse.contracts.types import frame_schema
from lakehouse.datasets.clickstream.dataset import DATASET
from lakehouse.datasets.model import Records
from lakehouse.engines.kernel.rows import BlockResult

CLOCK = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 17)
CONTRACT = DATASET.contract


def kernel(*records: dict[str, Any] | bytes, day: dt.date = DAY) -> BlockResult:
    """The lines as one block."""
    return run_lines(DATASET, *records, day=day)


def rows_of(records: Sequence[dict[str, str]], repeats: Sequence[int]) -> pl.DataFrame:
    """The transform alone, told which repetition of its line each record is."""
    frame = DATASET.transform(Records(table_of(DATASET, *records), lambda _: b"", {}, np.array(repeats, np.int64)), CONTRACT)
    assert {name: frame.schema[name] for name in frame_schema(CONTRACT)} == frame_schema(CONTRACT)
    return frame


class ClickLake(DatasetLake):
    """A lake of `clickstream`."""

    @classmethod
    def make(cls, folder: Path, first_day: dt.date) -> ClickLake:
        """An empty lake. `first_day`: of its data."""
        return cls.of("clickstream", folder, first_day, CLOCK)

    def published(self) -> duckdb.DuckDBPyConnection:
        """The marts, built and opened."""
        self.publish()
        return self.marts()
