"""What is checked of a day that was built. The structural facts were audited before the commit; here they are told, with what they were found on."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import polars as pl
from deltalake import DeltaTable

from lakehouse.accounts.books import Books, total
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.landing.ledger import Ledger
from lakehouse.landing.routing import FUTURE_TOLERANCE
from lakehouse.settings import Lake
from lakehouse.steps.applications import counted_applications
from lakehouse.steps.repeated import repeated_ids
from lakehouse.tables import builds, delta
from lakehouse.tables.committed import naming_damage, scan_committed
from lakehouse.tables.grains import table_folder
from lakehouse.tables.records import Build, GrainAccount

Severity = Literal["error", "warn"]
CHECKS: Mapping[str, str] = {
    "contract": "The share of lines and rows in quarantine stays below what the contract allows.",
    "drift": "No field turned up that neither the contract names nor the days before had.",
    "books_balance": "Every line and every row is in exactly one term of the account, at tolerance zero.",
    "duplicate_keys": "No two rows have the same key.",
    "repeated_ids": "Ids that came again with another time, over this day and the one before.",
    "event_time_in_partition": "Every event lies in the partition that holds it.",
    "event_time_not_in_future": "No event is later than the lake's clock.",
    "holes": "Every application or feed of the source was read without gaps.",
    "volume": "As many rows as the same days of the weeks before, within a factor of five.",
}
BLOCKING = frozenset({"books_balance"})
_WEEKS, _FACTOR, _FEWEST = 4, 5, 100
_DAYS_OF_DRIFT = 7


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check. `metadata` holds counts and names, never text of a record."""

    name: str
    passed: bool
    severity: Severity
    description: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DayFacts:
    """What the checks of a day look at. `committed`: the builds of `days_compared` that are committed, by day."""

    lake: Lake
    dataset: Dataset
    day: dt.date
    build: Build
    accounts: Mapping[Grain, GrainAccount]
    ledger: Ledger
    table: DeltaTable | None
    committed: Mapping[dt.date, Build]

    @cached_property
    def books(self) -> Books:
        """The books of the day."""
        return total(a.books for a in self.accounts.values())

    @cached_property
    def files(self) -> Mapping[dt.date, Collection[str]]:
        """The files of the table, relative to it, of the day and of the day before it, by day."""
        return delta.active_files(self.table, [self.day, self.day - dt.timedelta(days=1)]) if self.table is not None else {}


def days_compared(day: dt.date) -> set[dt.date]:
    """The days before whose builds the checks of a day look at."""
    return {day - dt.timedelta(days=n) for n in range(1, _DAYS_OF_DRIFT + 1)} | {day - dt.timedelta(weeks=n) for n in range(1, _WEEKS + 1)}


def check_day(facts: DayFacts) -> tuple[CheckResult, ...]:
    """All checks of a day, in the order of `CHECKS`."""
    return (
        _contract(facts),
        _drift(facts),
        _books_balance(facts),
        _duplicate_keys(facts),
        _repeated_ids(facts),
        _in_partition(facts),
        _not_in_future(facts),
        _holes(facts),
        _volume(facts),
    )


def _contract(facts: DayFacts) -> CheckResult:
    limit = facts.dataset.contract.drift.quarantined_error_share
    placed = total(a.books for grain, a in facts.accounts.items() if grain.kind != "unplaced")
    unplaced = total(a.books for grain, a in facts.accounts.items() if grain.kind == "unplaced")
    aside, of = _aside(placed), placed.rows + placed.unreadable
    told, share = f"{aside:,} of {of:,} are in quarantine", aside / max(1, of)
    if unplaced.lines:  # lines without a day of their own are of all days: they are few or many among what landed with them
        landed = sum(p.part.lines for parts in facts.ledger.parts.values() for p in parts if p.landed_at.date() == facts.day)
        told += f", {_aside(unplaced):,} of the {landed:,} lines that landed on this day have no place"
        aside, share = aside + _aside(unplaced), max(share, _aside(unplaced) / max(1, landed))
    rules: dict[str, int] = {}
    for account in facts.accounts.values():
        for rule, count in account.quarantine_rules.items():
            rules[rule] = rules.get(rule, 0) + count
    told += f" ({share:.2%}, allowed {limit:.2%})"
    if rules.keys() & {"before_start", "in_future"} and share > limit:
        told += f". A line has no place when its time {facts.lake.times_without_place(facts.dataset.name, facts.dataset.contract.history)}"
    return CheckResult("contract", share <= limit, "error", told, {"quarantined": aside, "share": share, "rules": rules})


