"""Which grain a line belongs to: the routing rule. It is versioned, and it never moves a line that has landed.

Version 1: the text at the first of the contract's `times` that is there, as a JSON reader finds it, read by `contracts.times.parse_time` in the
format that is declared, names the grain. A number counts as its own text where the format is of numbers. A line from which no such time can be read,
or whose time is before the lake's start or in the future, goes to the unplaced lines of the landing day. So does one of a sealed day that was not
landed in its own grain before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract, JsonList, JsonObject, JsonType
from lakehouse.contracts.times import parse_time
from lakehouse.landing.identity import Mask, digest

ROUTING_VERSION = 1
# Clocks that are kept by NTP differ by less than a second; five minutes also forgive a producer that is not.
FUTURE_TOLERANCE = dt.timedelta(minutes=5)

_BLANK = msgspec.Raw(b"")

Path = tuple[str, ...]


class Router:
    """Reads the time and the identity of a line in one look at its JSON.

    `start`: first day of the lake. `landed`: the clock of the fetch, which judges what is in the future and names the unplaced grain. `sealed`: the
    days whose raw has expired.
    """

    def __init__(self, contract: Contract, start: dt.date, landed: dt.datetime, sealed: Collection[dt.date] = ()) -> None:
        self._times: list[tuple[Path, str]] = [(tuple(time.path.split(".")), time.format) for time in contract.times]
        masked = _masked(contract.record)
        self._masks = [(path, Mask(path[-1])) for path in masked]
        self._decode = msgspec.json.Decoder(_reader({path: _written_as(fmt) for path, fmt in self._times}, masked)).decode
        self._first = dt.datetime.combine(start, dt.time(), tzinfo=dt.UTC)
        self._last = landed + FUTURE_TOLERANCE
        self._kind = contract.grain
        self._grains: dict[tuple[int, int, int, int], str] = {}
        self._sealed = sealed
        self.unplaced = Grain.unplaced(landed.date()).key

    def route(self, line: bytes) -> tuple[str, dt.datetime | None, bytes]:
        """(grain key, time or None, identity) of a line."""
        try:
            record = self._decode(line)
            text, fmt = self._text(record)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            for _, mask in self._masks:
                line = mask.cut_blindly(line)
            return self.unplaced, None, digest(line)
        for path, mask in self._masks:
            value = _dig(record, path)
            if value is not None and (raw := bytes(value)):
                line = mask.cut(line, raw)
        grain, time = self._place(text, fmt)
        return grain, time, digest(line)

    @property
    def reach(self) -> tuple[dt.datetime, dt.datetime]:
        """The first and last instant that have a place."""
        return self._first, self._last

    def time_text(self, line: bytes) -> tuple[str | None, str]:
        """The text of a line's time and its format, as `route` would read it; (None, "") where it has none."""
        try:
            return self._text(self._decode(line))
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None, ""

    def home(self, grain: str) -> str:
        """Where a line of this grain (its key) lands that was never met before: the grain itself, or unplaced where its day is sealed."""
        return self.unplaced if self._sealed and Grain.parse(grain).date in self._sealed else grain

    def _text(self, record: Any) -> tuple[str | None, str]:
        """The first time that is there, and its format. A number is its own text; a string where the format is of numbers, too."""
        for path, fmt in self._times:
            value = _dig(record, path)
            if isinstance(value, msgspec.Raw):
                value = _literal(bytes(value))
            if value is not None:
                return (value if isinstance(value, str) else str(value)), fmt
        return None, ""

    def _place(self, text: str | None, fmt: str) -> tuple[str, dt.datetime | None]:
        time = parse_time(text, fmt) if text is not None else None
        if text is None or time is None or not self._first <= time <= self._last:
            return self.unplaced, None
        return self._grain(time), time

    def _grain(self, time: dt.datetime) -> str:
        hour = (time.year, time.month, time.day, time.hour)
        known = self._grains.get(hour)
        if known is None:
            known = self._grains[hour] = Grain.of(time, self._kind).key
        return known


def _dig(record: Any, path: Path) -> Any:
    for name in path:
        if record is None:
            return None
        record = getattr(record, _attribute(name))
    return record


def _attribute(name: str) -> str:
    # Field names of JSON need not be identifiers, so the reader's own are made of their bytes.
    return "f_" + name.encode().hex()


def _literal(raw: bytes) -> str | None:
    """A string, or any other value as it is written: as a number of Python a fraction would have other digits."""
    text: str | None = msgspec.json.decode(raw) if raw.startswith(b'"') else raw.decode() if raw != b"null" else None
    return text


def _written_as(fmt: str) -> Any:
    if fmt == "epoch_float":
        return msgspec.Raw
    return str | int | float | None if fmt.startswith("epoch") else str | None


def _reader(times: Mapping[Path, Any], masked: list[Path]) -> type[msgspec.Struct]:
    """A type that reads only these paths: times as their types, masked values as raw JSON, everything else skipped."""
    fields: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    for name in sorted({path[0] for path in (*times, *masked)}):
        names[_attribute(name)] = name
        deeper_times = {path[1:]: kind for path, kind in times.items() if path[0] == name and len(path) > 1}
        deeper_masked = [path[1:] for path in masked if path[0] == name and len(path) > 1]
        if deeper_times or deeper_masked:
            fields.append((_attribute(name), _reader(deeper_times, deeper_masked) | None, None))
        elif (name,) in masked:
            fields.append((_attribute(name), msgspec.Raw, _BLANK))
        else:
            fields.append((_attribute(name), times[(name,)], None))
    return msgspec.defstruct("Line", fields, rename=names)


def _masked(kind: JsonType, path: Path = ()) -> list[Path]:
    """Paths of the masked fields of a record."""
    if isinstance(kind, JsonList):
        if _masked(kind.item, path):
            raise ValueError(
                f"a masked field inside the list {'.'.join(path)} is not supported: mask a field of the record itself or of an object in it"
            )
        return []
    if not isinstance(kind, JsonObject):
        return []
    found: list[Path] = []
    for field in kind.fields:
        here = (*path, field.name)
        found += [here] if field.masked else _masked(field.type, here)
    return found
