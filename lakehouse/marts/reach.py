"""Reach: the mart dates that a changed clean day rebuilds. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

DAY = dt.timedelta(days=1)
_WINDOW = re.compile(r"(-?\d+)\.\.\+?(-?\d+) days")
_EXPECTED = "Expected `day`, `-1..+1 days` (first and last mart date, counted from the changed day), `week`, `month` or `all`."


@dataclass(frozen=True)
class Reach:
    """What a change of clean day D rebuilds.

    `days`: the mart dates D + `first` to D + `last`; `week`: the Monday on or before D; `month`: the first of its month; `all`: the whole
    mart, which has no dates of its own.
    """

    kind: Literal["days", "week", "month", "all"]
    first: int = 0
    last: int = 0

    @classmethod
    def parse(cls, text: str) -> Reach:
        """The reach of a model's `meta.reach`; `ValueError` when it is none."""
        if text == "day":
            return cls("days")
        if text == "week" or text == "month" or text == "all":
            return cls(text)
        found = _WINDOW.fullmatch(text)
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"A reach is {text!r}. {_EXPECTED}")
        return cls("days", int(found[1]), int(found[2]))

    def dates(self, day: dt.date) -> list[dt.date]:
        """The mart dates that a change of this clean day rebuilds; none for `all`."""
        match self.kind:
            case "days":
                return [day + n * DAY for n in range(self.first, self.last + 1)]
            case "week":
                return [day - day.weekday() * DAY]
            case "month":
                return [day.replace(day=1)]
            case "all":
                return []

    def every_date(self, days: Collection[dt.date]) -> set[dt.date]:
        """All mart dates of a mart over these clean days. A window ends at the newest day and begins at the oldest: no date beyond says anything."""
        if not days:
            return set()
        found = {date for day in days for date in self.dates(day)}
        if self.kind != "days":
            return found
        oldest, newest = min(days), max(days)
        return {date for date in found if oldest <= date <= newest}

    def covers(self, other: Reach) -> bool:
        """Whether a mart of this reach is rebuilt wherever a mart of the other reach, which it reads, is."""
        if self.kind == "all" or other.kind == "all":
            return self.kind == "all"
        if self.kind == "days" and other.kind == "days":
            return self.first <= other.first and self.last >= other.last
        return self == other or (other.kind == "days" and (other.first, other.last) == (0, 0))

    def __str__(self) -> str:
        if self.kind != "days":
            return self.kind
        return "day" if (self.first, self.last) == (0, 0) else f"{self.first}..{self.last:+d} days"


def dates_to_build(reach: Reach, *, before: Collection[dt.date], now: Collection[dt.date], changed: Collection[dt.date]) -> list[dt.date]:
    """The mart dates that must be built anew, sorted: those that changed days reach, those that are new, and those that are no more.

    `before`: the clean days that the published version was built from; `now`: the clean days that the new one is built from; `changed`: the days
    whose clean rows differ between the two. Building just these gives what building every date gives.
    """
    old, new = reach.every_date(before), reach.every_date(now)
    reached = {date for day in changed for date in reach.dates(day)}
    return sorted((reached & (old | new)) | (old ^ new))


def ranges(dates: Iterable[dt.date], step: dt.timedelta = DAY) -> list[tuple[dt.date, dt.date]]:
    """Dates as (first, last) pairs of stretches without holes, sorted."""
    ordered = sorted(set(dates))
    if not ordered:
        return []
    breaks = [(a, b) for a, b in pairwise(ordered) if b - a > step]
    return list(zip([ordered[0], *(b for _, b in breaks)], [*(a for a, _ in breaks), ordered[-1]], strict=True))
