"""One try at building a day, from one state of the ledger: its grains are made and audited, then committed and checked."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from deltalake import DeltaTable

from lakehouse.accounts.books import Books, total
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.errors import AuditError, TransientError
from lakehouse.landing.ledger import Ledger
from lakehouse.settings import Lake, TokenKey
from lakehouse.steps.applications import counted_applications
from lakehouse.steps.audit import audit_grain
from lakehouse.steps.checks import CheckResult, DayFacts, check_day, days_compared
from lakehouse.steps.parallel import ClosedError, Room, run_within
from lakehouse.tables import builds, delta, grains
from lakehouse.tables.records import Build, GrainAccount, GrainRef, TableFile

log = logging.getLogger(__name__)

_GRAINS = 2
RAW_BYTES = 64 << 20
"""Of raw text in the grains of one day that are under way together; more than that is a grain by itself."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class DayReport:
    """What building a day came to.

    `rebuilt`: grain results made now; `reused`: how many were there already. `committed`: the table changed (False: nothing to do).
    `previous`: the build before, None for the first. `accounts`: of all grains of the day. `checks`: in the order of `checks.CHECKS`.
    `seconds`: what the try that counts took; those of days that were made at the same time overlap.
    """

    dataset: str
    day: dt.date
    build: Build
    previous: Build | None
    accounts: dict[Grain, GrainAccount]
    rebuilt: tuple[GrainRef, ...]
    reused: int
    committed: bool
    table_version: int | None
    checks: tuple[CheckResult, ...]
    seconds: float
    books: Books = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "books", total(a.books for a in self.accounts.values()))


@dataclass(frozen=True)
class Made:
    """What a day comes to before anything is committed. `before`: the results that are committed. `rebuilt`: those made now. `seconds`: it took."""

    table: DeltaTable | None
    previous: Build | None
    before: frozenset[GrainRef]
    accounts: dict[Grain, GrainAccount]
    rebuilt: tuple[GrainRef, ...]
    build: Build
    seconds: float


