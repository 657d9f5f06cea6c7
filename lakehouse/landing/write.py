"""Landing a fetch: its lines become parts, and a manifest makes them part of raw."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from itertools import compress
from typing import Any

from lakehouse.accounts.books import FetchBooks
from lakehouse.accounts.lateness import bucket
from lakehouse.contracts.model import Contract
from lakehouse.errors import LakeFormatError
from lakehouse.landing import coverage as stretches
from lakehouse.landing.commit import append
from lakehouse.landing.identity import KnownIds, MissingIdsError, read_ids
from lakehouse.landing.ledger import Ledger, load_ledger, refresh
from lakehouse.landing.manifest import READS_AGAIN, Manifest, Part, Purpose, Window
from lakehouse.landing.parts import PartWriter
from lakehouse.landing.routing import ROUTING_VERSION, Router
from lakehouse.landing.sealed import refuse_sealed
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point

# A source may take both ends of a window as inclusive, so a record on the edge comes with two windows. Two threads that fetch them settle one after
# the other, and the second one finds it landed.
_SETTLING = threading.Lock()
# More of them are no edge but a source that does not keep to the window: they land at once.
_EDGES_HELD = 10_000
_STARTED = "%Y%m%dT%H%M%SZ"  # when a fetch began, in its name

_Grains = dict[str, tuple[list[bytes], list[bytes], list[dt.datetime]]]  # key -> lines, their identities, the times of those that have one


def land_fetch(
    lake: Lake,
    contract: Contract,
    *,
    source: str,
    application: str,
    purpose: Purpose,
    window: Window | None,
    covered: Window | None,
    batches: Iterable[list[bytes]],
    http: Callable[[], dict[str, Any]],
    started_at: dt.datetime,
    run_id: str | None = None,
    ledger: Ledger | None = None,
    before: Ledger | None = None,
) -> Manifest:
    """Read a fetch of a source by time to its end, land what is new, and commit it with one manifest. Returns the manifest, which is durable.

    `batches`: verbatim lines without newlines. `window`: what the source was asked for; `covered`: what counts as read without gaps from now on.
    `http` is asked for the counters of the source client when all is read; of them `order_violations` has a place of its own in the manifest.
    `ledger`: a recent one, where the caller has it at hand; older than the newest manifests costs nothing but copies that clean removes.
    `before`: the ledger before the fetch as a whole began, where this window is one of many; lateness is measured against what it had read, and the
    newest instant of that is the reference time of a fetch that only reads again.

    A line whose identity is that of a line landed in its grain before, or of a line met before in this same fetch (pages that overlap), is a re-read:
    counted, not landed. Unplaced lines are compared with all unplaced lines, whatever day they landed on. A new line of a sealed day lands unplaced.
    `TransientError` when a day of the fetch is sealed while it runs.
    When the source or the disk fails nothing is committed: files that were written are orphans, and the fetch can be run again.
    """
    ledger = load_ledger(lake, contract.name) if ledger is None else ledger
    fetch_id = new_fetch_id(started_at, application or source)
    landing = _Landing(lake, contract, ledger, before or ledger, application, fetch_id=fetch_id, window=window)
    for batch in batches:
        landing.take(batch)
    fail_point("landing.after_read")
    counters = http()
    told = partial(
        Manifest, dataset=contract.name, source=source, application=application, fetch_id=fetch_id, kind="fetch", purpose=purpose, window=window,
        covered=covered, started_at=started_at, landed_at=lake.now(), order_violations=int(counters.get("order_violations", 0)), http=counters,
        run_id=run_id, routing=ROUTING_VERSION, reference_time=landing.frontier if purpose in READS_AGAIN and landing.read_before() else None,
    )  # fmt: skip
    with _SETTLING if landing.edges else nullcontext():
        landing.settle()
        parts = landing.writer.finish()
        return append(lake, landing.ledger, lambda follows: landing.manifest(follows, told, parts))


def new_fetch_id(started_at: dt.datetime, name: str) -> str:
    """A name for a fetch: sorts by time, fits into file names, and no two are equal: `20261120T131502Z-token-1f0c2a9b`."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name) or "all"
    return f"{started_at.astimezone(dt.UTC):{_STARTED}}-{plain}-{secrets.token_hex(4)}"


def started_of(fetch_id: str) -> dt.datetime:
    """When a fetch began, to the second below, by its name. Raises `LakeFormatError` for a name that `new_fetch_id` did not make."""
    try:
        return dt.datetime.strptime(fetch_id.partition("-")[0], _STARTED).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise LakeFormatError(f"{fetch_id!r} is no name of a fetch: expected one such as 20261120T131502Z-token-1f0c2a9b.") from error


