"""What a day costs in a lake that holds many: the log of the table stays short to read, and builds of days that nothing looks at are not read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from build_lakes import DAY, BuildLake, event

from lakehouse.landing.ledger import load_ledger
from lakehouse.steps import build as step
from lakehouse.steps.build import stale_days
from lakehouse.steps.checks import days_compared
from lakehouse.tables import builds, delta

FAR = DAY - dt.timedelta(days=5)
COMPARED = DAY - dt.timedelta(days=1)


def records_of(made: BuildLake, day: dt.date) -> list[Path]:
    return sorted((made.folder / builds.build_folder(made.dataset.name) / day.isoformat()).glob("*.json"))


@pytest.fixture
def history(made: BuildLake) -> BuildLake:
    """Two days are built and complete; a third has just landed."""
    for day in (FAR, COMPARED):
        made.land(event(1, 1, day=day))
        made.cover(day)
        made.build(day)
    made.land(event(1, 1))
    return made


def test_which_days_are_stale_is_told_without_reading_a_build(history: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step.builds, "read_build", None)
    assert [(s.day, s.reason) for s in stale_days(history.lake, history.dataset)] == [(DAY, "never built")]


def test_a_build_reads_the_builds_of_the_days_that_its_checks_look_at_and_no_other(history: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[dt.date] = set()
    read_build = builds.read_build

    def told(lake, dataset, day, number):
        read.add(day)
        return read_build(lake, dataset, day, number)

    monkeypatch.setattr(step.builds, "read_build", told)
    history.land(event(2, 2, day=DAY - dt.timedelta(days=8)))  # no day of the week before, nor the same weekday
    history.build(DAY - dt.timedelta(days=8))
    read.clear()
    report = history.build()
    assert report.committed
    assert read == {FAR, COMPARED}
    assert read < days_compared(DAY)


def test_a_day_whose_record_was_never_written_down_is_built_again(history: BuildLake) -> None:
    for path in records_of(history, FAR):
        path.unlink()
    (history.folder / builds.build_folder(history.dataset.name) / FAR.isoformat()).rmdir()
    assert [(s.day, s.reason) for s in stale_days(history.lake, history.dataset)] == [(FAR, "never built"), (DAY, "never built")]


@pytest.mark.parametrize("complete", [True, False])
def test_of_a_table_that_does_not_tell_what_is_complete_the_builds_are_asked(made: BuildLake, monkeypatch, complete: bool) -> None:
    """Days that an older version has committed have two transactions, not three."""
    made.land(event(1, 1))
    if complete:
        made.cover()
    made.build()
    if not complete:
        made.cover()

    told = builds.newest_transactions

    def old(*arguments):
        return {name: version for name, version in told(*arguments).items() if not name.startswith("complete/")}

    monkeypatch.setattr(builds, "newest_transactions", old)
    assert [s.reason for s in stale_days(made.lake, made.dataset)] == ([] if complete else ["coverage is complete now"])


def test_the_table_tells_which_days_are_complete(made: BuildLake) -> None:
    ids = delta.app_ids(DAY)
    made.land(event(1, 1))
    made.build()
    assert made.table.transaction_version(ids.complete) == 0
    made.cover()
    made.build()
    assert made.table.transaction_version(ids.complete) == 1


def test_the_logs_of_table_and_raw_are_summed_up_often(made: BuildLake) -> None:
    for number in range(21):
        made.land(event(number, number))
        made.build()
    log = made.folder / "clean" / "workspace_audit" / "_delta_log"
    newest = json.loads((log / "_last_checkpoint").read_text())["version"]
    assert 0 <= made.table.version() - newest < 10
    assert load_ledger(made.lake, made.dataset.name).last_number == 21
    assert made.lake.store.files("raw/workspace_audit/_fetches/_checkpoints") == ["00000020.json.zst"]
