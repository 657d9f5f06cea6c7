"""Lakes of `logistics`, filled through the real rooms."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
from dataset_lakes import DatasetLake

from lakehouse.datasets.logistics.generator import Defects

START, DAYS = dt.date(2026, 3, 2), 5
CLOCK = dt.datetime(2026, 3, 20, tzinfo=dt.UTC)
DEFECTS = Defects(**{**dict.fromkeys(Defects.__struct_fields__, 0.01), "clock_behind": 0.05, "steps_swapped": 0.05})


class LogisticsLake(DatasetLake):
    """A lake of the dataset whose marts are asked one question after the other."""

    @classmethod
    def make(cls, folder: Path, start: dt.date = START, clock: dt.datetime = CLOCK) -> LogisticsLake:
        """An empty one, or the one that is there."""
        return cls.of("logistics", folder, start, clock)

    def mart(self, sql: str) -> pl.DataFrame:
        """What a query over the published marts gives."""
        with self.marts() as con:
            found = pl.from_arrow(con.sql(sql).to_arrow_table())
            assert isinstance(found, pl.DataFrame)
            return found