class _Landing:
    """The lines of one fetch on their way: routed, compared with what landed before, counted."""

    def __init__(
        self,
        lake: Lake,
        contract: Contract,
        ledger: Ledger,
        before: Ledger,
        application: str,
        *,
        fetch_id: str,
        window: Window | None,
    ) -> None:
        self._lake, self._window = lake, window
        self.ledger = ledger
        self.edges: list[bytes] = []
        self._route = Router(contract, lake.start(contract.name, contract.history), lake.now(), ledger.sealed)
        self._known: dict[str, KnownIds] = {}
        self._met: dict[str, set[bytes]] = {}
        self._coverage = before.coverage.get(application, ())
        self.frontier = before.frontier(application)
        self.writer = PartWriter(lake.store, contract.name, fetch_id, ids=True)
        self.lateness: Counter[int] = Counter()
        self.late = 0
        self._read = self._re_read = self._placed = self._unplaced = 0

    def take(self, batch: list[bytes]) -> None:
        """One batch of lines."""
        self._read += len(batch)
        self._sort(batch, self._window)

    def settle(self) -> None:
        """Land the lines on the edges of the window, which the fetch of the window beside it may have landed in the meantime."""
        if self.edges:
            self.ledger = refresh(self._lake, self.ledger)
            self._known.clear()
            self._sort(self.edges, None)

    def _sort(self, batch: list[bytes], window: Window | None) -> None:
        grains: _Grains = {}
        for line in batch:
            key, time, identity = self._route.route(line)
            if window is not None and time is not None and not window.start < time < window.end and len(self.edges) < _EDGES_HELD:
                self.edges.append(line)
                continue
            lines, ids, times = grains.setdefault(key, ([], [], []))
            lines.append(line)
            ids.append(identity)
            if time is not None:
                times.append(time)
        self._take_from_sealed(grains)
        for key, (lines, ids, times) in grains.items():
            if any(new := self._first_sightings(key, ids)):
                self._land(key, list(compress(lines, new)), list(compress(ids, new)), list(compress(times, new)))

    def read_before(self) -> bool:
        """Whether the window had been read without gaps before the fetch began: what it holds of a hole is met for the first time by anybody."""
        return self._window is not None and not stretches.holes(self._coverage, self._window.start, self._window.end)

    def _take_from_sealed(self, grains: _Grains) -> None:
        """Of the lines of sealed days: drop those that landed before, the others are unplaced."""
        for key in [key for key in grains if self._route.home(key) != key]:
            lines, ids, _ = grains.pop(key)
            new = self._first_sightings(key, ids)
            if any(new):
                others, their_ids, _ = grains.setdefault(self._route.unplaced, ([], [], []))
                others.extend(compress(lines, new))
                their_ids.extend(compress(ids, new))

    def manifest(self, follows: Ledger, told: Callable[..., Manifest], parts: tuple[Part, ...]) -> Manifest:
        """What is `told` of the fetch, with what came of its lines. `TransientError` where a day of it is sealed by now."""
        refuse_sealed(follows, parts)
        books = FetchBooks(self._read, self._re_read, self._placed, self._unplaced)
        lateness = dict(sorted(self.lateness.items()))
        return told(number=follows.last_number + 1, books=books, parts=parts, lateness=lateness, late_recovered=self.late)

    def _first_sightings(self, key: str, ids: list[bytes]) -> list[bool]:
        """Which lines were never met; the others are counted as re-reads."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._landed_ids(key)
        met = self._met.setdefault(key, set())
        new: list[bool] = []
        for identity, old in zip(ids, known.contains(ids), strict=True):
            first = not old and identity not in met
            if first:
                met.add(identity)
            new.append(first)
        self._re_read += new.count(False)
        return new

    def _landed_ids(self, key: str) -> KnownIds:
        if key != self._route.unplaced:
            parts = self.ledger.parts.get(key, ())
        else:
            parts = tuple(p for grain, landed in self.ledger.parts.items() if grain.startswith("unplaced-") for p in landed)
        try:
            return read_ids(self._lake.store, (p.part.ids for p in parts if p.part.ids))
        except MissingIdsError:
            seen, self.ledger = self.ledger.last_number, refresh(self._lake, self.ledger)
            if self.ledger.last_number == seen:
                raise
            return self._landed_ids(key)  # a compaction has put them together since

    def _land(self, key: str, lines: list[bytes], ids: list[bytes], times: list[dt.datetime]) -> None:
        self.writer.add(key, lines, ids, times)
        if key == self._route.unplaced:
            self._unplaced += len(lines)
            return
        self._placed += len(lines)
        frontier = self.frontier
        if frontier is None or min(times) >= frontier:
            self.lateness[0] += len(times)
            return
        for time in times:
            late = time < frontier and stretches.contains(self._coverage, time)
            self.lateness[bucket((frontier - time).total_seconds()) if late else 0] += 1
            self.late += late
