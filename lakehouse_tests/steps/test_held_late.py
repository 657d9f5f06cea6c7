"""Rows that come later than the contract allows are held, by what had been read and never by when something ran, until they are released."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import polars as pl
import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, check_lake, event, whole

from lakehouse.accounts.books import Books
from lakehouse.errors import TerminalError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.release import land_release
from lakehouse.landing.retention import land_retention
from lakehouse.operations.quarantine import refused, rule_counts
from lakehouse.operations.reconciliation import reconcile
from lakehouse.operations.status import status
from lakehouse.settings import open_lake
from lakehouse.steps.build import stale_days
from lakehouse.steps.compact import compact
from lakehouse.steps.erase import erase, forget_rows
from lakehouse.steps.explain import explain_line
from lakehouse.steps.release import release
from lakehouse.tables.views import quarantine_files

WEEKS = dt.timedelta(weeks=7)
KEPT = Books(lines=2, records=2, rows=2, kept=2)
HELD = Books(lines=4, records=4, rows=5, held=2, kept=3)
TWO_EVENTS = [{"name": "activity", "parameters": [{"name": "client_id", "value": c}]} for c in ("a", "b")]


def strict(made: BuildLake) -> BuildLake:
    """The same lake, whose contract allows two hours."""
    contract = replace(made.dataset.contract, allowed_lateness=dt.timedelta(hours=2))
    return replace(made, dataset=replace(made.dataset, contract=contract))


def read_and_sweep(made: BuildLake) -> str:
    """Read the day to its end, then find two more records: one of the night before, one of the last hour. Returns the part of the first."""
    made.land(event(1, 1), event(23, 2), covers=whole(DAY))
    assert made.build().books == KEPT
    swept = made.land(
        event(1, 1), event(1, 3, events=TWO_EVENTS), event(23, 4), covers=whole(DAY), clock=CLOCK + dt.timedelta(days=1), purpose="daily_sweep"
    )
    return next(p.path for p in swept.parts if p.grain == f"{DAY}T01")


@pytest.fixture
def held(made: BuildLake) -> tuple[BuildLake, LineRef]:
    """A lake that holds the two rows of one line, and that line."""
    lake = strict(made)
    part = read_and_sweep(lake)
    lake.build()
    return lake, LineRef(part, 1)


def test_what_a_sweep_finds_too_late_is_held_and_told_of_everywhere(held: tuple[BuildLake, LineRef]) -> None:
    made, ref = held
    report = made.build()
    assert report.books == HELD
    check_lake(made, [(1, 1), (23, 2), (23, 4)])
    assert [(r.rule, r.field, r.level, r.count, r.part, r.line) for r in rule_counts(made.lake, made.dataset)] == [
        ("held_late", "event_time", "held", 2, ref.part, ref.line)
    ]
    assert [(r.row, r.event_time) for r in refused(made.lake, made.dataset, rule="held_late", limit=None)] == [
        (row, dt.datetime(2026, 11, 17, 1, 3, tzinfo=dt.UTC)) for row in (0, 1)
    ]
    fate = explain_line(made.lake, made.dataset, ref.part, ref.line)
    assert (fate.fate, [(r.row, r.fate, r.rule) for r in fate.rows]) == ("held", [(0, "held", "held_late"), (1, "held", "held_late")])


def test_a_held_row_is_none_of_the_quarantined_ones(held: tuple[BuildLake, LineRef]) -> None:
    made, _ = held
    report = made.build()
    assert all(a.quarantine_rules == {} for a in report.accounts.values())
    checks = {c.name: c for c in report.checks}
    assert checks["contract"].metadata == {"quarantined": 0, "share": 0.0, "rules": {}}
    assert checks["books_balance"].passed
    told = status(made.lake, made.dataset)
    assert (told.books.quarantined, told.books.held, told.quarantined) == (0, 2, {})
    found = reconcile(made.lake, made.dataset)
    assert found.closes, found.differences
    (day,) = found.days
    assert (day.quarantine_rows, day.books.held) == (2, 2)


def test_what_is_missing_among_the_held_rows_is_a_difference(held: tuple[BuildLake, LineRef]) -> None:
    made, _ = held
    (file,) = quarantine_files(made.lake, made.dataset.contract)
    pl.read_parquet(file).head(1).write_parquet(file)
    assert [(d.what, d.expected, d.found) for d in reconcile(made.lake, made.dataset).differences] == [
        ("unreadable + quarantined + held against rows in quarantine", 2, 1)
    ]


def test_a_replay_weeks_later_from_raw_alone_comes_to_the_same(held: tuple[BuildLake, LineRef], tmp_path: Path) -> None:
    made, _ = held
    shutil.copytree(made.folder / "raw", tmp_path / "again" / "raw")
    again = open_lake(tmp_path / "again").with_settings(msgspec.structs.replace(made.lake.settings, clock=CLOCK + WEEKS))
    report = replace(made, lake=again).build()
    assert len(report.rebuilt) == 2
    assert (report.build.grains, report.books) == (made.build().build.grains, HELD)
    assert replace(made, lake=replace(made.lake, settings=again.settings)).build(force=True).books == HELD


def test_a_backfill_holds_nothing_whenever_it_runs(made: BuildLake, tmp_path: Path) -> None:
    lake = strict(made)
    records = (event(1, 1), event(1, 3), event(23, 2))
    lake.land(*records, covers=whole(DAY), clock=CLOCK + WEEKS, purpose="backfill")
    lake.land(event(1, 4), covers=whole(DAY), clock=CLOCK + WEEKS, purpose="backfill")  # asked for again by hand
    assert lake.build().books == Books(lines=4, records=4, rows=4, kept=4)


def test_the_usual_contract_takes_everything_in_however_late(made: BuildLake) -> None:
    read_and_sweep(made)
    assert made.build().books == Books(lines=4, records=4, rows=5, kept=5)


# --- release ----------------------------------------------------------------------------------------------------------


def test_a_release_admits_the_held_rows_and_the_books_close(held: tuple[BuildLake, LineRef]) -> None:
    made, ref = held
    before = made.build()
    report = release(made.lake, made.dataset, run_id="r1")
    assert report.manifest is not None
    assert (report.manifest.number, report.manifest.releases, report.rows, report.days) == (3, (ref.part,), 2, (DAY,))
    assert [(d.day, d.touched, d.seen) for d in stale_days(made.lake, made.dataset)] == [(DAY, 3, 2)]
    assert explain_line(made.lake, made.dataset, ref.part, ref.line).fate == "held"  # until the day is built
    after = made.build()
    assert [r.grain for r in after.rebuilt] == [f"{DAY}T01"]
    assert after.build.grains[1] == before.build.grains[1]
    assert after.books == Books(lines=4, records=4, rows=5, kept=5)
    check_lake(made, [(1, 1), (1, 3), (1, 3), (23, 2), (23, 4)])
    assert stale_days(made.lake, made.dataset) == []
    assert reconcile(made.lake, made.dataset).closes
    assert quarantine_files(made.lake, made.dataset.contract) == ()
    assert explain_line(made.lake, made.dataset, ref.part, ref.line).fate == "kept"


def test_a_second_release_does_nothing_and_tells_of_a_day_that_waits(held: tuple[BuildLake, LineRef]) -> None:
    made, _ = held
    release(made.lake, made.dataset)
    again = release(made.lake, made.dataset)
    assert (again.manifest, again.rows, again.days) == (None, 0, (DAY,))
    made.build()
    once_more = release(made.lake, made.dataset)
    assert (once_more.manifest, once_more.rows, once_more.days) == (None, 0, ())
    assert load_ledger(made.lake, made.dataset.name).last_number == 3
    assert made.build().committed is False


def test_what_comes_late_after_a_release_is_held_again(held: tuple[BuildLake, LineRef]) -> None:
    made, _ = held
    release(made.lake, made.dataset)
    made.land(event(1, 5), covers=whole(DAY), clock=CLOCK + WEEKS, purpose="weekly_sweep")
    assert made.build().books == Books(lines=5, records=5, rows=6, held=1, kept=5)
    second = release(made.lake, made.dataset)
    assert second.rows == 1
    assert made.build().books.held == 0
    assert made.build(force=True).books.held == 0


def test_a_release_can_be_of_some_days_and_takes_no_line_that_no_build_has_read(made: BuildLake) -> None:
    lake = strict(made)
    for day in (BEFORE, DAY):
        lake.land(event(1, 1, day=day), covers=whole(day))
    for day in (BEFORE, DAY):
        lake.land(event(1, 2, day=day), covers=whole(day), purpose="daily_sweep")
    assert lake.build(BEFORE).books.held == 1
    assert release(lake.lake, lake.dataset, {DAY}).manifest is None  # not built yet: nobody knows that the row is held
    assert lake.build().books.held == 1
    report = release(lake.lake, lake.dataset, {DAY})
    assert (report.days, report.rows) == ((DAY,), 1)
    assert (lake.build().books.held, lake.build(BEFORE).books.held) == (0, 1)
    assert release(lake.lake, lake.dataset).days == (BEFORE,)


def test_a_lake_that_holds_nothing_gets_no_manifest(made: BuildLake) -> None:
    assert release(made.lake, made.dataset).manifest is None
    made.land(event(1, 1))
    made.build()
    report = release(made.lake, made.dataset)
    assert (report.manifest, report.days) == (None, ())
    assert load_ledger(made.lake, made.dataset.name).last_number == 1


def test_held_rows_of_a_sealed_day_stay_held(held: tuple[BuildLake, LineRef]) -> None:
    made, ref = held
    sealing = land_retention(made.lake, made.dataset.contract, [DAY])
    report = release(made.lake, made.dataset)
    assert (report.manifest, report.rows, report.days, report.sealed) == (None, 0, (), (DAY,))
    with pytest.raises(TerminalError, match=f"has expired .* manifest {sealing.number}"):
        land_release(made.lake, made.dataset.name, [ref.part])
    assert load_ledger(made.lake, made.dataset.name).last_number == sealing.number


@pytest.mark.parametrize(
    "order", ["release, erase", "erase, release", "compact, release, erase", "release, compact, erase", "erase, compact, release"]
)
def test_held_rows_are_released_or_erased_and_never_both(held: tuple[BuildLake, LineRef], order: str) -> None:
    made, ref = held
    for step in order.split(", "):
        if step == "compact":
            compact(made.lake, made.dataset)
        elif step == "erase":
            assert erase(made.lake, made.dataset, {ref.part: frozenset({ref.line})}, reason="a test").days == (DAY,)
        else:
            told = release(made.lake, made.dataset)
            assert told.rows == (2 if order.index("release") < order.index("erase") else 0)
        made.build()
        forget_rows(made.lake, made.dataset)
        assert reconcile(made.lake, made.dataset).closes
    report = made.build()
    assert (report.books, report.committed) == (Books(lines=4, erased=1, records=3, rows=3, kept=3), False)
    check_lake(made, [(1, 1), (23, 2), (23, 4)])
    assert made.land(event(1, 3, events=TWO_EVENTS), covers=whole(DAY), purpose="weekly_sweep").books.re_read == 1
    assert explain_line(made.lake, made.dataset, ref.part, ref.line).fate == "erased"
