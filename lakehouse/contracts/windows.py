"""Windows over events, declared once: batch makes SQL of the declaration (`marts.windows`), a stream runs it, and their final numbers are equal.

Windows are of event time (UTC), aligned to midnight. A row is in every window that its event time falls into, as late as it may be: what is held as
too late (the contract's `allowed_lateness`) is in none until it is released. A window belongs to the date of its last instant, by when it is over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lakehouse.contracts.model import Contract

_DAY = dt.timedelta(days=1)
_MIDNIGHT = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Measure:
    """A number that a window tells of each key. All kinds can be made of parts of a window in any order.

    `count`: rows; `sum`, `min`, `max`: of a column of whole numbers (`min` and `max` of any numbers), null where no row has a value. `where`: a
    string column and the value that it must have.
    """

    name: str
    kind: Literal["count", "sum", "min", "max"] = "count"
    column: str | None = None
    where: tuple[str, str] | None = None


@dataclass(frozen=True)
class EventWindows:
    """Windows of `size`, one beginning every `every` (None: as long as they are, so that they tumble), and what they tell for each value of `keys`.

    `name`: of the mart that batch makes of it. `only`: a string column and the values that count. `early`: how often a stream tells of a window that
    is still open; batch tells only final numbers. `panes`: name of the mart with the pieces of length `every` that sliding windows are made of.
    """

    name: str
    size: dt.timedelta
    keys: tuple[str, ...]
    measures: tuple[Measure, ...]
    only: tuple[str, tuple[str, ...]] | None = None
    every: dt.timedelta | None = None
    panes: str | None = None
    early: dt.timedelta | None = None

    def __post_init__(self) -> None:
        if min(self.size, self.step) <= dt.timedelta() or _DAY % self.size or self.size % self.step:
            raise ValueError(
                f"windows {self.name}: a day must be a multiple of the size, and the size one of `every`, so that both begin at midnight"
            )
        if self.slides != (self.panes is not None):
            raise ValueError(f"windows {self.name}: sliding windows name the mart of their panes, tumbling ones have none")
        wrong = [m.name for m in self.measures if (m.column is None) != (m.kind == "count")]
        if wrong or not self.measures:
            raise ValueError(f"windows {self.name}: the measures {wrong} want a column, or are counts and want none; or there is no measure")

    @property
    def step(self) -> dt.timedelta:
        """From the beginning of a window to that of the next."""
        return self.every if self.every is not None else self.size

    @property
    def slides(self) -> bool:
        """Whether windows overlap."""
        return self.step != self.size

    @property
    def pieces(self) -> EventWindows:
        """The tumbling windows of length `every`, of which the sliding ones are made; itself where they do not slide."""
        if self.panes is None:
            return self
        return EventWindows(self.panes, self.step, self.keys, self.measures, self.only, early=self.early)

    def starts(self, time: dt.datetime) -> Iterator[dt.datetime]:
        """The beginnings of the windows that an instant (aware) falls into, newest first."""
        start = _MIDNIGHT + (time - _MIDNIGHT) // self.step * self.step
        for n in range(self.size // self.step):
            yield start - n * self.step

    def counts(self, row: Mapping[str, Any]) -> bool:
        """Whether a row counts at all."""
        return self.only is None or row[self.only[0]] in self.only[1]

    def check(self, contract: Contract) -> None:
        """Raise `ValueError` where a column that is named is none of the contract, or of a type that does not fit."""
        told = [*self.keys, *(m.where[0] for m in self.measures if m.where), *([self.only[0]] if self.only else [])]
        types = {c.name: c.type for c in contract.columns}
        lost = [name for name in told if types.get(name) != "string"]
        fit = {"sum": ("int64",), "min": ("int64", "float64"), "max": ("int64", "float64")}
        lost += [m.column for m in self.measures if m.column is not None and types.get(m.column) not in fit[m.kind]]
        if lost:
            raise ValueError(f"windows {self.name}: {lost} are no columns of {contract.name} that can be keys, filters or measures")
