"""The event feed of a day: lines for its file and for the file that comes late, and what becomes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from lakehouse.datasets.commerce.generator.catalogue import Catalogue, Numbers
from lakehouse.datasets.commerce.generator.options import Arguments
from lakehouse.datasets.commerce.generator.render import event_lines
from lakehouse.datasets.commerce.generator.visits import EVENTS_PER_VISIT, Mask, Visits, make_visits

KINDS_OF_DEFECT = (
    "malformed", "wrong_type", "missing_key", "unknown_version", "bad_time",
    "unknown_field", "moved_type", "price_as_number", "duplicate", "retold", "late",
)  # fmt: skip
_SLICE = 200_000  # events that are written out at a time
_DISPLACED = 1_800_000  # milliseconds


@dataclass(frozen=True)
class EventDay:
    """The events of a day. `defect`: place in `KINDS_OF_DEFECT`, -1 for none; `order`: how they stand in the file."""

    day: dt.date
    visits: Visits
    versions: Numbers
    defect: Numbers
    order: Numbers
    first_visit: int
    catalogue: Catalogue

    def having(self, *defects: str) -> Mask:
        """Which events have one of these defects."""
        return np.isin(self.defect, [KINDS_OF_DEFECT.index(name) for name in defects])

    def kept(self) -> Mask:
        """Which events come to rows of the clean table."""
        return ~self.having("malformed", "wrong_type", "missing_key", "unknown_version", "bad_time")

    def slices(self) -> Iterator[tuple[pl.Series, pl.Series]]:
        """(lines for the file of the day, lines for the late file), some of them at a time."""
        late, twice, retold = self.having("late"), self.having("duplicate"), self.having("retold")
        for start in range(0, len(self.order), _SLICE):
            chosen = self.order[start : start + _SLICE]
            first = np.concatenate([chosen[~late[chosen]], chosen[twice[chosen]]])
            again = chosen[retold[chosen]]
            told_late = self._lines(chosen[late[chosen]], self.versions), self._lines(again, 3 - self.versions)
            yield self._lines(first, self.versions), pl.concat(told_late)

    def _lines(self, chosen: Numbers, versions: Numbers) -> pl.Series:
        names = pl.Series([*KINDS_OF_DEFECT, None], dtype=pl.String).gather(self.defect[chosen] % (len(KINDS_OF_DEFECT) + 1))
        return event_lines(self.visits, chosen, versions[chosen], day=self.day, first_visit=self.first_visit, catalogue=self.catalogue, spoilt=names)


def make_day(rng: np.random.Generator, arguments: Arguments, nth: int, catalogue: Catalogue) -> EventDay:
    """The events of the nth day."""
    count = round(arguments.events / arguments.days / EVENTS_PER_VISIT)
    visits = make_visits(rng, count, arguments.merchants)
    events = len(visits.visit)
    shares = np.cumsum([getattr(arguments.defects, name) for name in KINDS_OF_DEFECT])
    defect = np.searchsorted(shares, rng.random(events), side="right")
    defect[defect == len(KINDS_OF_DEFECT)] = -1
    displaced = np.where(rng.random(events) < arguments.defects.out_of_order, rng.integers(0, _DISPLACED, events), 0)
    # A third of the merchants writes version 1, a third changes over in the middle, a third writes version 2.
    third = visits.tenant % 3
    first = (third == 1) | ((third == 2) & (nth < arguments.days // 2))
    versions = np.where(first, 1, 2)[visits.visit]
    return EventDay(arguments.dates[nth], visits, versions, defect, np.argsort(visits.at + displaced, kind="stable"), nth * count, catalogue)
