"""Several days in one go: the next ones are made while one is committed, and it comes to what they come to one by one."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from build_lakes import BEFORE, DAY, BuildLake, event

from lakehouse.errors import AuditError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import open_lake
from lakehouse.steps import build as build_step
from lakehouse.steps.attempt import Attempt, DayReport, Made
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
        time.sleep(0.2)
        assert len(accounts(week)) == 6, "this day and two ahead"
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


def test_a_day_that_had_not_changed_and_is_built_from_newer_lines_meanwhile_starts_again(week: BuildLake) -> None:
    week.build(DAYS[1])
    with build_days(week.lake, week.dataset, DAYS[:2]) as builds:
        first = next(builds)
        wait_for(lambda: {f"{DAYS[0]}T03", f"{DAYS[0]}T20"} <= accounts(week))
        time.sleep(0.2)  # the second day has nothing to make, so nothing tells that it was looked at
        week.land(event(5, 5, day=DAYS[1]))
        newer = week.build(DAYS[1])
        first()
        second = next(builds)()
        assert (second.build.fingerprint, second.books.kept, second.committed) == (newer.build.fingerprint, 3, False)


def test_what_lands_after_a_day_was_made_ahead_leaves_it_stale(week: BuildLake) -> None:
    with build_days(week.lake, week.dataset, DAYS[:2]) as builds:
        first = next(builds)
        wait_for(lambda: {f"{DAYS[1]}T03", f"{DAYS[1]}T20"} <= accounts(week))
        week.land(event(5, 5, day=DAYS[1]))
        first()
        assert next(builds)().books.kept == 2
    assert DAYS[1] in [s.day for s in stale_days(week.lake, week.dataset)]
    assert week.build(DAYS[1]).books.kept == 3


def test_small_days_are_made_at_once_and_large_ones_alone(week: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    real, lock, under_way, most = Attempt._make, threading.Lock(), 0, 0

    def slow(self: Attempt, began: float) -> Made:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        try:
            return real(self, began)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(Attempt, "_make", slow)
    for budget, expected in ((1, 1), (64 << 20, 2)):
        most = 0
        monkeypatch.setattr(build_step, "_RAW_BYTES", budget)
        with build_days(week.lake, week.dataset, DAYS, force=True) as builds:
            assert all(build().committed for build in builds)
        assert most == expected


def test_no_grain_of_a_day_is_begun_after_the_end(made: BuildLake) -> None:
    """The first grains of the day that is made ahead go on until the block is left."""
    made.land(event(1, 1, day=DAYS[0]), *(event(hour, hour, day=DAYS[1]) for hour in range(24)))
    begun, left = list[str](), threading.Event()

    def progress(text: str) -> None:
        begun.append(text)
        if str(DAYS[1]) in text:
            left.wait(30)

    with build_days(made.lake, made.dataset, DAYS[:2], progress=progress) as builds:
        assert next(builds)().committed
        wait_for(lambda: len(begun) >= 3)
        threading.Timer(0.2, left.set).start()
    assert len(begun) == 3, "the hour of the first day, and two of the second"


def test_whoever_leaves_early_leaves_the_rest_undone(week: BuildLake) -> None:
    begun: list[str] = []
    with build_days(week.lake, week.dataset, DAYS, progress=begun.append) as builds:
        next(builds)()
    assert len({text.split("T")[0] for text in begun}) <= 4, "one that was done, one that was next, two ahead"
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
