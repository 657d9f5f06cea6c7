"""Arithmetic of stretches of time: half-open windows, merged and sorted."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from lakehouse.landing.manifest import Window

Coverage = tuple[Window, ...]


def add(coverage: Sequence[Window], window: Window) -> Coverage:
    """The union of merged windows and one more. An empty window adds nothing."""
    if window.start >= window.end:
        return tuple(coverage)
    first = bisect.bisect_left(coverage, window.start, key=lambda w: w.end)
    last = bisect.bisect_right(coverage, window.end, key=lambda w: w.start)
    if first < last:
        window = Window(min(window.start, coverage[first].start), max(window.end, coverage[last - 1].end))
    return (*coverage[:first], window, *coverage[last:])


def holes(coverage: Sequence[Window], start: dt.datetime, end: dt.datetime) -> list[Window]:
    """What `[start, end)` has that the merged windows lack, sorted."""
    missing: list[Window] = []
    at = start
    for window in coverage[bisect.bisect_right(coverage, start, key=lambda w: w.end) :]:
        if window.start >= end:
            break
        if window.start > at:
            missing.append(Window(at, window.start))
        at = max(at, window.end)
    if at < end:
        missing.append(Window(at, end))
    return missing


def contains(coverage: Sequence[Window], time: dt.datetime) -> bool:
    """Whether an instant lies in the merged windows."""
    place = bisect.bisect_right(coverage, time, key=lambda w: w.start) - 1
    return place >= 0 and time < coverage[place].end


def split(window: Window, step: dt.timedelta) -> list[Window]:
    """The window cut at the multiples of `step` since the epoch (an hour cuts at full hours), oldest first."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    pieces: list[Window] = []
    at = window.start
    while at < window.end:
        end = min(epoch + ((at - epoch) // step + 1) * step, window.end)
        pieces.append(Window(at, end))
        at = end
    return pieces


def differing_days(one: Sequence[Window], other: Sequence[Window]) -> set[dt.date]:
    """The UTC days of which one list of merged, sorted windows covers another part than the other does."""
    edges = sorted({edge for window in (*one, *other) for edge in (window.start, window.end)})
    found: set[dt.date] = set()
    for start, end in pairwise(edges):
        if contains(one, start) != contains(other, start):
            last = (end - dt.timedelta(microseconds=1)).date()
            found.update(start.date() + dt.timedelta(days=n) for n in range((last - start.date()).days + 1))
    return found
