"""What the simulated Reports API serves: generated activity folders and recorded downloads.

Generated: `<folder>/<application>/<YYYY-MM-DD>T<HH>.jsonl.zst`, one activity per line, beside `.npy`, an int64 array (n, 2): server-side time
of the event and the time from which the API shows it, both in microseconds since the epoch, in the order of the lines.
Recorded: `<folder>/<application>.json`, `{"activities": [...]}` or `{"items": [...]}`, timed by `id.time` and visible from then on.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from lakehouse.errors import ConfigurationError, LakeFormatError
from lakehouse.sources.reports_api.order import item_time
from lakehouse.sources.reports_api.pages import PageError, slice_array

Numbers = npt.NDArray[np.int64]
HOUR_US = 3_600_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Position(NamedTuple):
    """A place in the order that the API answers in (time falling, then line number rising): of the last record that was given out."""

    time_us: int
    ordinal: int


@dataclass(frozen=True)
class Lines:
    """The lines of one file: its text and where each line begins (and, last, where the next one would)."""

    text: bytes
    starts: Numbers

    def __getitem__(self, number: int) -> bytes:
        """One line without its newline."""
        return self.text[self.starts[number] : self.starts[number + 1] - 1]

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return len(self.text) + self.starts.nbytes


@dataclass(frozen=True)
class Index:
    """Times of one file, newest first. `falling` is the negated time (rising, for searches), `ordinals` the line numbers, ties in file order."""

    falling: Numbers
    visible_us: Numbers
    ordinals: Numbers

    @classmethod
    def of(cls, times_us: Numbers, visible_us: Numbers) -> Index:
        """Sort what stands in the order of the lines."""
        order = np.argsort(-times_us, kind="stable")
        return cls(np.ascontiguousarray(-times_us[order]), np.ascontiguousarray(visible_us[order]), order.astype(np.int64))

    def matching(self, start_us: int, end_us: int, after: Position | None, now_us: int) -> Numbers:
        """Places (in this index) of the visible records with start <= time <= end that come after a position."""
        first = int(np.searchsorted(self.falling, -end_us, "left"))
        if after is not None:
            low = int(np.searchsorted(self.falling, -after.time_us, "left"))
            high = int(np.searchsorted(self.falling, -after.time_us, "right"))
            first = max(first, low + int(np.searchsorted(self.ordinals[low:high], after.ordinal, "right")))
        last = int(np.searchsorted(self.falling, -start_us, "right"))
        return first + np.flatnonzero(self.visible_us[first:last] <= now_us)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.falling.nbytes + self.visible_us.nbytes + self.ordinals.nbytes


@dataclass(frozen=True)
class Segment:
    """One file of one application: records from `first_us` up to `end_us` (exclusive)."""

    path: Path
    first_us: int
    end_us: int
    recorded: bool = False


@dataclass
class _Cache:
    """Least recently used things go when the limit is passed; the newest always stays."""

    limit: int
    held: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, key: Any, load: Callable[[], Any]) -> Any:
        with self.lock:
            if key in self.held:
                self.held.move_to_end(key)
                return self.held[key]
            found = self.held[key] = load()
            while len(self.held) > 1 and sum(item.nbytes for item in self.held.values()) > self.limit:
                self.held.popitem(last=False)
            return found


class ActivityStore:
    """Reads activities lazily; at most `memory` bytes of text and times are held (or one file, when that is larger)."""

    def __init__(self, folder: Path, *, memory: int = 256 * 1024 * 1024) -> None:
        if not folder.is_dir():
            raise ConfigurationError(f"Expected a folder of activities, {folder} is none.")
        self.folder = folder
        self._cache = _Cache(memory)
        self._segments: dict[str, tuple[int, list[Segment]]] = {}
        if not self.applications():
            raise ConfigurationError(f"{folder} holds neither <application>/<hour>.jsonl.zst nor <application>.json.")

    def applications(self) -> frozenset[str]:
        """Applications that there is something of."""
        found = list(self.folder.iterdir())
        recorded = {path.stem for path in found if path.suffix == ".json" and path.stem != "truth"}
        return frozenset(recorded | {path.name for path in found if path.is_dir()})

    def walk(self, application: str, start_us: int, end_us: int, after: Position | None, now_us: int) -> Iterator[tuple[Position, bytes]]:
        """Visible records of a window (both ends inclusive) after a position, newest first, each with its own position."""
        top = end_us if after is None else min(end_us, after.time_us)
        for segment in reversed(self.segments(application)):
            if segment.first_us > top or segment.end_us <= start_us:
                continue
            index = self._index(segment)
            places = index.matching(start_us, end_us, after, now_us)
            if not len(places):
                continue
            lines = self._lines(segment)
            for place in places:
                ordinal = int(index.ordinals[place])
                yield Position(-int(index.falling[place]), ordinal), lines[ordinal]

    def segments(self, application: str) -> list[Segment]:
        """Files of an application, oldest first."""
        folder, recording = self.folder / application, self.folder / f"{application}.json"
        if recording.is_file():
            return [self._recorded(recording)]
        if not folder.is_dir():
            return []
        changed = folder.stat().st_mtime_ns
        known = self._segments.get(application)
        if known is None or known[0] != changed:
            starts = sorted((_hour_us(path), path) for path in folder.glob("*.jsonl.zst"))
            known = self._segments[application] = (changed, [Segment(path, hour, hour + HOUR_US) for hour, path in starts])
        return known[1]

    def customer(self, application: str) -> str:
        """Customer id of an application's oldest file, for page tokens."""
        for segment in self.segments(application):
            lines = self._lines(segment)
            for number in range(min(100, len(lines.starts) - 1)):
                customer = _customer(lines[number])
                if customer:
                    return customer
        return "C00000000"

    def _recorded(self, path: Path) -> Segment:
        falling = self._index(Segment(path, 0, 0, recorded=True)).falling
        return Segment(path, -int(falling[-1]), 1 - int(falling[0]), recorded=True) if len(falling) else Segment(path, 0, 0, recorded=True)

    def _index(self, segment: Segment) -> Index:
        load = _recorded_index if segment.recorded else _generated_index
        found: Index = self._cache.get(_key("index", segment), lambda: load(segment, self._lines(segment)))
        return found

    def _lines(self, segment: Segment) -> Lines:
        load = _recorded_lines if segment.recorded else _generated_lines
        found: Lines = self._cache.get(_key("lines", segment), lambda: load(segment.path))
        return found


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since the epoch of an aware time."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _key(what: str, segment: Segment) -> tuple[str, Path, int]:
    return what, segment.path, segment.path.stat().st_mtime_ns


