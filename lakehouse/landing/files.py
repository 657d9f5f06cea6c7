"""Landing a file: its lines become parts with their positions, and one manifest makes them part of raw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lakehouse.accounts.books import FetchBooks
from lakehouse.accounts.lateness import histogram
from lakehouse.contracts.model import Contract
from lakehouse.errors import ConflictError, TransientError
from lakehouse.landing.batches import BatchRouter, Ints, LineBatch, Routed, only
from lakehouse.landing.commit import append
from lakehouse.landing.identity import digest
from lakehouse.landing.ledger import Ledger
from lakehouse.landing.manifest import Manifest, Part, SourceFile, Window
from lakehouse.landing.parts import PartWriter
from lakehouse.landing.positions import Positions
from lakehouse.landing.repeats import Repeats
from lakehouse.landing.routing import ROUTING_VERSION, Router
from lakehouse.landing.sealed import refuse_sealed
from lakehouse.landing.write import new_fetch_id
from lakehouse.memory import reuse_freed
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SECOND = 1_000_000
_SECONDS_KEPT = 1 << 20  # of a file of many batches; then what several of them have is added up


class Seconds:
    """How many events were in which second. One second may be there several times."""

    def __init__(self) -> None:
        self._found: list[tuple[Ints, Ints]] = []  # seconds since 1970, UTC; how many events in each
        self._kept, self._limit = 0, _SECONDS_KEPT

    def add(self, times: Ints) -> None:
        """Add events by their times, in microseconds since 1970, UTC."""
        if not len(times):
            return
        self._found.append(np.unique(times // _SECOND, return_counts=True))
        self._kept += len(self._found[-1][0])
        if self._kept > self._limit:
            self._found = [self._merged()]
            self._kept = len(self._found[0][0])
            self._limit = max(_SECONDS_KEPT, 2 * self._kept)

    def lateness(self, frontier: dt.datetime | None) -> dict[int, int]:
        """How far the events lie behind the newest instant that had been read: bucket -> events; 0 for those that do not."""
        if not self._found:
            return {}
        seconds, counts = (np.concatenate(column) for column in zip(*self._found, strict=True))
        if frontier is None:
            return {0: int(counts.sum())}
        return histogram(int((frontier - _EPOCH).total_seconds()) - seconds, counts)

    def _merged(self) -> tuple[Ints, Ints]:
        seconds, counts = (np.concatenate(column) for column in zip(*self._found, strict=True))
        merged, places = np.unique(seconds, return_inverse=True)
        return merged, np.bincount(places, weights=counts).astype(np.int64)


class FileReadError(ConflictError):
    """Another process landed the same file in the meantime."""


@dataclass(frozen=True)
class FileParts:
    """A file whose lines are written and durable, and no part of raw yet. `seconds`: when its placed events were.

    `erased_ids`: of the erased lines that were known when it was read, and left out.
    """

    contract: Contract
    source: str
    application: str
    fetch_id: str
    started_at: dt.datetime
    landed_at: dt.datetime
    file: SourceFile
    parts: tuple[Part, ...]
    books: FetchBooks
    seconds: Seconds
    erased_ids: frozenset[str]


def write_file(
    lake: Lake,
    contract: Contract,
    ledger: Ledger,
    *,
    source: str,
    application: str,
    batches: Iterable[LineBatch],
    file: Callable[[], SourceFile],
) -> FileParts:
    """Read a file to its end and write the parts of its lines, each line in the grain of its own time, all of them new by position.

    A line that was erased does not land again, whatever file holds it: it counts as re-read.
    `file` is asked for what was read when all is read. When the file or the disk fails nothing is committed: what was written are orphans.
    """
    reuse_freed()
    started_at = lake.now()
    fetch_id = new_fetch_id(started_at, application)
    landing = _Landing(lake, contract, ledger, fetch_id)
    for batch in batches:
        landing.take(batch)
    fail_point("landing.after_file")
    parts = landing.writer.finish()
    now, read = lake.now(), file()
    return FileParts(contract, source, application, fetch_id, started_at, now, read, parts, landing.books(), landing.seconds, ledger.erased_ids)


def commit_file(lake: Lake, written: FileParts, ledger: Ledger, *, lateness: dt.timedelta, run_id: str | None = None) -> Manifest:
    """Make the parts of a file part of raw. Returns the manifest, which is durable.

    The feed counts as read without gaps from the lake's start up to its newest event less `lateness`; what is older than what was read so far
    is late. Raises `FileReadError` when the same content was landed under this name, `TransientError` when a day of it was sealed or
    lines were erased in the meantime.
    """
    start = dt.datetime.combine(lake.start(written.contract.name, written.contract.history), dt.time(), tzinfo=dt.UTC)
    newest = max((part.max_time for part in written.parts if part.max_time is not None), default=start)
    covered = Window(start, newest - lateness)

    def manifest(follows: Ledger) -> Manifest:
        if follows.has_read(written.file):
            raise FileReadError(f"{written.file.url} was landed by another process in the meantime.")
        if follows.erased_ids != written.erased_ids:
            raise TransientError(
                f"Lines of {written.contract.name} were erased while {written.file.url} was read, and may be in it. Ingest it again."
            )
        refuse_sealed(follows, written.parts)
        behind = written.seconds.lateness(follows.frontier(written.application))
        return Manifest(
            number=follows.last_number + 1,
            dataset=written.contract.name,
            source=written.source,
            application=written.application,
            fetch_id=written.fetch_id,
            kind="fetch",
            purpose="new",
            window=None,
            covered=covered if covered.start < covered.end else None,
            started_at=written.started_at,
            landed_at=written.landed_at,
            books=written.books,
            parts=written.parts,
            lateness=behind,
            late_recovered=sum(count for bucket, count in behind.items() if bucket),
            run_id=run_id,
            routing=ROUTING_VERSION,
            file=written.file,
        )

    return append(lake, ledger, manifest)


class _Landing:
    """The lines of one file on their way: routed, numbered, counted."""

    def __init__(self, lake: Lake, contract: Contract, ledger: Ledger, fetch_id: str) -> None:
        router = Router(contract, lake.start(contract.name, contract.history), lake.now(), ledger.sealed)
        self._unplaced_grain = router.unplaced
        self._router = BatchRouter(router, contract)
        self._repeats = Repeats() if contract.numbered_repeats else None
        self._erased = ledger.erased_ids
        self.writer = PartWriter(lake.store, contract.name, fetch_id, ids=False)
        self.seconds = Seconds()
        self._read = self._re_read = self._placed = self._unplaced = 0

    def take(self, batch: LineBatch) -> None:
        """One batch of lines."""
        self._read += len(batch.numbers)
        repeats = self._repeats.number(batch) if self._repeats is not None else None
        if self._erased:
            left = self._not_erased(batch)
            self._re_read += len(batch.numbers) - len(left)
            batch, repeats = only(batch, left), repeats[left] if repeats is not None else None
        for routed in self._router.route(batch):
            positions = Positions(batch.numbers[routed.lines], repeats[routed.lines] if repeats is not None else None)
            self.writer.add_text(routed.grain, routed.text, positions, _ends(routed.times))
            self._count(routed)

    def books(self) -> FetchBooks:
        """What became of the lines read so far."""
        return FetchBooks(self._read, self._re_read, self._placed, self._unplaced)

    def _count(self, routed: Routed) -> None:
        if routed.grain == self._unplaced_grain:
            self._unplaced += len(routed.lines)
            return
        self._placed += len(routed.lines)
        self.seconds.add(routed.times)

    def _not_erased(self, batch: LineBatch) -> Ints:
        """The places of the lines that nobody erased."""
        lines = (batch.text[start : end - 1] for start, end in pairwise(batch.offsets.tolist()))
        return np.array([place for place, line in enumerate(lines) if digest(line).hex() not in self._erased], np.int64)


def _ends(times: Ints) -> tuple[dt.datetime, dt.datetime] | None:
    if not len(times):
        return None
    return _EPOCH + dt.timedelta(microseconds=int(times.min())), _EPOCH + dt.timedelta(microseconds=int(times.max()))
