"""Build a day: what its parts say, in the clean table, in one commit. The same inputs are never built twice."""

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
from lakehouse.engines import polars_engine
from lakehouse.errors import AuditError, ConfigurationError, ConflictError, ErasedMeanwhileError, TerminalError, TransientError
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.sealed import expired
from lakehouse.settings import Lake, TokenKey
from lakehouse.steps.applications import counted_applications
from lakehouse.steps.audit import audit_grain
from lakehouse.steps.checks import CheckResult, DayFacts, check_day, days_compared
from lakehouse.steps.parallel import run_within
from lakehouse.tables import builds, delta, grains
from lakehouse.tables.records import Build, GrainAccount, GrainRef, TableFile
from lakehouse.tables.transactions import app_transactions

ENGINES: dict[str, Callable[..., GrainAccount]] = {polars_engine.ENGINE: polars_engine.build_grain}
log = logging.getLogger(__name__)

_RESTARTS = 5
_GRAINS = 2
_RAW_BYTES = 64 << 20  # of raw text in the grains that are under way together; more than that is a grain by itself
Progress = Callable[[str], None]


class SealedDayError(TerminalError):
    """A day whose raw has expired was to be built. `why`: since when, in words."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True)
class DayReport:
    """What building a day came to.

    `rebuilt`: grain results made now; `reused`: how many were there already. `committed`: the table changed (False: nothing to do).
    `previous`: the build before, None for the first. `accounts`: of all grains of the day. `checks`: in the order of `checks.CHECKS`.
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
    began = time.perf_counter()
    run = _engine(lake, dataset, engine)
    for _ in range(_RESTARTS):
        ledger = load_ledger(lake, dataset.name)
        _refuse_sealed(lake, ledger, day)
        attempt = _Attempt(lake, dataset, day, ledger, lake.token_key(), run, force, progress or (lambda _: None))
        try:
            report = attempt.run(began)
        except ErasedMeanwhileError as error:
            log.info("%s %s starts again from the part list: %s", dataset.name, day, error)
            continue
        if report is not None:
            return report
    raise ConflictError(f"{dataset.name} {day}: others landed and built, or erased, newer lines {_RESTARTS} times while this ran. Try again.")


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


