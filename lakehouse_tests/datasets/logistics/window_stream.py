"""Declared windows run row by row, as a stream would: a small reference for what batch must come to.

Rows come in the order in which the platform took them in. The watermark is the newest event time seen. A window is told of early while it is open,
once when the watermark passes its end, and again for each row that comes after that.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.contracts.windows import EventWindows, Measure

_BEGINNING = dt.datetime.min.replace(tzinfo=dt.UTC)
Place = tuple[dt.datetime, tuple[Any, ...]]  # beginning of the window, values of the keys


@dataclass
class Stream:
    """`told`: the numbers last told of each window and key. `firings`: how often, by kind."""

    windows: EventWindows
    told: dict[Place, tuple[Any, ...]] = field(default_factory=dict)
    firings: Counter[str] = field(default_factory=Counter)
    _open: dict[Place, list[Any]] = field(default_factory=dict)
    _early_at: dict[Place, dt.datetime] = field(default_factory=dict)
    _done: set[Place] = field(default_factory=set)
    _watermark: dt.datetime = _BEGINNING

    def run(self, rows: Iterable[Mapping[str, Any]]) -> dict[Place, tuple[Any, ...]]:
        """Take rows in, each with `event_time` and `ingest_time`; the final numbers."""
        for row in rows:
            if self.windows.counts(row):
                self._take(row)
        self._close(dt.datetime.max.replace(tzinfo=dt.UTC))
        return self.told

    def _take(self, row: Mapping[str, Any]) -> None:
        for start in self.windows.starts(row["event_time"]):
            place = start, tuple(row[key] for key in self.windows.keys)
            numbers = self._open.setdefault(place, [0 if m.kind == "count" else None for m in self.windows.measures])
            numbers[:] = [_added(m, old, row) for m, old in zip(self.windows.measures, numbers, strict=True)]
            if place in self._done or start + self.windows.size <= self._watermark:
                self._tell(place, "late")
            elif self.windows.early is not None and row["ingest_time"] >= self._early_at.get(place, row["ingest_time"]):
                self._early_at[place] = row["ingest_time"] + self.windows.early
                self._tell(place, "early")
        self._close(row["event_time"])

    def _close(self, time: dt.datetime) -> None:
        if time > self._watermark:
            self._watermark = time
            for place in [p for p in self._open if p not in self._done and p[0] + self.windows.size <= time]:
                self._tell(place, "on_time")

    def _tell(self, place: Place, kind: str) -> None:
        self.firings[kind] += 1
        self.told[place] = tuple(self._open[place])
        if kind != "early":
            self._done.add(place)


def _added(measure: Measure, old: Any, row: Mapping[str, Any]) -> Any:
    if measure.where is not None and row[measure.where[0]] != measure.where[1]:
        return old
    if measure.kind == "count":
        return old + 1
    value = row[str(measure.column)]
    known = [v for v in (old, value) if v is not None]
    return {"sum": sum, "min": min, "max": max}[measure.kind](known) if known else None
