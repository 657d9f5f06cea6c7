"""Where the lines of a block come from: small parts of a grain share a block, and every row still knows its part and line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain

Places = npt.NDArray[np.int64]
"""Lines of a block by their place in it, from 0."""
_TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class PartContext:
    """What the kernel needs to know about a part.

    `started_at`: of its fetch. `reference_time`: see `landing.manifest`. `released`: its late rows are admitted. `repeats`: of each line of the part
    which of the identical lines of its file it is; None where the contract does not ask or the part does not tell (then each is the first).
    """

    grain: Grain
    part: str
    fetch_id: str
    application: str
    landed_at: dt.datetime
    started_at: dt.datetime
    superseded: frozenset[int] = frozenset()
    reference_time: dt.datetime | None = None
    released: bool = False
    sealed: frozenset[dt.date] = frozenset()
    repeats: Places | None = field(default=None, compare=False, repr=False)
    erased: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Piece:
    """Lines of one part that stand together in a block: the number of the first in its part, and how many."""

    context: PartContext
    first_number: int
    lines: int


class Origin:
    """The pieces of a block, in order, all of one grain."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.contexts = tuple(p.context for p in pieces)
        self._first = np.array([p.first_number for p in pieces], np.int64)
        self._lines = np.array([p.lines for p in pieces], np.int64)
        self._ends = np.cumsum(self._lines)
        self._starts = self._ends - self._lines

    @property
    def grain(self) -> Grain:
        """The grain of all pieces."""
        return self.contexts[0].grain

    def erased(self) -> Places:
        """The places of the lines whose text was erased: what stands there now is no record."""
        return self._of(lambda context: context.erased)

    def superseded(self) -> Places:
        """The places of the lines that a later fetch superseded, without those that were erased then."""
        return self._of(lambda context: context.superseded - context.erased)

    def _of(self, numbers: Callable[[PartContext], frozenset[int]]) -> Places:
        found = [n - first + start for c, first, start, lines in self._spans() for n in numbers(c) if first <= n < first + lines]
        return np.array(sorted(found), np.int64)

    def _spans(self) -> Any:
        return zip(self.contexts, self._first.tolist(), self._starts.tolist(), self._lines.tolist(), strict=True)

    def pieces(self, places: Places) -> Places:
        """Which piece each place is in."""
        return np.searchsorted(self._ends, places, side="right").astype(np.int64)

    def lines(self, places: Places) -> pl.Series:
        """The numbers of lines in their parts."""
        pieces = self.pieces(places)
        return pl.Series(places - self._starts[pieces] + self._first[pieces], dtype=pl.Int64)

    def repeats(self, places: Places) -> Places:
        """For each place which of the identical lines of its file it is."""
        found = np.ones(len(places), np.int64)
        pieces = self.pieces(places)
        numbers = places - self._starts[pieces] + self._first[pieces]
        for piece, context in enumerate(self.contexts):
            if context.repeats is not None:
                mine = pieces == piece
                found[mine] = context.repeats[numbers[mine] - 1]
        return found

    def column(self, name: str, places: Places) -> pl.Series:
        """A field of `PartContext`, for each place."""
        values = pl.Series(name, [getattr(c, name) for c in self.contexts], dtype=_TIME if name.endswith(("_at", "_time")) else None)
        return values.gather(pl.Series(self.pieces(places)))

    def books(self, **terms: Places) -> dict[str, Books]:
        """The books of each part: `lines`, and of every term the places that belong to it, one for each line or row."""
        counts = {term: np.bincount(self.pieces(places), minlength=len(self.contexts)).tolist() for term, places in terms.items()}
        found: dict[str, Books] = {}
        for i, context in enumerate(self.contexts):
            books = Books(lines=int(self._lines[i]), **{term: numbers[i] for term, numbers in counts.items()})
            found[context.part] = found.get(context.part, Books()) + books
        return found
