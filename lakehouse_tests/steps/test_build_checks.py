"""The checks of a built day: what is an error, what is a warning, and what is neither."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import msgspec
import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, check_lake, event, whole

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.policies import DriftPolicy
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Window
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.checks import CHECKS, CheckResult, DayFacts, check_day
from lakehouse.tables import builds

LANDED = CLOCK.date()


def named(name: str, report: DayReport) -> CheckResult:
    return next(c for c in report.checks if c.name == name)


def test_the_checks_of_a_good_day_pass(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2))
    made.cover()
    report = made.build()
    assert [c.name for c in report.checks] == list(CHECKS)
    assert [c.name for c in report.checks if not c.passed] == []


def test_an_unknown_field_in_every_event_of_a_list_is_drift_and_no_error(made: BuildLake) -> None:
    made.land(event(1, 1, day=BEFORE))
    made.build(BEFORE)
    events = [{"name": "a", "u": 1, "parameters": [{"name": "x", "v": n} for n in range(5)]}, {"name": "b", "u": 2}]
    made.land(event(1, 1, events=events))
    drift = next(c for c in made.build().checks if c.name == "drift")
    assert (drift.passed, drift.severity) == (False, "warn")
    assert drift.metadata["new_fields"] == ["events[].parameters[].v", "events[].u"]


def test_an_event_of_a_clock_that_is_a_little_ahead_is_no_error(made: BuildLake) -> None:
    ahead = event(12, 3, day=LANDED)
    made.land(ahead)
    report = made.build(LANDED)
    assert report.books.kept == 1
    assert next(c for c in report.checks if c.name == "event_time_not_in_future").passed


def test_conflicts_and_repeated_ids_are_counted_and_nothing_is_merged(made: BuildLake) -> None:
    one = event(1, 1)
    made.land(one, one | {"ipAddress": "192.0.2.1"}, event(1, 2), event(2, 2) | {"id": event(1, 2)["id"] | {"time": f"{DAY}T02:00:00Z"}})
    checks = {c.name: c for c in made.build().checks}
    assert checks["duplicate_keys"].metadata == {"removed": 1, "conflicts": 1, "double": 0}
    assert checks["repeated_ids"].metadata == {"ids": 1}
    check_lake(made, [(1, 1), (1, 2), (2, 2)])


def test_a_day_full_of_broken_lines_fails_its_contract_check_and_is_built(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 2, events="x"))
    report = made.build()
    contract = next(c for c in report.checks if c.name == "contract")
    assert (contract.passed, contract.severity, report.committed) == (False, "error", True)
    assert "user2" not in json.dumps([c.metadata for c in report.checks], default=str)


def test_events_that_a_lake_refuses_because_its_clock_stands_still_are_said_to_be_so(made: BuildLake) -> None:
    made.land(event(13, 1, day=LANDED))
    contract = named("contract", made.build(LANDED))
    assert (contract.passed, contract.metadata["rules"]) == (False, {"in_future": 1})
    assert "after 2026-11-19 12:00 UTC, where the clock of this lake stands still" in contract.description


@pytest.mark.parametrize(("kept", "passed"), [(24, True), (23, False), (600, True), (601, False)])
def test_a_day_of_less_than_a_fifth_or_more_than_five_times_the_usual_rows_is_warned_of(made: BuildLake, kept: int, passed: bool) -> None:
    week_ago = DAY - dt.timedelta(weeks=1)
    for day, rows in ((week_ago, 120), (DAY, kept)):
        made.land(*(event(n % 24, n, day=day) for n in range(rows)), covers=whole(day))
    made.build(week_ago)
    volume = named("volume", made.build())
    assert (volume.passed, volume.severity) == (passed, "warn")
    assert volume.metadata == {"rows": kept, "usual": 120.0}


def test_what_was_not_read_between_what_was_is_a_hole_and_said_by_name(made: BuildLake) -> None:
    day = whole(DAY)
    made.land(event(1, 1), covers=Window(day.start, day.start + dt.timedelta(hours=5)))
    made.land(event(11, 2), covers=Window(day.start + dt.timedelta(hours=7, minutes=30), day.end))
    holes = named("holes", made.build())
    assert (holes.passed, holes.severity, holes.description) == (False, "warn", "token: 05:00-07:30")
    assert holes.metadata == {"holes": {"token": ["05:00-07:30"]}, "complete": False}


def test_a_hole_up_to_midnight_ends_at_24_and_not_where_it_began(made: BuildLake) -> None:
    day = whole(DAY)
    made.land(event(1, 1), covers=whole(BEFORE))
    made.land(event(1, 2, day=LANDED), covers=Window(day.end, day.end + dt.timedelta(hours=1)))
    assert named("holes", made.build()).description == "token: 00:00-24:00"


def test_an_event_later_than_a_clock_that_was_set_back_is_an_error(made: BuildLake) -> None:
    made.land(event(11, 1, day=LANDED))
    assert named("event_time_not_in_future", made.build(LANDED)).passed
    for hours, passed in ((11, True), (10, False)):
        made.lake = made.lake.with_settings(msgspec.structs.replace(made.lake.settings, clock=CLOCK.replace(hour=hours)))
        future = named("event_time_not_in_future", made.build(LANDED))
        assert (future.passed, future.severity) == (passed, "error")


@pytest.mark.parametrize(("low", "high", "outside"), [(0, 0, 0), (-1, 0, 1), (0, 3600, 1)])
def test_a_file_with_an_event_of_another_hour_than_that_of_its_grain_is_an_error(made: BuildLake, low: int, high: int, outside: int) -> None:
    """The audit refuses such a file before it is committed, so here its account says what the file does not hold."""
    made.land(event(1, 0))
    build = made.build().build
    (account,) = builds.accounts_of(made.lake, [build]).values()
    start = Grain.parse(account.grain).start
    files = tuple(
        msgspec.structs.replace(f, min_time=start + dt.timedelta(seconds=low), max_time=start + dt.timedelta(seconds=high)) for f in account.files
    )
    accounts = {Grain.parse(account.grain): msgspec.structs.replace(account, files=files)}
    facts = DayFacts(made.lake, made.dataset, DAY, build, accounts, load_ledger(made.lake, made.dataset.name), made.table, {DAY: build})
    found = next(c for c in check_day(facts) if c.name == "event_time_in_partition")
    assert (found.passed, found.severity, found.metadata) == (not outside, "error", {"files_outside": outside})


@pytest.mark.parametrize(("share", "passed", "severity"), [(1.0, True, "warn"), (0.5, False, "error"), (0.75, True, "warn")])
def test_unknown_fields_in_too_many_rows_are_an_error_where_the_contract_says_so(made: BuildLake, share: float, passed: bool, severity: str) -> None:
    contract = replace(made.dataset.contract, drift=DriftPolicy(unknown_fields_error_share=share))
    made.dataset = replace(made.dataset, contract=contract)
    made.land(*(event(1, n, odd=n) for n in range(3)), event(1, 3))  # on the first day of a lake nothing is new: the share alone decides
    drift = named("drift", made.build())
    assert (drift.passed, drift.severity) == (passed, severity)
    assert drift.metadata["unknown_fields"] == {"odd": 3}
