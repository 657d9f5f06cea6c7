"""What to ask the source for next: what was never read, the overlap before it, and the sweeps that are due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.accounts.lateness import quantile
from lakehouse.datasets.model import Dataset, ReportsApiSource
from lakehouse.errors import ConfigurationError
from lakehouse.landing import coverage as stretches
from lakehouse.landing.manifest import Purpose, Window
from lakehouse.landing.state import SWEEPS, Ledger, Sweep, sweep_runs
from lakehouse.settings import Lake

FIRST_OVERLAP = dt.timedelta(hours=3)
LEAST_OVERLAP, MOST_OVERLAP = dt.timedelta(minutes=3), dt.timedelta(hours=6)
OVERLAP_SHARE = 0.999
# Before that the weekly sweep has not run yet, and what it would find late is missing in the quantile.
MEASURED_AFTER = dt.timedelta(days=7)
# A quantile of 99.9 % says nothing about fewer.
LEAST_SIGHTINGS = 1000
NOTHING: stretches.Coverage = ()
SWEEP_DEPTHS: dict[Purpose, dt.timedelta] = {"weekly_sweep": dt.timedelta(days=7), "daily_sweep": dt.timedelta(hours=72)}
# A first contact stays this far inside the retention, so that the oldest window does not expire while it waits its turn.
RETENTION_RESERVE = dt.timedelta(days=1)


@dataclass(frozen=True)
class PlannedWindow:
    """One question to the source: an application, a stretch of time, and why it is asked."""

    application: str
    window: Window
    purpose: Purpose


@dataclass(frozen=True)
class ApplicationPlan:
    """What to ask for one application, oldest first within each purpose. `why` is one sentence for people."""

    application: str
    overlap: dt.timedelta
    windows: tuple[PlannedWindow, ...]
    why: str


@dataclass(frozen=True)
class FetchPlan:
    """What to ask the source for next, application by application."""

    dataset: str
    applications: tuple[ApplicationPlan, ...]

    @property
    def windows(self) -> tuple[PlannedWindow, ...]:
        """All questions in the order in which they should be asked: oldest first, because it is nearest to being lost, and sweeps last."""
        every = (w for a in self.applications for w in a.windows)
        return tuple(sorted(every, key=lambda w: (w.purpose in SWEEPS, w.window.start, w.application, w.window.end)))

    @property
    def overlap(self) -> dt.timedelta:
        """The longest overlap of its applications; zero for a plan of none."""
        return max((a.overlap for a in self.applications), default=dt.timedelta())

    @property
    def why(self) -> str:
        """The reasons of all applications, one sentence each."""
        return " ".join(a.why for a in self.applications)


def plan_fetch(lake: Lake, dataset: Dataset, ledger: Ledger, applications: Sequence[str]) -> FetchPlan:
    """Plan the next fetch of a source by time, by the lake's clock.

    New: every stretch between the first contact (the lake's start, or what the source still keeps, less a day) and now less the margin that was
    never read. Overlap: the stretch before the newest instant read, for records that show up late; 3 hours at first, after a week of fetching
    the 99.9 % quantile of all measured lateness, between 3 minutes and 6 hours. Sweeps: the last 72 hours once a day, the last 7 days once a week; a
    sweep that was broken off goes on where it stopped. Windows are cut at multiples of the source's window (full hours).

    Raises `ConfigurationError` for a dataset that is not read by time.
    """
    source = source_by_time(dataset)
    return FetchPlan(dataset.name, tuple(_Planner(lake, dataset, source, ledger, a).plan() for a in applications))


def source_by_time(dataset: Dataset) -> ReportsApiSource:
    """The source that a dataset is read from by time; `ConfigurationError` when it has none."""
    if not isinstance(dataset.source, ReportsApiSource):
        raise ConfigurationError(
            f"{dataset.name} has no source that can be asked for a window of time, so nothing can be fetched for it. Files are taken in by: "
            f"lakehouse ingest {dataset.name}"
        )
    return dataset.source


def oldest_kept(lake: Lake, source: ReportsApiSource) -> dt.datetime:
    """The oldest instant that the source still answers for, by the lake's clock."""
    return lake.now() - source.retention


def overlap_of(ledger: Ledger, application: str, now: dt.datetime) -> tuple[dt.timedelta, str]:
    """(the overlap of an application, where it comes from in words)."""
    first = ledger.first_landed_by_application.get(application)
    histogram = ledger.lateness_by_application.get(application, {})
    sightings = sum(histogram.values())
    if first is None or now - first < MEASURED_AFTER or sightings < LEAST_SIGHTINGS:
        return FIRST_OVERLAP, "the default until a week of lateness is measured"
    measured = dt.timedelta(seconds=quantile(histogram, OVERLAP_SHARE) or 0)
    return min(max(measured, LEAST_OVERLAP), MOST_OVERLAP), f"99.9 % of {sightings:,} first sightings came within {_span(measured)}"


class _Planner:
    """The plan of one application."""

    def __init__(self, lake: Lake, dataset: Dataset, source: ReportsApiSource, ledger: Ledger, application: str) -> None:
        self._source, self._ledger, self._application = source, ledger, application
        self._now = lake.now()
        self._end = self._now - source.margin
        start = dt.datetime.combine(lake.start(dataset.name, dataset.contract.history), dt.time(), tzinfo=dt.UTC)
        self._first = max(start, oldest_kept(lake, source) + RETENTION_RESERVE)
        self._frontier = ledger.frontier(application)

    def plan(self) -> ApplicationPlan:
        overlap, reason = overlap_of(self._ledger, self._application, self._now)
        new = self._new()
        swept = [w for purpose, depth in SWEEP_DEPTHS.items() for w in self._sweep(purpose, depth)]
        # A sweep of the week reads what the sweep of the day would, and each reads what the overlap would.
        planned = self._without_repeats([*swept, *self._overlap(overlap)])
        counts = {p: sum(w.purpose == p for w in (*planned, *new)) for p in ("backfill", "new", "overlap", *SWEEP_DEPTHS)}
        told = ", ".join(f"{count} {purpose.replace('_', ' ')}" for purpose, count in counts.items() if count) or "nothing"
        why = f"{self._application}: {self._state()}; {told} windows; overlap {_span(overlap)} ({reason})."
        return ApplicationPlan(self._application, overlap, (*planned, *new), why)

    def _state(self) -> str:
        if self._frontier is None:
            return f"first contact, from {self._first:%Y-%m-%dT%H:%MZ}"
        return f"read up to {self._frontier:%Y-%m-%dT%H:%M:%SZ}"

    def _new(self) -> list[PlannedWindow]:
        missing = self._ledger.holes(self._application, self._first, self._end) if self._first < self._end else []
        return [
            self._planned(piece, "backfill" if piece.end < self._now - MOST_OVERLAP else "new")
            for hole in missing
            for piece in stretches.split(hole, self._source.window)
        ]

    def _overlap(self, overlap: dt.timedelta) -> list[PlannedWindow]:
        if self._frontier is None:
            return []
        return self._again(Window(self._frontier - overlap, self._frontier), "overlap")

    def _sweep(self, purpose: Purpose, depth: dt.timedelta) -> list[PlannedWindow]:
        first = self._ledger.first_landed_by_application.get(self._application)
        if first is None or self._now.date() < first.date() + SWEEPS[purpose]:
            return []
        since, done = self._now, NOTHING
        begun = self._begun(purpose)
        if begun is not None and sweep_runs(purpose, begun, self._now):
            since, done = begun.started, begun.done
        # Full hours, so that a sweep that goes on after a break finds the same windows; what is younger is in the overlaps of the day.
        stretch = Window(_hour(since - depth), _hour(since - MOST_OVERLAP))
        return [w for w in self._again(stretch, purpose) if stretches.holes(done, w.window.start, w.window.end)]

    def _begun(self, purpose: Purpose) -> Sweep | None:
        """The newest sweep of a purpose. A weekly sweep is a daily one too."""
        sweeps = self._ledger.sweep_state.get(self._application, {})
        names = ("daily_sweep", "weekly_sweep") if purpose == "daily_sweep" else (purpose,)
        return max((sweeps[name] for name in names if name in sweeps), key=lambda sweep: sweep.started, default=None)

    def _again(self, stretch: Window, purpose: Purpose) -> list[PlannedWindow]:
        """The windows of a stretch that were read before."""
        start = max(stretch.start, self._first)
        read = [
            Window(max(w.start, start), min(w.end, stretch.end))
            for w in self._ledger.coverage.get(self._application, ())
            if w.end > start and w.start < stretch.end
        ]
        return [self._planned(piece, purpose) for w in read for piece in stretches.split(w, self._source.window)]

    def _without_repeats(self, windows: Sequence[PlannedWindow]) -> list[PlannedWindow]:
        asked = NOTHING
        kept = []
        for planned in windows:
            if stretches.holes(asked, planned.window.start, planned.window.end):
                asked = stretches.add(asked, planned.window)
                kept.append(planned)
        return kept

    def _planned(self, window: Window, purpose: Purpose) -> PlannedWindow:
        return PlannedWindow(self._application, window, purpose)


def _hour(time: dt.datetime) -> dt.datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _span(span: dt.timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 and minutes % 60 else f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