def _aside(books: Books) -> int:
    return books.quarantined + books.unreadable


def _unknown(accounts: Mapping[Any, GrainAccount]) -> dict[str, int]:
    found: dict[str, int] = {}
    for account in accounts.values():
        for count in account.census:
            if not count.declared:
                found[count.path] = found.get(count.path, 0) + count.count
    return dict(sorted(found.items()))


def _drift(facts: DayFacts) -> CheckResult:
    here = _unknown(facts.accounts)
    before = [b for d, b in facts.committed.items() if dt.timedelta() < facts.day - d <= dt.timedelta(days=_DAYS_OF_DRIFT)]
    known = _unknown(builds.accounts_of(facts.lake, before))
    new = sorted(set(here) - set(known)) if before else []
    odd: dict[str, int] = {}
    for account in facts.accounts.values():
        for value, count in account.unknown_values.items():
            odd[value] = odd.get(value, 0) + count
    share = min(1.0, max(here.values(), default=0) / max(1, facts.books.rows))  # a field of a list may be there more often than rows
    limit = facts.dataset.contract.drift.unknown_fields_error_share
    told = f"new fields: {', '.join(new)}" if new else f"{len(here)} fields beside the contract, none new"
    severity: Severity = "error" if share > limit else "warn"
    return CheckResult("drift", not new and share <= limit, severity, told, {"new_fields": new, "unknown_fields": here, "unknown_values": odd})


def _books_balance(facts: DayFacts) -> CheckResult:
    lines, rows = facts.books.differences()
    told = "the books close" if facts.books.balanced() else f"lines differ by {lines}, rows by {rows}"
    return CheckResult("books_balance", facts.books.balanced(), "error", told, {f: getattr(facts.books, f) for f in facts.books.__struct_fields__})


def _files_of(facts: DayFacts, days: Collection[dt.date]) -> list[str]:
    """The files of some days in the table, relative to the lake."""
    return [f"{table_folder(facts.dataset.name)}/{path}" for day in days for path in facts.files.get(day, ())]


def _duplicate_keys(facts: DayFacts) -> CheckResult:
    doubled = _doubled_keys(facts)
    conflicts = sum(a.key_conflicts for a in facts.accounts.values())
    told = f"{facts.books.duplicate:,} duplicates were removed, {conflicts:,} keys had different content, {doubled:,} keys are double in the table"
    return CheckResult("duplicate_keys", doubled == 0, "error", told, {"removed": facts.books.duplicate, "conflicts": conflicts, "double": doubled})


def _doubled_keys(facts: DayFacts) -> int:
    """Rows of the day whose key another row has too.

    The audit has found none in any of the files that the accounts list, and no two files that a key could share. The rows of the whole day, which may
    be far more than fit into memory, are compared only where that does not prove it: a file that no account lists, or rows that span days.
    """
    files = _files_of(facts, [facts.day])
    audited = set(files) <= {f.path for a in facts.accounts.values() for f in a.files}
    if not files or (audited and not facts.dataset.contract.rows_span_days):
        return 0
    key = list(facts.dataset.contract.key)
    named = [facts.lake.store.uri(path) for path in files]
    with naming_damage(named):
        rows = scan_committed(named, hive_partitioning=False)
        return int(rows.select(pl.len() - pl.struct(key).n_unique()).collect().item())