def _hour_us(path: Path) -> int:
    name = path.name.removesuffix(".jsonl.zst")
    try:
        return microseconds(dt.datetime.strptime(name, "%Y-%m-%dT%H").replace(tzinfo=dt.UTC))
    except ValueError as error:
        raise LakeFormatError(f"Expected a name such as 2026-11-20T13.jsonl.zst, got {path}.") from error


def _generated_lines(path: Path) -> Lines:
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    return _lines_of(text if text.endswith(b"\n") or not text else text + b"\n")


def _generated_index(segment: Segment, lines: Lines) -> Index:
    path = segment.path.with_name(segment.path.name.removesuffix(".jsonl.zst") + ".npy")
    try:
        pairs = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise LakeFormatError(f"The times of {segment.path} cannot be read: {error}") from error
    count = len(lines.starts) - 1
    if pairs.dtype != np.int64 or pairs.shape != (count, 2):
        raise LakeFormatError(
            f"{path} should be int64 of shape ({count}, 2), one row per line of {segment.path.name}; got {pairs.dtype} {pairs.shape}."
        )
    if count and not (segment.first_us <= pairs[:, 0].min() and pairs[:, 0].max() < segment.end_us):
        raise LakeFormatError(f"{path} holds times outside its hour: the answers would not be in order.")
    return Index.of(pairs[:, 0], pairs[:, 1])


def _recorded_lines(path: Path) -> Lines:
    body = path.read_bytes()
    try:
        items = slice_array(body, "activities") or slice_array(body, "items")
    except PageError as error:
        raise LakeFormatError(f'{path} should hold {{"activities": [...]}}: {error}') from error
    return _lines_of(b"".join(item + b"\n" for item in items))


def _recorded_index(segment: Segment, lines: Lines) -> Index:
    times = [item_time(lines[number]) for number in range(len(lines.starts) - 1)]
    try:
        moments = [microseconds(dt.datetime.fromisoformat(time or "")) for time in times]
    except (ValueError, TypeError) as error:
        raise LakeFormatError(f"{segment.path}: every activity needs an id.time with a time zone: {error}") from error
    times_us = np.array(moments, dtype=np.int64)
    return Index.of(times_us, times_us)


def _lines_of(text: bytes) -> Lines:
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")) + 1
    return Lines(text, np.concatenate((np.zeros(1, dtype=np.int64), ends)))


def _customer(line: bytes) -> str | None:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    customer = found.get("id", {}).get("customerId") if isinstance(found, dict) and isinstance(found.get("id"), dict) else None
    return customer if isinstance(customer, str) else None