@dataclass
class Attempt:
    """One try at a day. Once the room is closed no other grain of it is begun."""

    lake: Lake
    dataset: Dataset
    day: dt.date
    ledger: Ledger
    key: TokenKey
    engine: Callable[..., GrainAccount]
    force: bool
    progress: Progress
    room: Room
    lost: bool = False

    def make(self) -> Made:
        """Make the results of all grains that are not there yet, and audit them, once there is room for the raw text of the day.

        Raises `AuditError`. Nothing of the table changes.
        """
        with self.room.take(sum(self._raw_bytes(grain) for grain in self.ledger.grains(self.day))):
            return self._make(time.perf_counter())

    def _make(self, began: float) -> Made:
        table = delta.open_table(self.lake, self.dataset.contract.name)
        previous = self._previous(table)
        before = {ref.grain: ref for ref in previous.grains} if previous else {}
        results = self._grains(before)
        accounts = {grain: account for grain, (account, _) in results.items()}
        rebuilt = tuple(GrainRef(account.grain, account.digest) for account, made in results.values() if made)
        build = self._build(accounts)
        self._audit(build, accounts, set(build.grains) - set(before.values()), table)
        return Made(table, previous, frozenset(before.values()), accounts, rebuilt, build, time.perf_counter() - began)

    def commit(self, made: Made) -> DayReport | None:
        """Commit what was made and check the day. None when somebody committed a newer build meanwhile: another try must start from the part list."""
        began, contract = time.perf_counter(), self.dataset.contract
        version = self._commit(made)
        if version == _SUPERSEDED:
            return None
        now = delta.newest(self.lake, contract.name, made.table)
        built = builds.builds_of(self.lake, contract, now, days_compared(self.day)) if now is not None else {}
        checks = check_day(DayFacts(self.lake, self.dataset, self.day, made.build, made.accounts, self.ledger, now, built))
        return DayReport(
            contract.name,
            self.day,
            made.build,
            made.previous,
            made.accounts,
            made.rebuilt,
            reused=len(made.accounts) - len(made.rebuilt),
            committed=version is not None,
            table_version=version,
            checks=checks,
            seconds=made.seconds + time.perf_counter() - began,
        )

    def _previous(self, table: DeltaTable | None) -> Build | None:
        try:
            return builds.build_of(self.lake, self.dataset.contract, table, self.day) if table is not None else None
        except builds.LostBuildError as error:
            log.warning("%s Every grain of it is built anew.", error)
            self.force = self.lost = True
            return None

    def _grains(self, before: dict[str, GrainRef]) -> dict[Grain, tuple[GrainAccount, bool]]:
        """All grains of the day, small ones two at a time: while one is written the next is read."""
        every = self.ledger.grains(self.day)
        tasks = [(self._raw_bytes(grain), partial(self._grain, grain, before.get(grain.key))) for grain in every]
        return dict(zip(every, run_within(tasks, workers=_GRAINS, budget=RAW_BYTES), strict=True))

    def _raw_bytes(self, grain: Grain) -> int:
        return sum(p.part.raw_bytes for p in self.ledger.parts[grain.key])

    def _grain(self, grain: Grain, before: GrainRef | None) -> tuple[GrainAccount, bool]:
        """The account of a grain result, and whether it was made now. `before`: the one that is committed."""
        if self.room.closed:
            raise ClosedError
        parts = self.ledger.parts[grain.key]
        superseded = {p.part.path: lines for p in parts if (lines := self.ledger.superseded.get(p.part.path))}
        released = frozenset(p.part.path for p in parts if p.part.path in self.ledger.released)
        sealed = {d: seal.number for d, seal in self.ledger.sealed.items() if grain.kind == "unplaced" and seal.number < parts[-1].number}
        erased = {p.part.path: lines for p in parts if (lines := self.ledger.erased(p.part.path))}
        inputs = grains.GrainInputs(grain, parts, superseded, released=released, sealed=sealed, erased=erased)
        digest = grains.grain_digest(inputs, self.dataset.contract, self.key)
        committed = before is not None and grains.same_inputs(before.digest, digest)
        if not self.force:
            ref = before if before is not None and committed else GrainRef(grain.key, digest)
            account = grains.reusable(self.lake, self.dataset.name, ref, committed=committed)
            if account is not None:
                return account, False
        if committed or self.lost:
            inputs = replace(inputs, attempt=secrets.token_hex(4))
        self.progress(f"{self.dataset.name} {grain.key}: {len(parts)} parts, {sum(p.part.lines for p in parts):,} lines")
        return self.engine(self.lake, self.dataset, inputs, self.key), True

    def _build(self, accounts: dict[Grain, GrainAccount]) -> Build:
        applications = counted_applications(self.lake, self.dataset, self.ledger)
        grain = Grain(self.day)
        holes = sum(len(self.ledger.holes(a, grain.start, grain.end)) for a in applications)
        refs = tuple(sorted(GrainRef(a.grain, a.digest) for a in accounts.values()))
        complete = holes == 0
        return Build(self.dataset.name, self.day, builds.fingerprint(refs, complete=complete), complete, holes, self.ledger.last_number, refs)

    def _audit(self, build: Build, accounts: dict[Grain, GrainAccount], fresh: set[GrainRef], table: DeltaTable | None) -> None:
        """Raise `AuditError` unless all results may be committed. The files of those that were committed before (not `fresh`) are not read again.

        A result with a fault is forgotten: once its cause is gone, the next build makes it anew.
        """
        faults: list[str] = []
        for grain, account in accounts.items():
            ref, landed = GrainRef(account.grain, account.digest), {p.part.path: p.part.lines for p in self.ledger.parts[grain.key]}
            found = list(audit_grain(self.lake, self.dataset.contract, grain, account, landed, read_files=ref in fresh))
            if found and ref in fresh and ref not in self._committed_now(table):
                grains.forget_account(self.lake, account)
            faults += found
        if faults:
            path = builds.write_refusal(self.lake, build, faults)
            listed = "\n".join(f"- {f}" for f in faults[:20])
            raise AuditError(
                f"{build.dataset} {build.day} failed its audit; the table keeps its old version, and raw is untouched ({path}):\n{listed}\n"
                f"Restore what is named as damaged or gone from a backup, then: lakehouse replay {build.day}. Where nothing is, report it."
            )

    def _committed_now(self, table: DeltaTable | None) -> tuple[GrainRef, ...]:
        """What the table names for the day by now; others may have committed since this began."""
        now = delta.newest(self.lake, self.dataset.contract.name, table)
        try:
            build = builds.build_of(self.lake, self.dataset.contract, now, self.day) if now is not None else None
        except builds.LostBuildError:
            return ()
        return build.grains if build is not None else ()

    def _commit(self, made: Made) -> int | None:
        """The version of the commit, None when there is nothing to commit, `_SUPERSEDED` when a newer build stands."""
        build, accounts = made.build, made.accounts
        table = delta.newest(self.lake, self.dataset.contract.name, made.table)  # it may have been made long ago
        if table is not None and not self.force:
            state = delta.day_state(self.lake, build.dataset, table, self.day, with_files=False)
            if state.fingerprint == build.fingerprint and not self._newly_touched(state.seen):
                return None
        builds.write_build(self.lake, build)
        prefix = grains.table_folder(build.dataset) + "/"
        files: dict[str, TableFile] = {f.path.removeprefix(prefix): f for a in accounts.values() for f in a.files}
        refused = False

        def still_ours(state: delta.DayState) -> bool:
            nonlocal refused
            refused = state.seen is not None and state.seen > build.seen and state.fingerprint != build.fingerprint
            if not refused and state.fingerprint != build.fingerprint:
                _refuse_old(build, [a for a in accounts.values() if GrainRef(a.grain, a.digest) not in made.before])  # no age keeps those
            return not refused

        version = delta.swap_day(
            self.lake,
            self.dataset.contract,
            self.day,
            files,
            table=table,
            fingerprint=build.fingerprint,
            seen=build.seen,
            complete=build.complete,
            still_ours=still_ours,
        )
        return _SUPERSEDED if refused else version

    def _newly_touched(self, seen: int | None) -> bool:
        """Whether something landed on the day after what the committed build has seen (and yet it comes to the same): then `seen` must move on."""
        return seen is None or self.ledger.touched.get(self.day, 0) > seen


_SUPERSEDED = -1


def _refuse_old(build: Build, fresh: Iterable[GrainAccount]) -> None:
    """Raise `TransientError` for results that were staged so long ago that a cleaner may take their files for orphans."""
    old = [account for account in fresh if not grains.may_be_named(account)]
    if old:
        hours, limit = (time.time() - min(a.staged_at for a in old)) / 3600, grains.STAGED_FOR / 3600
        raise TransientError(
            f"{build.dataset} {build.day}: the results of {', '.join(a.grain for a in old)} were staged {hours:.1f} h ago and never committed. "
            f"Expected less than {limit:g} h, because nothing keeps files that no commit names. The table keeps its old version. Run the build "
            "again: it makes them anew."
        )