def _repeated_ids(facts: DayFacts) -> CheckResult:
    contract: Contract = facts.dataset.contract
    files = _files_of(facts, [facts.day, facts.day - dt.timedelta(days=1)]) if contract.id_columns else []
    if not files:
        return CheckResult("repeated_ids", True, "warn", "nothing to compare", {"ids": 0})
    count = repeated_ids([facts.lake.store.uri(path) for path in files], contract)
    return CheckResult("repeated_ids", True, "warn", f"{count:,} ids came with more than one time; they are kept apart, not merged", {"ids": count})


def _in_partition(facts: DayFacts) -> CheckResult:
    outside = 0
    times = [(g, f.min_time, f.max_time) for g, a in facts.accounts.items() for f in a.files]
    if not facts.dataset.contract.rows_span_days:
        outside = sum(bool(low and high and (low < g.start or high >= g.end)) for g, low, high in times)
    lows = [low for _, low, _ in times if low]
    highs = [high for _, _, high in times if high]
    told = f"events from {min(lows)} to {max(highs)}" if lows else "no events"
    return CheckResult("event_time_in_partition", outside == 0, "error", told, {"files_outside": outside})


def _not_in_future(facts: DayFacts) -> CheckResult:
    now = facts.lake.now()
    newest = max((f.max_time for a in facts.accounts.values() for f in a.files if f.max_time), default=None)
    told = f"newest event {newest}, clock {now}" if newest else "no events"
    fine = newest is None or newest <= now + FUTURE_TOLERANCE  # as routing has it: the clocks of producers differ
    return CheckResult("event_time_not_in_future", fine, "error", told, {"newest": str(newest)})


def _holes(facts: DayFacts) -> CheckResult:
    day, now = Grain(facts.day), facts.lake.now()
    names = counted_applications(facts.lake, facts.dataset, facts.ledger)
    # By position reading ends at the watermark: what lies after it is no hole, the next file may tell of it.
    ends = {a: facts.ledger.frontier(a) or day.start for a in names} if isinstance(facts.dataset.source, FileSource) else {}
    found = {a: facts.ledger.holes(a, day.start, min(day.end, now, ends.get(a, now))) for a in names}
    open_ended = {a: [h for h in holes if h.end < min(day.end, now)] for a, holes in found.items()}
    holes = {
        a: [f"{h.start:%H:%M}-{'24:00' if h.end == day.end else f'{h.end:%H:%M}'}" for h in hs]
        for a, hs in (found if day.end <= now else open_ended).items()
        if hs
    }
    told = "; ".join(f"{a}: {', '.join(hs)}" for a, hs in holes.items()) or (
        "read without gaps" if facts.build.complete else "no gaps so far; the day is not read to its end"
    )
    return CheckResult("holes", not holes, "warn", told, {"holes": holes, "complete": facts.build.complete})


def _volume(facts: DayFacts) -> CheckResult:
    weeks = [facts.day - dt.timedelta(weeks=n) for n in range(1, _WEEKS + 1)]
    before = [facts.committed[d] for d in weeks if d in facts.committed]
    if not before or not facts.build.complete:
        return CheckResult("volume", True, "warn", f"{facts.books.kept:,} rows; no whole week to compare with", {"rows": facts.books.kept})
    kept: dict[dt.date, int] = {}
    for (day, _), account in builds.accounts_of(facts.lake, before).items():
        kept[day] = kept.get(day, 0) + account.books.kept
    usual = statistics.median(kept.values()) if kept else 0
    ratio = facts.books.kept / max(1, usual)
    fine = max(facts.books.kept, usual) < _FEWEST or 1 / _FACTOR <= ratio <= _FACTOR
    told = f"{facts.books.kept:,} rows, usually {usual:,.0f} on this day of the week"
    return CheckResult("volume", fine, "warn", told, {"rows": facts.books.kept, "usual": float(usual)})
