"""Partitions: hours or days of raw, days of everything else. UTC, from the start of the dataset in the lake, the current hour and day included."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import dagster as dg

from lakehouse.datasets.model import Dataset
from lakehouse.settings import Lake

HOUR_FORMAT = "%Y-%m-%dT%H"  # the key of a partition is the key of its grain; no colon, which Windows has no file names for
DAY_FORMAT = "%Y-%m-%d"


@dataclass(frozen=True)
class Calendar:
    """First day of a dataset, and the lake's clock where it stands still: a lake with a fixed clock ends its partitions there.

    `loaded_at`: when this was made, by the system's clock.
    """

    start: dt.date
    clock: dt.datetime | None = None
    loaded_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @classmethod
    def of(cls, lake: Lake | None, dataset: Dataset) -> Calendar:
        """The calendar of a dataset; a lake that is not made yet would start its history before today."""
        history = dataset.contract.history
        if lake is None:
            return cls(dt.datetime.now(dt.UTC).date() - history)
        clock = lake.settings.clock
        return cls(lake.start(dataset.name, history), clock.astimezone(dt.UTC) if clock is not None else None)

    @property
    def hours(self) -> dg.TimeWindowPartitionsDefinition:
        """Hourly partitions, keys such as `2026-11-20T13`."""
        clock = self.clock and self.clock.replace(minute=0, second=0, microsecond=0)
        return self._definition("0 * * * *", HOUR_FORMAT, dt.timedelta(hours=1), clock + dt.timedelta(hours=1) if clock else None)

    @property
    def days(self) -> dg.TimeWindowPartitionsDefinition:
        """Daily partitions, keys such as `2026-11-20`."""
        day = self.clock and dt.datetime.combine(self.clock.date(), dt.time(), tzinfo=dt.UTC)
        return self._definition("0 0 * * *", DAY_FORMAT, dt.timedelta(days=1), day + dt.timedelta(days=1) if day else None)

    def grains(self, dataset: Dataset) -> dg.TimeWindowPartitionsDefinition:
        """The partitions of raw: one per grain."""
        return self.hours if dataset.contract.grain == "hour" else self.days

    def _definition(self, cron: str, fmt: str, size: dt.timedelta, end: dt.datetime | None) -> dg.TimeWindowPartitionsDefinition:
        start = dt.datetime.combine(self.start, dt.time(), tzinfo=dt.UTC)
        # Dagster counts windows that are over by the system's clock. The offset adds those that are not: the current one and, for a lake whose clock
        # is ahead, all up to its end, which is never passed.
        ahead = max(dt.timedelta(), end - self.loaded_at) // size if end is not None else 0
        return dg.TimeWindowPartitionsDefinition(start=start, cron_schedule=cron, fmt=fmt, timezone="UTC", end=end, end_offset=ahead + 1)


def days_of_grains() -> dg.TimeWindowPartitionMapping:
    """Day on its hours. The hours of today that are not there yet are no reason to refuse a backfill of today."""
    return dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
