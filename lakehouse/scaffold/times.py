"""Which field is the time of the event, and how it is written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lakehouse.contracts.times import parse_times
from lakehouse.errors import ConfigurationError
from lakehouse.scaffold.census import Census, Seen
from lakehouse.scaffold.names import words

PATTERNS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%b %d, %Y",
    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ", "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M", "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d %b %Y %H:%M:%S", "%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S UTC",
)  # fmt: skip
_ENOUGH = 0.9  # of the records must have a time that can be read
_FIRST, _LAST = dt.datetime(1970, 1, 2, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_BETWEEN = f"from {_FIRST:%Y-%m-%d} to {_LAST:%Y}"
_EPOCHS = {  # as many digits as a time of the last decades has
    "epoch_s": re.compile(r"[0-9]{9,10}"),
    "epoch_float": re.compile(r"[0-9]{9,10}(?:\.[0-9]{1,9})?"),
    "epoch_ms": re.compile(r"[0-9]{12,13}"),
    "epoch_us": re.compile(r"[0-9]{15,16}"),
    "epoch_ns": re.compile(r"[0-9]{18,19}"),
}
EPOCHS = tuple(_EPOCHS)
_LONG = {"epoch_us", "epoch_ns"}  # so are ids and counters: a time only where the field is called like one, or a person says so
_TIMELY = {"time", "timestamp", "ts", "datetime", "date", "at", "when", "day", "created", "occurred"}
_EXACT = {
    "time",
    "timestamp",
    "ts",
    "datetime",
    "event time",
    "event timestamp",
    "event date",
    "occurred at",
    "created at",
    "creation time",
    "at",
    "created",
}
_OTHER = {"updated", "modified", "changed", "end", "ended", "expires", "expiry", "registered", "registration", "birth", "start", "due", "deleted",
          "received", "ingested", "processed", "loaded", "closed", "last", "shipped", "delivered", "estimated", "inserted"}  # fmt: skip


@dataclass(frozen=True)
class EventTime:
    """A field that could be the time of the event. `share`: of the records that have a time there. `first`, `last`: of those times."""

    path: tuple[str, ...]
    format: str
    share: float
    first: dt.datetime
    last: dt.datetime

    @property
    def dotted(self) -> str:
        """Where it is, as a contract says it."""
        return ".".join(self.path)

    @property
    def option(self) -> str:
        """How a person names it."""
        return f"--time {self.dotted}" + ("" if self.format == "rfc3339" else f":{self.format}")

    def __str__(self) -> str:
        return f"{self.option}   ({self.share:.0%} of the records, {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d})"

    @property
    def rank(self) -> tuple[int, float, int, int]:
        """How likely it is: by its name, by how many values are times, instants before dates, those near the top before those deep inside."""
        told = words(self.path[-1])
        timely = bool(_TIMELY & set(told))
        named = 1 if _OTHER & set(told) else 3 if " ".join(told) in _EXACT else 2 if timely else 0
        return named, round(self.share, 3), int(any(mark in self.format for mark in ("rfc", "epoch", "%H", "%I"))), -len(self.path)


def find_time(census: Census, told: str | None = None) -> EventTime:
    """The time of the event: what a person `told` (`FIELD` or `FIELD:FORMAT`), else the likeliest.

    Raises `ConfigurationError` when none or several come into question, with what there is.
    """
    if told is not None:
        return _told(census, told)
    found = sorted(candidates(census), key=lambda time: time.rank, reverse=True)
    likely = [time for time in found if time.share >= _ENOUGH]
    if not likely:
        partly = "".join(f"\n  {time}" for time in found[:8])
        raise ConfigurationError(
            f"No field of the sample holds a time {_BETWEEN} in nearly every record, and an event without a time has no place. "
            + (f"Some hold one here and there:{partly}" if partly else f"Its fields: {', '.join(_paths(census))}.")
            + "\nName the field and, if need be, how times are written: "
            + f"--time FIELD:FORMAT (rfc3339, {', '.join(EPOCHS)} or a pattern of strptime)."
        )
    best = [time for time in likely if time.rank == likely[0].rank]
    if len(best) > 1:
        listed = "".join(f"\n  {time}" for time in best)
        raise ConfigurationError(f"Several fields, or ways to read one, are equally likely to be the time of the event. Say which:{listed}")
    return best[0]


def candidates(census: Census) -> Iterator[EventTime]:
    """Fields with times in them, in each format that reads the most of their values."""
    for seen, _ in census.leaves():
        if seen.kind in ("bool", "list") or any("." in name for name in seen.path):
            continue
        formats = [fmt for fmt in formats_of(seen) if fmt not in _LONG or timely(seen.name)]
        read = [time for fmt in formats if (time := _read(seen, fmt, census.records)) is not None]
        most = max((time.share for time in read), default=0.0)
        yield from (time for time in read if time.share == most)


def formats_of(seen: Seen) -> Sequence[str]:
    """Formats that the values of a field may be in, by the first ones."""
    few = [text for text in _texts(seen.values[:200]) if text]
    if not few:
        return ()
    found = [fmt for fmt, shape in _EPOCHS.items() if all(shape.fullmatch(text) for text in few)][:1]  # whole seconds are no fractions
    rest = {"float": (), "int": ("%Y%m%d",)}.get(seen.kind, ("rfc3339", *PATTERNS))
    for fmt in rest:
        sound = parse_times(pl.Series(few[:20]), fmt).drop_nulls()
        if len(sound) > len(few[:20]) / 2:
            found.append(fmt)
    return found


def _read(seen: Seen, fmt: str, records: int) -> EventTime | None:
    times = parse_times(pl.Series(_texts(seen.values), dtype=pl.String), fmt).drop_nulls()
    times = times.filter(times.is_between(_FIRST, _LAST))
    first, last = times.min(), times.max()
    if not isinstance(first, dt.datetime) or not isinstance(last, dt.datetime):
        return None
    return EventTime(seen.path, fmt, len(times) / records, first, last)


def _texts(values: Sequence[Any]) -> list[str]:
    return [value if isinstance(value, str) else str(value) for value in values]


def _told(census: Census, told: str) -> EventTime:
    """The field that a person named. A format may hold colons, a name too: the longest name that is there wins."""
    fields = {".".join(seen.path): seen for seen, _ in census.leaves()}
    named = max((path for path in fields if told == path or told.startswith(f"{path}:")), key=len, default=None)
    if named is None:
        raise ConfigurationError(f"--time {told} names no field of the sample. Expected FIELD or FIELD:FORMAT with one of: {', '.join(fields)}.")
    seen, fmt = fields[named], told[len(named) + 1 :]
    read = [time for one in ([fmt] if fmt else formats_of(seen)) if (time := _read(seen, one, census.records)) is not None]
    best = sorted(read, key=lambda time: time.share, reverse=True)
    if not best or any("." in name for name in seen.path):
        example = next(iter(_texts(seen.values[:1])), "")
        raise ConfigurationError(
            f"No value of {named} is a time {_BETWEEN}" + (f" of the format {fmt!r}." if fmt else " that is known.") + _shape(example)
        )
    if len(best) > 1 and best[1].share == best[0].share:
        listed = "".join(f"\n  {time}" for time in best)
        raise ConfigurationError(f"The times of {named} can be read in several ways. Say which:{listed}")
    return best[0]


def _shape(example: str) -> str:
    """What a value looks like, without telling it."""
    return f" Its values look like {re.sub(r'[0-9]', '9', re.sub(r'[A-Za-z]', 'x', example[:40]))!r}; name the format: --time FIELD:FORMAT."


def _paths(census: Census) -> list[str]:
    return [".".join(seen.path) for seen, _ in census.leaves()]


def timely(name: str) -> bool:
    """Whether a field is called like a time."""
    return bool((_TIMELY | _OTHER) & set(words(name)))
