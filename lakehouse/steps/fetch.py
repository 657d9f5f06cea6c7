"""Fetching a source by time: windows in parallel, each landed and committed by itself."""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.errors import LakehouseError, TerminalError, TransientError
from lakehouse.landing import coverage as stretches
from lakehouse.landing.ledger import Ledger, load_ledger, refresh
from lakehouse.landing.manifest import Manifest, Purpose, Window
from lakehouse.landing.plan import FetchPlan, PlannedWindow, oldest_kept, plan_fetch, source_by_time
from lakehouse.landing.state import SWEEPS
from lakehouse.landing.write import land_fetch
from lakehouse.memory import return_large
from lakehouse.settings import Lake
from lakehouse.sources.applications import applications_of
from lakehouse.steps.waiting import Waiting, Waits, as_they_end

PARALLEL = 4
# A source that fails this often in a row is down or refuses us; asking it for the rest of 180 days would only add to its load.
GIVE_UP_AFTER = 8


class Walk(Protocol):
    """The pages of one window. `start` is what was really asked for: later than wanted where the source no longer keeps the beginning."""

    start: dt.datetime

    @property
    def counters(self) -> dict[str, Any]:
        """Counts of this walk so far."""
        ...

    def __iter__(self) -> Iterator[list[bytes]]:
        """Batches of verbatim lines. The window is read when it is exhausted."""
        ...


class Source(Waits, Protocol):
    """A source that can be asked for a window, by several threads at once."""

    def window(self, application: str, start: dt.datetime, end: dt.datetime) -> Walk:
        """Ask for `[start, end)`."""
        ...


@dataclass(frozen=True)
class WindowOutcome:
    """What became of one window: its manifest, or the error that stopped it; neither when it was not tried."""

    planned: PlannedWindow
    manifest: Manifest | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class FetchReport:
    """What a fetch did, window by window in the order of the plan."""

    dataset: str
    outcomes: tuple[WindowOutcome, ...]
    seconds: float

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """What was committed."""
        return tuple(o.manifest for o in self.outcomes if o.manifest is not None)

    @property
    def errors(self) -> tuple[WindowOutcome, ...]:
        """The windows that failed."""
        return tuple(o for o in self.outcomes if o.error is not None)

    @property
    def not_tried(self) -> tuple[WindowOutcome, ...]:
        """The windows that were left out after too many failures in a row."""
        return tuple(o for o in self.outcomes if o.error is None and o.manifest is None)

    @property
    def books(self) -> FetchBooks:
        """The sum over its manifests."""
        return sum((m.books for m in self.manifests), FetchBooks())

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The days whose grains got a part, sorted. An unplaced part counts for the day it landed on."""
        return tuple(sorted({Grain.parse(p.grain).date for m in self.manifests for p in m.parts}))

    def raise_for_errors(self) -> None:
        """Raise when a window failed: `TransientError` when another try may help for all of them, else `TerminalError`."""
        if not self.errors:
            return
        first = self.errors[0]
        kind = TransientError if all(isinstance(o.error, TransientError) for o in self.errors) else TerminalError
        left = f", {len(self.not_tried)} were not tried" if self.not_tried else ""
        window = first.planned.window
        raise kind(
            f"{self.dataset}: {len(self.errors)} of {len(self.outcomes)} windows failed{left}. The others are landed. First: "
            f"{first.planned.application} {window.start:%Y-%m-%dT%H:%M:%SZ} to {window.end:%Y-%m-%dT%H:%M:%SZ}: {first.error}"
        ) from first.error


@dataclass(frozen=True)
class Probe:
    """Whether a fetch is due. `new` counts windows that were never read, `again` those of overlaps and sweeps."""

    due: bool
    new: int
    again: int
    reason: str
    plan: FetchPlan


Progress = Callable[[WindowOutcome, int, int], None]
"""Called after each window with (its outcome, windows done, windows in all)."""


def next_fetch(lake: Lake, dataset: Dataset, applications: Sequence[str] | None = None) -> FetchPlan:
    """What to ask the source for next, by the ledger and the lake's clock (see `landing.plan`)."""
    return plan_fetch(lake, dataset, load_ledger(lake, dataset.name), applications or applications_of(lake, dataset))


def probe(lake: Lake, dataset: Dataset, *, at_least: dt.timedelta | None = None) -> Probe:
    """Whether a fetch is due, for a sensor: reads the ledger, asks the source nothing.

    Due is a stretch of at least `at_least` that was never read (by default the source's window, so that a sensor that looks every minute does not
    fetch every minute), a window left out before, or a sweep.
    """
    ledger = load_ledger(lake, dataset.name)
    plan = plan_fetch(lake, dataset, ledger, applications_of(lake, dataset))
    least = at_least if at_least is not None else source_by_time(dataset).window
    missing = [w for w in plan.windows if w.purpose in ("new", "backfill")]
    unread: dict[str, dt.timedelta] = defaultdict(dt.timedelta)
    for planned in missing:
        unread[planned.application] += planned.window.end - planned.window.start
    left_out = any(w.window.end <= (ledger.frontier(w.application) or w.window.start) for w in missing)
    swept = any(w.purpose in SWEEPS for w in plan.windows)
    due = left_out or swept or any(length >= least for length in unread.values())
    return Probe(due, len(missing), len(plan.windows) - len(missing), plan.why, plan)


