"""Grains: the partition of raw and the unit that the clean step builds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

GrainKind = Literal["hour", "day", "unplaced"]


@dataclass(frozen=True, order=True)
class Grain:
    """One hour or day of records (UTC), or the unplaced lines that landed on a day.

    `key` is the stable text form: `2026-11-20T13`, `2026-11-20`, `unplaced-2026-11-20`.
    """

    date: dt.date
    kind: GrainKind = "day"
    hour: int | None = None

    @classmethod
    def of(cls, time: dt.datetime, kind: Literal["hour", "day"]) -> Grain:
        """The grain of an aware UTC time."""
        return cls(time.date(), "hour", time.hour) if kind == "hour" else cls(time.date(), "day")

    @classmethod
    def unplaced(cls, landed: dt.date) -> Grain:
        """The grain of the lines that landed on this day and whose own time is of no use."""
        return cls(landed, "unplaced")

    @classmethod
    def parse(cls, key: str) -> Grain:
        """The grain of a key; `ValueError` when it is none."""
        if key.startswith("unplaced-"):
            found = cls.unplaced(dt.date.fromisoformat(key.removeprefix("unplaced-")))
        else:
            day, _, hour = key.partition("T")
            found = cls(dt.date.fromisoformat(day), "hour", dt.time(int(hour)).hour) if hour else cls(dt.date.fromisoformat(day), "day")
        if found.key != key:  # one grain has one key: it is part of file names
            raise ValueError(f"{key!r} is no grain, expected 2026-11-20T13, 2026-11-20 or unplaced-2026-11-20")
        return found

    @property
    def key(self) -> str:
        """Stable text form, fit for file names on every system."""
        if self.kind == "unplaced":
            return f"unplaced-{self.date.isoformat()}"
        return f"{self.date.isoformat()}T{self.hour:02d}" if self.kind == "hour" else self.date.isoformat()

    @property
    def start(self) -> dt.datetime:
        """First instant of the grain (UTC)."""
        return dt.datetime.combine(self.date, dt.time(self.hour or 0), tzinfo=dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """First instant after the grain (UTC)."""
        return self.start + (dt.timedelta(hours=1) if self.kind == "hour" else dt.timedelta(days=1))

    @property
    def raw_folder(self) -> str:
        """Where its parts lie below `raw/<dataset>/`."""
        if self.kind == "unplaced":
            return f"unplaced/landed={self.date.isoformat()}"
        return f"date={self.date.isoformat()}" + (f"/hour={self.hour:02d}" if self.kind == "hour" else "")

    @property
    def stem(self) -> str:
        """First part of the names of its clean and quarantine files, unique within the day."""
        return {"hour": f"{self.hour or 0:02d}", "day": "day", "unplaced": "unplaced"}[self.kind]
