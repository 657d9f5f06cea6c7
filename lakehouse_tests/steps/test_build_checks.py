"""The checks of a built day: what is an error, what is a warning, and what is neither."""

from __future__ import annotations

import json

from build_lakes import BEFORE, CLOCK, DAY, BuildLake, check_lake, event

from lakehouse.steps.checks import CHECKS

LANDED = CLOCK.date()


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
