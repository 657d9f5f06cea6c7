"""Reach: the mart dates that a changed clean day rebuilds. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Span = tuple[dt.date, dt.date]
DAY = dt.timedelta(days=1)
_WINDOW = re.compile(r"(-?\d+)\.\.\+?(-?\d+) days")
_EXPECTED = "Expected `day`, `-1..+1 days` (first and last mart date, counted from the changed day), `week`, `month`, `all` or `published`."


@dataclass(frozen=True)
class Reach:
    """What a change of clean day D rebuilds.

    `days`: the mart dates D + `first` to D + `last`; `week`: the Monday on or before D; `month`: the first of its month. Marts without dates of
    their own are built as a whole: `all` looks at the days that are over, and a change of one of these builds it anew; `published` looks at every
    published day, and any change does.
    """

    kind: Literal["days", "week", "month", "all", "published"]
    first: int = 0
    last: int = 0

    @classmethod
    def parse(cls, text: str) -> Reach:
        """The reach of a model's `meta.reach`; `ValueError` when it is none."""
        match text:
            case "day":
                return cls("days")
            case "week" | "month" | "all" | "published":
                return cls(text)
        found = _WINDOW.fullmatch(text)
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"A reach is {text!r}. {_EXPECTED}")
        return cls("days", int(found[1]), int(found[2]))

    def dates(self, day: dt.date) -> list[dt.date]:
        """The mart dates that a change of this clean day rebuilds; none for a mart that is built as a whole."""
        match self.kind:
            case "days":
                return [day + n * DAY for n in range(self.first, self.last + 1)]
            case "week":
                return [day - day.weekday() * DAY]
            case "month":
                return [day.replace(day=1)]
            case "all" | "published":
                return []

    def every_date(self, days: Collection[dt.date], span: Span | None) -> set[dt.date]:
        """All mart dates of a mart over these clean days. A window reaches no further than the span of the events: beyond it nothing can be said."""
        found = {date for day in days for date in self.dates(day)}
        if self.kind != "days":
            return found
        return {date for date in found if date in days or (span is not None and span[0] <= date <= span[1])}

    @property
    def step(self) -> dt.timedelta:
        """How far the next mart date may be away."""
        return {"days": DAY, "week": 7 * DAY, "month": 31 * DAY, "all": DAY, "published": DAY}[self.kind]

    def covers(self, other: Reach) -> bool:
        """Whether a mart of this reach is rebuilt wherever a mart of the other reach, which it reads, is."""
        if self.kind == "published" or other.kind == "published":
            return self.kind == "published"
        if self.kind == "all" or other.kind == "all":
            return self.kind == "all"
        if self.kind == "days" and other.kind == "days":
            return self.first <= other.first and self.last >= other.last
        return self == other or (other.kind == "days" and (other.first, other.last) == (0, 0))

    def __str__(self) -> str:
        if self.kind != "days":
            return self.kind
        return "day" if (self.first, self.last) == (0, 0) else f"{self.first}..{self.last:+d} days"


@dataclass(frozen=True)
class CleanDays:
    """The clean days that a version of the marts is built from: all of them, and those that have rows (others were built and came out empty)."""

    days: frozenset[dt.date]
    with_rows: frozenset[dt.date]

    @property
    def span(self) -> Span | None:
        """First and last day with rows."""
        return (min(self.with_rows), max(self.with_rows)) if self.with_rows else None


def dates_to_build(reach: Reach, *, before: CleanDays, now: CleanDays, changed: Collection[dt.date]) -> list[dt.date]:
    """The mart dates that must be built anew, sorted: those that changed days reach, those that are new, and those that are no more.

    `changed`: the days whose clean rows differ between before and now. Building just these gives what building every date gives.
    """
    old, new = reach.every_date(before.days, before.span), reach.every_date(now.days, now.span)
    reached = {date for day in changed for date in reach.dates(day)}
    return sorted((reached & (old | new)) | (old ^ new))


def ranges(dates: Iterable[dt.date], step: dt.timedelta = DAY) -> list[tuple[dt.date, dt.date]]:
    """Dates as (first, last) pairs of stretches without holes, sorted. `step`: how far the next date may be away, `Reach.step` of the mart."""
    ordered = sorted(set(dates))
    if not ordered:
        return []
    breaks = [(a, b) for a, b in pairwise(ordered) if b - a > step]
    return list(zip([ordered[0], *(b for _, b in breaks)], [*(a for a, _ in breaks), ordered[-1]], strict=True))
