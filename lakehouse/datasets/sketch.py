"""Words for a sketch of the records of a dataset, and drawing records from it: the simplest generator of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_BEFORE = 30 * 86_400_000_000  # microseconds: how long before its event another time of a record may be


@dataclass(frozen=True)
class Serial:
    """An id: no two are equal. With a `stem` it is text (`order-17`), without one a whole number; `uuid` is written like a UUID."""

    stem: str = ""
    uuid: bool = False


@dataclass(frozen=True)
class Text:
    """Made-up text, so many different ones: `page-3`."""

    stem: str
    distinct: int = 20


@dataclass(frozen=True)
class Email:
    """Made-up e-mail addresses."""

    distinct: int = 20


@dataclass(frozen=True)
class Choice:
    """One of some values, the first ones more often."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Whole:
    """A whole number, both ends included."""

    low: int
    high: int


@dataclass(frozen=True)
class Real:
    """A number with so many digits behind the point."""

    low: float
    high: float
    digits: int = 2


@dataclass(frozen=True)
class Flag:
    """true or false."""


@dataclass(frozen=True)
class Moment:
    """A time in a format of `contracts.times`: of the event where it is the sketch's `time`, else up to a month before."""

    format: str = "rfc3339"


@dataclass(frozen=True)
class Several:
    """A list of at most so many."""

    item: Kind
    most: int = 3


@dataclass(frozen=True)
class Group:
    """An object."""

    fields: tuple[Field, ...]


Kind = Serial | Text | Email | Choice | Whole | Real | Flag | Moment | Several | Group


@dataclass(frozen=True)
class Field:
    """A field of a record. `absent`: the share of records in which it is null."""

    name: str
    kind: Kind
    absent: float = 0.0


Times = npt.NDArray[np.int64]  # microseconds since 1970


class Drawer:
    """Draws records. `time`: dotted path of the field that holds the time of the event. Serials go on from one drawing to the next."""

    def __init__(self, fields: tuple[Field, ...], time: str, rng: np.random.Generator) -> None:
        self._fields, self._time, self._rng = fields, tuple(time.split(".")), rng
        self._drawn = 0

    def draw(self, at: Times) -> pl.DataFrame:
        """One record for each time."""
        frame = pl.DataFrame([self._field(field, at, (field.name,)) for field in self._fields])
        self._drawn += len(at)
        return frame

    def _field(self, field: Field, at: Times, path: tuple[str, ...]) -> pl.Series:
        values = self._moments(field.kind, at) if path == self._time and isinstance(field.kind, Moment) else self._kind(field.kind, at, path)
        if field.absent:
            values = pl.select(pl.when(pl.Series(self._rng.random(len(at)) < field.absent)).then(None).otherwise(values)).to_series()
        return values.alias(field.name)

    def _kind(self, kind: Kind, at: Times, path: tuple[str, ...]) -> pl.Series:
        count = len(at)
        match kind:
            case Serial():
                return self._serials(kind, count)
            case Text(stem, distinct):
                return _stemmed(f"{stem}-", self._rng.integers(1, distinct + 1, count))
            case Email(distinct):
                return _stemmed("person-", self._rng.integers(1, distinct + 1, count)) + "@example.com"
            case Choice(values):
                places = (self._rng.random(count) ** 2 * len(values)).astype(np.int64)
                return pl.Series(values, dtype=pl.String).gather(places)
            case Moment():
                return self._moments(kind, at - self._rng.integers(0, _BEFORE, count))
            case Several(item, most):
                lengths = self._rng.integers(0, most + 1, count)
                inner: Any = self._kind(item, np.repeat(at, lengths), (*path, "[]")).to_arrow()
                offsets: Any = pa.array(np.concatenate([[0], np.cumsum(lengths)]))
                return pl.Series(pa.LargeListArray.from_arrays(offsets, inner))
            case Group(fields):
                return pl.DataFrame([self._field(field, at, (*path, field.name)) for field in fields]).to_struct()
            case _:
                return self._number(kind, count)

    def _number(self, kind: Whole | Real | Flag, count: int) -> pl.Series:
        match kind:
            case Whole(low, high):
                return pl.Series(self._rng.integers(low, high, count, endpoint=True))
            case Real(low, high, digits):
                return pl.Series(self._rng.uniform(low, high, count).round(digits))
            case Flag():
                return pl.Series(self._rng.random(count) < 0.5)

    def _serials(self, kind: Serial, count: int) -> pl.Series:
        numbers = pl.Series(np.arange(self._drawn + 1, self._drawn + 1 + count))
        if kind.uuid:
            return pl.Series([f"00000000-0000-4000-8000-{number:012x}" for number in numbers], dtype=pl.String)
        return _stemmed(f"{kind.stem}-", numbers.to_numpy()) if kind.stem else numbers

    def _moments(self, kind: Moment, at: Times) -> pl.Series:
        match kind.format:
            case "epoch_s":
                return pl.Series(at // 1_000_000)
            case "epoch_float":
                return pl.Series(at / 1_000_000).round(3)
            case "epoch_ms":
                return pl.Series(at // 1_000)
            case "epoch_us":
                return pl.Series(at)
            case "epoch_ns":
                return pl.Series(at * 1_000)
            case "rfc3339":
                pattern = "%Y-%m-%dT%H:%M:%S%.3fZ"
            case _:
                pattern = kind.format.replace("%f", "%6f")
        return pl.Series(at).cast(pl.Datetime("us", "UTC")).dt.strftime(pattern)


def _stemmed(stem: str, numbers: npt.NDArray[np.int64]) -> pl.Series:
    return stem + pl.Series(numbers).cast(pl.String)
