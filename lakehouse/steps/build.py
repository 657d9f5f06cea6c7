"""Build a day: what its parts say, in the clean table, in one commit. The same inputs are never built twice."""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.engines import polars_engine
from lakehouse.errors import ConfigurationError, ConflictError, ErasedMeanwhileError, TerminalError
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.sealed import expired
from lakehouse.settings import Lake
from lakehouse.steps.applications import counted_applications
from lakehouse.steps.attempt import RAW_BYTES, Attempt, DayReport, Made, Progress
from lakehouse.steps.parallel import Room
from lakehouse.tables import builds, delta
from lakehouse.tables.records import GrainAccount

ENGINES: dict[str, Callable[..., GrainAccount]] = {polars_engine.ENGINE: polars_engine.build_grain}
log = logging.getLogger(__name__)

_RESTARTS = 5
_AHEAD = 2
_RAW_BYTES = 3 * RAW_BYTES  # of the days that are under way together


class SealedDayError(TerminalError):
    """A day whose raw has expired was to be built. `why`: since when, in words."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True)
class StaleDay:
    """A day on which lines landed (or were released or erased) that its committed build has not seen. `touched`: the last manifest that did."""

    day: dt.date
    touched: int
    seen: int | None
    reason: str


def build_day(
    lake: Lake, dataset: Dataset, day: dt.date, *, engine: str | None = None, force: bool = False, progress: Progress | None = None
) -> DayReport:
    """Build a day and commit it. With `force` every grain is built anew, though its inputs are the same.

    Raises `AuditError` when a grain fails its audit (the table keeps its old version and the refusal is written down), `ConflictError` when
    other writers were faster too often, `TransientError` when the commit comes so late that what was staged for it may be gone, `SealedDayError`
    for a sealed day, which stays as it was built.
    """
    builder = _Builder(lake, dataset, engine, force, progress or (lambda _: None))
    return builder.build(day, partial(builder.begin, day))


@contextmanager
def build_days(
    lake: Lake, dataset: Dataset, days: Sequence[dt.date], *, engine: str | None = None, force: bool = False, progress: Progress | None = None
) -> Iterator[Iterator[Callable[[], DayReport]]]:
    """For each day, in order, what builds it as `build_day` does.

    While a day is committed and checked the grains of the next ones are made, of two days at once where they are small: nothing of the table changes
    by that. A day is committed when it is called for, so its checks see all days before it; one that fails does not stop the others. At the end of
    the block no further grain is begun.
    """
    builder = _Builder(lake, dataset, engine, force, progress or (lambda _: None))
    pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="day")

    def each() -> Iterator[Callable[[], DayReport]]:
        waiting, todo = deque[tuple[dt.date, Future[_Begun]]](), deque(days)
        while todo or waiting:
            while todo and len(waiting) <= _AHEAD:
                waiting.append((todo[0], pool.submit(builder.begin, todo.popleft())))
            day, begun = waiting.popleft()
            yield partial(builder.build, day, begun.result)

    try:
        yield each()
    finally:
        builder.room.close()
        pool.shutdown(wait=True, cancel_futures=True)


_Begun = tuple[Attempt, Made]


class _Builder:
    """Builds days of a dataset, all in the same manner."""

    def __init__(self, lake: Lake, dataset: Dataset, engine: str | None, force: bool, progress: Progress) -> None:
        self._lake, self._dataset, self._engine, self._force, self._progress = lake, dataset, engine, force, progress
        self.room = Room(_RAW_BYTES)

    def begin(self, day: dt.date) -> _Begun:
        """Make the results of a day."""
        engine = _engine(self._lake, self._dataset, self._engine)
        ledger = load_ledger(self._lake, self._dataset.name)
        _refuse_sealed(self._lake, ledger, day)
        attempt = Attempt(self._lake, self._dataset, day, ledger, self._lake.token_key(), engine, self._force, self._progress, self.room)
        return attempt, attempt.make()

    def build(self, day: dt.date, begun: Callable[[], _Begun]) -> DayReport:
        """Commit what was begun; where others were faster, begin again."""
        for _ in range(_RESTARTS):
            try:
                attempt, made = begun()
                report = attempt.commit(made)
            except ErasedMeanwhileError as error:
                log.info("%s %s starts again from the part list: %s", self._dataset.name, day, error)
                report = None
            if report is not None:
                return report
            begun = partial(self.begin, day)
        raise ConflictError(
            f"{self._dataset.name} {day}: others landed and built, or erased, newer lines {_RESTARTS} times while this ran. Try again."
        )


def refuse_sealed_days(lake: Lake, dataset: Dataset, days: Iterable[dt.date]) -> None:
    """Raise `SealedDayError` when one of these days is sealed: asked before days are built by force, so that none of them is."""
    ledger = load_ledger(lake, dataset.name)
    for day in days:
        _refuse_sealed(lake, ledger, day)


def _refuse_sealed(lake: Lake, ledger: Ledger, day: dt.date) -> None:
    if day in ledger.sealed:
        kept, why = lake.dataset(ledger.dataset).raw_retention_days, expired(day, ledger.sealed[day])
        told = f"retention {kept} days" if kept is not None else "raw is kept for ever now"
        raise SealedDayError(f"{ledger.dataset} {day} cannot be built again: {why}; {told}. The table keeps what was built of it.", why)


def _engine(lake: Lake, dataset: Dataset, override: str | None) -> Callable[..., GrainAccount]:
    name = override or lake.dataset(dataset.name).engine or dataset.engine
    if name not in ENGINES:
        raise ConfigurationError(f"There is no engine {name!r} for {dataset.name}. Expected one of: {', '.join(sorted(ENGINES))}.")
    return ENGINES[name]


def stale_days(lake: Lake, dataset: Dataset) -> list[StaleDay]:
    """The days that a build would change because of what was landed, oldest first.

    Lines landed that no committed build has seen, or coverage is whole now. Driven by what was landed, never by event time. A day that differs in
    contract or code only is not stale, nor is a sealed one.
    """
    ledger = load_ledger(lake, dataset.name)
    if not ledger.touched:
        return []
    told = builds.newest_transactions(lake, dataset.name, ledger.touched)
    written = set(builds.written_days(lake, dataset.name))
    applications = counted_applications(lake, dataset, ledger)
    found = []
    for day, touched in sorted((d, n) for d, n in ledger.touched.items() if d not in ledger.sealed):
        ids = delta.app_ids(day)
        seen, complete = told.get(ids.seen), told.get(ids.complete)
        if seen is None or ids.build not in told or day not in written:
            found.append(StaleDay(day, touched, None, "never built"))
        elif touched > seen:
            found.append(StaleDay(day, touched, seen, f"manifest {touched} landed after the build had seen {seen}"))
        elif not complete and ledger.covered(applications, Grain(day).start, Grain(day).end):
            if complete is None and builds.read_build(lake, dataset.name, day, told[ids.build]).complete:
                continue  # committed before tables told it
            found.append(StaleDay(day, touched, seen, "coverage is complete now"))
    return found