@dataclass
class _Attempt:
    """One try at a day, from one state of the ledger."""

    lake: Lake
    dataset: Dataset
    day: dt.date
    ledger: Ledger
    key: TokenKey
    engine: Callable[..., GrainAccount]
    force: bool
    progress: Progress
    lost: bool = False

    def run(self, began: float) -> DayReport | None:
        """The report; None when somebody committed a newer build meanwhile and this one must start again from the part list."""
        contract = self.dataset.contract
        table = delta.open_table(self.lake, contract.name)
        previous = self._previous(table)
        before = {ref.grain: ref for ref in previous.grains} if previous else {}
        results = self._grains(before)
        accounts = {grain: account for grain, (account, _) in results.items()}
        rebuilt = [GrainRef(account.grain, account.digest) for account, made in results.values() if made]
        build = self._build(accounts)
        self._audit(build, accounts, set(build.grains) - set(before.values()))
        version = self._commit(build, accounts, table, set(before.values()))
        if version == _SUPERSEDED:
            return None
        committed = version is not None
        reused = len(accounts) - len(rebuilt)
        now = delta.open_table(self.lake, contract.name)
        built = builds.builds_of(self.lake, contract, now, days_compared(self.day)) if now is not None else {}
        facts = DayFacts(self.lake, self.dataset, self.day, build, accounts, self.ledger, now, built)
        checks = check_day(facts)
        seconds = time.perf_counter() - began
        return DayReport(contract.name, self.day, build, previous, accounts, tuple(rebuilt), reused, committed, version, checks, seconds)

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
        sizes = [sum(p.part.raw_bytes for p in self.ledger.parts[grain.key]) for grain in every]
        tasks = [(size, partial(self._grain, grain, before.get(grain.key))) for grain, size in zip(every, sizes, strict=True)]
        return dict(zip(every, run_within(tasks, workers=_GRAINS, budget=_RAW_BYTES), strict=True))

    def _grain(self, grain: Grain, before: GrainRef | None) -> tuple[GrainAccount, bool]:
        """The account of a grain result, and whether it was made now. `before`: the one that is committed."""
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
        return self.engine(self.lake, self.dataset, inputs, self.key, replace=True), True

    def _build(self, accounts: dict[Grain, GrainAccount]) -> Build:
        applications = counted_applications(self.lake, self.dataset, self.ledger)
        grain = Grain(self.day)
        holes = sum(len(self.ledger.holes(a, grain.start, grain.end)) for a in applications)
        refs = tuple(sorted(GrainRef(a.grain, a.digest) for a in accounts.values()))
        complete = holes == 0
        return Build(self.dataset.name, self.day, builds.fingerprint(refs, complete=complete), complete, holes, self.ledger.last_number, refs)

    def _audit(self, build: Build, accounts: dict[Grain, GrainAccount], fresh: set[GrainRef]) -> None:
        """Raise `AuditError` unless all results may be committed. The files of those that were committed before (not `fresh`) are not read again."""
        faults: list[str] = []
        for grain, account in accounts.items():
            landed = {p.part.path: p.part.lines for p in self.ledger.parts[grain.key]}
            read_files = GrainRef(account.grain, account.digest) in fresh
            faults += audit_grain(self.lake, self.dataset.contract, grain, account, landed, read_files=read_files)
        if faults:
            path = builds.write_refusal(self.lake, build, faults)
            listed = "\n".join(f"- {f}" for f in faults[:20])
            raise AuditError(f"{build.dataset} {build.day} failed its audit; the table keeps its old version ({path}):\n{listed}")

    def _commit(self, build: Build, accounts: dict[Grain, GrainAccount], table: DeltaTable | None, before: set[GrainRef]) -> int | None:
        """The version of the commit, None when there is nothing to commit, `_SUPERSEDED` when a newer build stands.

        `before`: the results that are committed, which no age keeps from being named again.
        """
        if table is not None and not self.force:
            state = delta.day_state(table, self.day, with_files=False)
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
                _refuse_old(build, [a for a in accounts.values() if GrainRef(a.grain, a.digest) not in before])
            return not refused

        version = delta.swap_day(
            self.lake,
            self.dataset.contract,
            self.day,
            files,
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


def stale_days(lake: Lake, dataset: Dataset) -> list[StaleDay]:
    """The days that a build would change because of what was landed, oldest first.

    Lines landed that no committed build has seen, or coverage is whole now. Driven by what was landed, never by event time. A day that differs in
    contract or code only is not stale, nor is a sealed one.
    """
    ledger = load_ledger(lake, dataset.name)
    if not ledger.touched:
        return []
    table = delta.open_table(lake, dataset.name)
    told = app_transactions(lake, dataset.name, table, (name for d in ledger.touched for name in delta.app_ids(d))) if table is not None else {}
    written = set(builds.written_days(lake, dataset.name))
    applications = counted_applications(lake, dataset, ledger)
    found = []
    for day, touched in sorted((d, n) for d, n in ledger.touched.items() if d not in ledger.sealed):
        ids = delta.app_ids(day)
        seen, complete = told.get(ids.seen), told.get(ids.complete)
        if table is None or seen is None or ids.build not in told or day not in written:
            found.append(StaleDay(day, touched, None, "never built"))
        elif touched > seen:
            found.append(StaleDay(day, touched, seen, f"manifest {touched} landed after the build had seen {seen}"))
        elif not complete and ledger.covered(applications, Grain(day).start, Grain(day).end):
            if complete is None and builds.read_build(lake, dataset.name, day, told[ids.build]).complete:
                continue  # committed before tables told it
            found.append(StaleDay(day, touched, seen, "coverage is complete now"))
    return found
