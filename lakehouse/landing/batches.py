"""Many lines at once to their grains: the routing rule of `landing.routing`, by columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.contracts.times import parse_times
from lakehouse.landing.routing import Router

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECONDS = {"hour": 3_600_000_000, "day": 86_400_000_000}
_NOWHERE = np.iinfo(np.int64).min
Ints = npt.NDArray[np.int64]


class LineBatch(Protocol):
    """Lines of a source by position."""

    @property
    def text(self) -> bytes:
        """The lines, each ended by a newline."""
        ...

    @property
    def offsets(self) -> Ints:
        """One more than lines: line i is `text[offsets[i] : offsets[i + 1]]`."""
        ...

    @property
    def numbers(self) -> Ints:
        """The place of each line in its source."""
        ...

    @property
    def columns(self) -> pl.DataFrame | None:
        """The fields that hold the time where the source has columns, as text; None where lines are JSON."""
        ...


@dataclass(frozen=True)
class FewerLines:
    """Some lines of a batch, as a batch."""

    text: bytes
    offsets: Ints
    numbers: Ints
    columns: pl.DataFrame | None


def only(batch: LineBatch, lines: Ints) -> FewerLines:
    """The lines of a batch at these places (from 0, sorted)."""
    ends = np.cumsum(np.diff(batch.offsets)[lines])
    columns = batch.columns[lines] if batch.columns is not None else None
    return FewerLines(bytes(_gathered(batch, lines)), np.concatenate([[0], ends]).astype(np.int64), batch.numbers[lines], columns)


@dataclass(frozen=True)
class Routed:
    """The lines of a batch that go to one grain (key): which they are, their text, their times (microseconds since 1970, UTC; none if unplaced)."""

    grain: str
    lines: Ints
    text: bytes | memoryview
    times: Ints


class BatchRouter:
    """Routes batches by a router, whose clock, start and sealed days count."""

    def __init__(self, router: Router, contract: Contract) -> None:
        self._router, self._contract = router, contract
        self._step = _MICROSECONDS[contract.grain]
        self._keys: dict[int, str] = {_NOWHERE: router.unplaced}

    def route(self, batch: LineBatch) -> Iterator[Routed]:
        """The lines by grain, each in its order."""
        times = self._times(batch)
        stretches = np.where(times == _NOWHERE, _NOWHERE, times // self._step)
        found = np.unique(stretches)
        keys = np.array([self._key(int(s)) for s in found])
        homes, places = np.unique(keys, return_inverse=True)
        of_line = places[np.searchsorted(found, stretches)]
        for home, key in enumerate(homes.tolist()):
            lines = np.flatnonzero(of_line == home)
            text = batch.text if len(homes) == 1 else _gathered(batch, lines)
            placed = times[lines] if key != self._router.unplaced else np.empty(0, np.int64)
            yield Routed(key, lines, text, placed)

    def _key(self, stretch: int) -> str:
        key = self._keys.get(stretch)
        if key is None:
            grain = Grain.of(_EPOCH + dt.timedelta(microseconds=stretch * self._step), self._contract.grain)
            key = self._keys[stretch] = self._router.home(grain.key)
        return key

    def _times(self, batch: LineBatch) -> Ints:
        """The time of each line, `_NOWHERE` where it has none or one that has no place."""
        parsed = self._of_columns(batch.columns, len(batch.numbers)) if batch.columns is not None else self._of_lines(batch)
        low, high = self._router.reach
        placed = pl.select(pl.when(parsed.is_between(low, high)).then(parsed)).to_series()
        return placed.to_physical().fill_null(_NOWHERE).to_numpy()

    def _of_columns(self, columns: pl.DataFrame, rows: int) -> pl.Series:
        for time in self._contract.times:
            if time.path in columns.columns:  # a column is there in every row, and the first that is there counts
                return parse_times(columns[time.path], time.format)
        return pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, rows)

    def _of_lines(self, batch: LineBatch) -> pl.Series:
        offsets = batch.offsets.tolist()
        told = [self._router.time_text(batch.text[start : end - 1]) for start, end in pairwise(offsets)]
        found = pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(told))
        formats = {fmt for _, fmt in told} - {""}
        for fmt in sorted(formats):
            texts = pl.Series([text if its == fmt else None for text, its in told], dtype=pl.String)
            found = found.fill_null(parse_times(texts, fmt))
        return found


def lines_of(batch: LineBatch) -> Any:
    """The lines of a batch, with their newlines, as an array of large binaries. Nothing is copied."""
    offsets: Any = batch.offsets.data
    return pa.Array.from_buffers(pa.large_binary(), len(batch.numbers), [None, pa.py_buffer(offsets), pa.py_buffer(batch.text)])


def _gathered(batch: LineBatch, lines: Ints) -> bytes | memoryview:
    data = lines_of(batch).take(pa.array(lines)).buffers()[2]
    return memoryview(data) if data is not None else b""