def fetch(
    lake: Lake,
    dataset: Dataset,
    start: dt.datetime,
    end: dt.datetime,
    *,
    applications: Sequence[str] | None = None,
    purpose: Purpose = "new",
    run_id: str | None = None,
    progress: Progress | None = None,
    source: Source | None = None,
) -> FetchReport:
    """Fetch `[start, end)` of some applications (all by default), whether it was read before or not, and land what is new.

    The stretch is cut into the source's windows (full hours), oldest first; what lies after now is left out. Raises `TerminalError` for a start that
    the source no longer keeps. Failed windows do not stop the others: see `FetchReport.raise_for_errors`.
    """
    declared = source_by_time(dataset)
    _refuse_expired(lake, dataset, start)
    stretch = Window(start.astimezone(dt.UTC), min(end.astimezone(dt.UTC), lake.now()))
    names = applications or applications_of(lake, dataset)
    windows = [PlannedWindow(name, piece, purpose) for piece in stretches.split(stretch, declared.window) for name in names]
    return fetch_windows(lake, dataset, windows, run_id=run_id, progress=progress, source=source)


def hour_window(lake: Lake, dataset: Dataset, hour: dt.datetime, now: dt.datetime | None = None) -> Window:
    """The window that fetching hour H again asks for: the hour, or what has passed of it.

    Raises `TerminalError` when the hour lies in the future or the source no longer keeps it.
    """
    now = now or lake.now()
    start = hour.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    if start >= now:
        raise TerminalError(f"The hour {start:%Y-%m-%dT%H:00Z} of {dataset.name} lies in the future: it is {now:%Y-%m-%dT%H:%M:%SZ}.")
    _refuse_expired(lake, dataset, start, now)
    return Window(start, min(start + dt.timedelta(hours=1), now))


def fetch_windows(
    lake: Lake,
    dataset: Dataset,
    windows: Sequence[PlannedWindow],
    *,
    run_id: str | None = None,
    progress: Progress | None = None,
    waiting: Waiting | None = None,
    source: Source | None = None,
) -> FetchReport:
    """Fetch planned windows, four at a time, each landed with one manifest as soon as it is read.

    A window that fails lands nothing and does not stop the others; the report carries its error. After eight failures in a row the rest is not tried.
    What a window may count as covered ends the source's margin before now. `progress` and `waiting` are called in the thread of the caller.
    """
    began = dt.datetime.now(dt.UTC)
    if not windows:
        return FetchReport(dataset.name, (), 0.0)
    return_large()
    asked_of = source if source is not None else _open(lake, dataset)
    work = _Work(lake, dataset, asked_of, run_id)
    outcomes: dict[int, WindowOutcome] = {}
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="fetch") as pool:
        asked = {pool.submit(work.run, planned): index for index, planned in enumerate(windows)}
        try:
            for done, future in enumerate(as_they_end(asked, asked_of, waiting), start=1):
                error = future.exception()
                if error is not None and not isinstance(error, LakehouseError | OSError):
                    raise error
                outcome = WindowOutcome(windows[asked[future]], future.result() if error is None else None, error)
                outcomes[asked[future]] = outcome
                if progress is not None:
                    progress(outcome, done, len(windows))
        except BaseException:
            asked_of.stop()
            raise
        finally:  # whoever interrupts waits for the windows under way, not for those that have not begun
            pool.shutdown(wait=False, cancel_futures=True)
    if source is None:  # what a window that could not land still asks for, nobody wants
        asked_of.stop()
    return FetchReport(dataset.name, tuple(outcomes[i] for i in range(len(windows))), (dt.datetime.now(dt.UTC) - began).total_seconds())


class _Work:
    """What the threads of one fetch share."""

    def __init__(self, lake: Lake, dataset: Dataset, source: Source, run_id: str | None) -> None:
        self._lake, self._dataset, self._source, self._run_id = lake, dataset, source, run_id
        self._declared = source_by_time(dataset)
        self._before = self._ledger = load_ledger(lake, dataset.name)
        self._lock = threading.Lock()
        self._failed = 0

    def run(self, planned: PlannedWindow) -> Manifest | None:
        """Land one window. None when the fetch has given up."""
        if self._failed >= GIVE_UP_AFTER:
            return None
        try:
            manifest = self._land(planned)
        except (LakehouseError, OSError):
            with self._lock:
                self._failed += 1
            raise
        with self._lock:
            self._failed = 0
        return manifest

    def _land(self, planned: PlannedWindow) -> Manifest:
        started_at = self._lake.now()
        window = planned.window
        walk = self._source.window(planned.application, window.start, window.end)
        covered = Window(max(window.start, walk.start), min(window.end, started_at - self._declared.margin))
        return land_fetch(
            self._lake,
            self._dataset.contract,
            source=self._declared.name,
            application=planned.application,
            purpose=planned.purpose,
            window=window,
            covered=covered if covered.start < covered.end else None,
            batches=walk,
            http=lambda: walk.counters,
            started_at=started_at,
            run_id=self._run_id,
            ledger=self._newest(),
            before=self._before,
        )

    def _newest(self) -> Ledger:
        with self._lock:
            self._ledger = refresh(self._lake, self._ledger)
            return self._ledger


def _open(lake: Lake, dataset: Dataset) -> Source:
    from lakehouse.sources.reports_api import open_source

    return open_source(lake, dataset)


def _refuse_expired(lake: Lake, dataset: Dataset, start: dt.datetime, now: dt.datetime | None = None) -> None:
    source = source_by_time(dataset)
    oldest = (now - source.retention) if now is not None else oldest_kept(lake, source)
    # The hour in which the retention ends can still be asked for in part.
    if start + dt.timedelta(hours=1) <= oldest:
        raise TerminalError(
            f"{dataset.name} cannot be fetched from {start:%Y-%m-%dT%H:%MZ}: its source keeps {source.retention.days} days, so the oldest instant it "
            f"answers for is {oldest:%Y-%m-%dT%H:%MZ}. What landed before stays; `lakehouse replay` builds it again without the source."
        )
