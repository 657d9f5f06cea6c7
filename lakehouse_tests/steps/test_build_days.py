"""Several days in one go: the next ones are made while one is committed, and it comes to what they come to one by one."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from build_lakes import BEFORE, DAY, BuildLake, event

from lakehouse.errors import AuditError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import open_lake
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.build import SealedDayError, build_days, stale_days

DAYS = [dt.date(2026, 11, 12) + dt.timedelta(days=n) for n in range(7)]


@pytest.fixture
def week(made: BuildLake) -> BuildLake:
    """Seven days of two hours each; from the third on the records have a field that no contract knows."""
    for number, day in enumerate(DAYS):
        made.land(*(event(hour, hour, day=day, **({"new": 1} if number >= 2 else {})) for hour in (3, 20)))
    return made


def told(report: DayReport) -> tuple[object, ...]:
    checks = [(c.name, c.passed, c.description) for c in report.checks]
    return report.day, report.build, report.books, report.committed, report.table_version, report.reused, report.rebuilt, checks


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def accounts(made: BuildLake) -> set[str]:
    return {path.parent.name for path in (made.folder / "ops" / "grains").glob("*/*/*.json")}


def test_days_in_one_go_come_to_what_they_come_to_one_by_one(week: BuildLake, tmp_path: Path) -> None:
    alone = BuildLake(open_lake(shutil.copytree(week.folder, tmp_path / "alone")))
    with build_days(week.lake, week.dataset, DAYS) as builds:
        together = [told(build()) for build in builds]
    assert together == [told(alone.build(day)) for day in DAYS]
    assert [entry[-1][1][1] for entry in together] == [True, True, False, True, True, True, True]  # drift: each saw the days before it
    assert week.content() == alone.content()
    with build_days(week.lake, week.dataset, DAYS) as builds:
        again = [build() for build in builds]
    assert [(r.committed, r.rebuilt, r.reused) for r in again] == [(False, (), 2)] * len(DAYS)
    with build_days(week.lake, week.dataset, []) as none:
        assert list(none) == []


def test_nothing_of_the_table_changes_before_a_day_is_called_for(week: BuildLake) -> None:
    with build_days(week.lake, week.dataset, DAYS) as builds:
        first = next(builds)
        wait_for(lambda: len(accounts(week)) >= 6)
        assert not week.files()
        assert first().committed
        assert [s.day for s in stale_days(week.lake, week.dataset)] == DAYS[1:]


def test_a_day_that_fails_leaves_the_others_alone(week: BuildLake) -> None:
    (landed,) = load_ledger(week.lake, week.dataset.name).parts[f"{DAYS[2]}T03"]
    whole = week.lake.store.read(landed.part.path)
    week.lake.store.replace(landed.part.path, b"")
    failed = []
    with build_days(week.lake, week.dataset, DAYS) as builds:
        for day, build in zip(DAYS, builds, strict=True):
            try:
                build()
            except AuditError as error:
                failed.append((day, str(error)))
    assert [day for day, _ in failed] == [DAYS[2]]
    assert landed.part.path in failed[0][1]
    assert [s.day for s in stale_days(week.lake, week.dataset)] == [DAYS[2]]
    week.lake.store.replace(landed.part.path, whole)
    assert week.build(DAYS[2]).committed


def test_a_day_that_others_build_from_newer_lines_meanwhile_starts_again(week: BuildLake) -> None:
    with build_days(week.lake, week.dataset, DAYS[:3]) as builds:
        first = next(builds)
        wait_for(lambda: {f"{DAYS[1]}T03", f"{DAYS[1]}T20"} <= accounts(week))
        week.land(event(5, 5, day=DAYS[1]))
        assert week.build(DAYS[1]).books.kept == 3
        first()
        second = next(builds)()
        assert (second.books.kept, second.committed) == (3, False)
    assert DAYS[1] not in [s.day for s in stale_days(week.lake, week.dataset)]


def test_what_lands_after_a_day_was_made_ahead_leaves_it_stale(week: BuildLake) -> None:
    with build_days(week.lake, week.dataset, DAYS[:2]) as builds:
        first = next(builds)
        wait_for(lambda: {f"{DAYS[1]}T03", f"{DAYS[1]}T20"} <= accounts(week))
        week.land(event(5, 5, day=DAYS[1]))
        first()
        assert next(builds)().books.kept == 2
    assert DAYS[1] in [s.day for s in stale_days(week.lake, week.dataset)]
    assert week.build(DAYS[1]).books.kept == 3


def test_whoever_leaves_early_leaves_the_rest_undone(week: BuildLake) -> None:
    begun: list[str] = []
    with build_days(week.lake, week.dataset, DAYS, progress=begun.append) as builds:
        next(builds)()
    assert len({text.split("T")[0] for text in begun}) <= 4
    assert [s.day for s in stale_days(week.lake, week.dataset)] == DAYS[1:]
    assert week.build(DAYS[1]).committed


def test_a_sealed_day_is_refused_when_it_is_called_for(sealed: BuildLake) -> None:
    newest = DAY + dt.timedelta(days=5)
    sealed.land(event(1, 9, day=newest), clock=sealed.lake.now())
    with build_days(sealed.lake, sealed.dataset, [BEFORE, DAY, newest]) as builds:
        for build in [next(builds), next(builds)]:
            with pytest.raises(SealedDayError, match="cannot be built again"):
                build()
        assert next(builds)().books.kept == 1
