"""What is asked for next: new stretches, overlaps, sweeps."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from merged_windows import union

from lakehouse.accounts.books import FetchBooks
from lakehouse.datasets.model import Dataset, ReportsApiSource
from lakehouse.datasets.registry import find_dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import Ledger
from lakehouse.landing.manifest import Manifest, Window
from lakehouse.landing.plan import MOST_OVERLAP, FetchPlan, plan_fetch

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def dataset(contract) -> Dataset:
    return Dataset(contract, find_dataset("workspace_audit").transform, ReportsApiSource(applications=("web",)))


class Log:
    """A ledger that windows are landed into without a disk, by a clock of its own."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.ledger = Ledger("clicks")

    def land(self, window: Window, purpose: str = "new", lateness: dict[int, int] | None = None, late: int = 0, application: str = "web") -> None:
        number = self.ledger.last_number + 1
        landed = Manifest(
            number, "clicks", "tests", application, f"f{number}", "fetch", purpose, window, window, self.now, self.now, FetchBooks(),  # type: ignore[arg-type]
            lateness=lateness or {}, late_recovered=late,
        )  # fmt: skip
        self.ledger = self.ledger.after([landed])

    def run(self, plan: FetchPlan) -> None:
        for planned in plan.windows:
            self.land(planned.window, planned.purpose, application=planned.application)


@pytest.fixture
def plan(lake, at, dataset):
    return lambda log: plan_fetch(at(lake, log.now), dataset, log.ledger, ("web",))


def by_purpose(found: FetchPlan, *purposes: str) -> list[Window]:
    return [w.window for w in found.windows if w.purpose in purposes]


def test_a_first_contact_starts_at_the_lakes_start_oldest_first_in_full_hours(lake, now, plan):
    found = plan(Log(now))
    windows = by_purpose(found, "new", "backfill")
    assert len(windows) == len(found.windows)
    assert windows == sorted(windows, key=lambda w: w.start)
    assert windows[0] == Window(dt.datetime(2026, 6, 1, tzinfo=dt.UTC), dt.datetime(2026, 6, 1, 1, tzinfo=dt.UTC))
    assert windows[-1] == Window(now.replace(minute=0, second=0), now - dt.timedelta(seconds=30))
    assert union(windows) == (Window(windows[0].start, windows[-1].end),)
    assert by_purpose(found, "new")[0].end >= now - MOST_OVERLAP > by_purpose(found, "backfill")[-1].end
    assert "first contact" in found.why


def test_a_first_contact_stays_a_day_inside_what_the_source_keeps(plan):
    now = dt.datetime(2027, 1, 10, 5, tzinfo=dt.UTC)
    assert plan(Log(now)).windows[0].window.start == now - dt.timedelta(days=179)


def test_a_backfill_that_was_broken_off_goes_on_where_it_stopped(now, plan):
    log = Log(now)
    first = plan(log)
    for planned in first.windows[:10]:
        log.land(planned.window, planned.purpose)
    assert by_purpose(plan(log), "backfill", "new") == [w.window for w in first.windows[10:]]


def test_a_window_that_failed_is_asked_for_again(now, plan):
    log = Log(now)
    windows = plan(log).windows
    for planned in (*windows[:-3], windows[-2], windows[-1]):
        log.land(planned.window, planned.purpose)
    assert by_purpose(plan(log), "backfill", "new") == [windows[-3].window]


def test_each_fetch_reads_three_hours_before_the_newest_instant_again(now, plan):
    log = Log(now)
    log.run(plan(log))
    log.now += HOUR
    found = plan(log)
    read = now - dt.timedelta(seconds=30)
    assert union(by_purpose(found, "overlap")) == (Window(read - 3 * HOUR, read),)
    assert union(by_purpose(found, "new")) == (Window(read, log.now - dt.timedelta(seconds=30)),)
    assert {w.purpose for w in found.windows} == {"overlap", "new"}
    assert found.overlap == 3 * HOUR
    assert all(w.window.end.minute == 0 for w in found.windows[:-1] if w.window.end not in (read,))


def _measured(now, histogram) -> Log:
    log = Log(now)
    end = now - dt.timedelta(seconds=30)
    log.land(Window(end - 30 * DAY, end), "backfill", {0: 10_000_000})
    log.now += 7 * DAY
    log.land(Window(end, log.now - dt.timedelta(seconds=30)), "new", histogram)
    return log


@pytest.mark.parametrize(
    ("histogram", "overlap"),
    [
        ({0: 9_980, 3600: 9, 7200: 10, 18_000: 1}, 2 * HOUR),
        ({0: 9_999, 86_400: 1}, dt.timedelta(minutes=3)),
        ({0: 900, 86_400: 100}, 6 * HOUR),
        ({0: 999}, 3 * HOUR),
    ],
    ids=["the quantile", "not below 3 minutes", "not above 6 hours", "too few to say"],
)
def test_after_a_week_the_overlap_is_what_lateness_asks_for(now, plan, histogram, overlap):
    # The backfill's ten million say nothing: whatever delay they had was over.
    assert plan(_measured(now, histogram)).overlap == overlap


def test_before_a_week_the_overlap_is_the_default_whatever_was_seen(now, plan):
    log = _measured(now, {0: 5_000})
    log.now -= HOUR
    assert plan(log).overlap == 3 * HOUR
    log.now += HOUR
    assert plan(log).overlap == dt.timedelta(minutes=3)
    assert "99.9 % of 5,000 first sightings" in plan(log).why


def test_what_sweeps_find_counts_for_the_overlap(now, plan):
    log = _measured(now, {0: 10_000})
    log.land(Window(now - DAY, now - DAY + HOUR), "weekly_sweep", {18_000: 50}, late=50)
    assert plan(log).overlap == 5 * HOUR
    assert log.ledger.late_recovered == {"weekly_sweep": 50}


def _live(now) -> Log:
    log = Log(now)
    log.land(Window(now - 20 * DAY, now - dt.timedelta(seconds=30)), "backfill")
    return log


def test_once_a_day_the_last_72_hours_are_swept_and_once_a_week_the_last_seven_days(now, plan):
    log = _live(now)
    swept: dict[str, list[dt.date]] = {"daily_sweep": [], "weekly_sweep": []}
    for _ in range(24 * 16):
        log.now += HOUR
        found = plan(log)
        for purpose, dates in swept.items():
            if by_purpose(found, purpose):
                dates.append(log.now.date())
        log.run(found)
    first = now.date()
    assert swept["weekly_sweep"] == [first + 7 * DAY, first + 14 * DAY]
    assert swept["daily_sweep"] == [first + n * DAY for n in range(1, 17) if n not in (7, 14)]


def test_a_sweep_reads_full_hours_of_what_was_read_before(now, plan):
    log = _live(now)
    log.now += DAY
    found = by_purpose(plan(log), "daily_sweep")
    hour = log.now.replace(minute=0, second=0)
    assert found[0].start == hour - 72 * HOUR
    assert union(found) == (Window(hour - 72 * HOUR, now - dt.timedelta(seconds=30)),)
    assert [w.purpose for w in plan(log).windows][-len(found) :] == ["daily_sweep"] * len(found)


def test_a_sweep_that_was_broken_off_goes_on_where_it_stopped(now, plan):
    log = _live(now)
    log.run(plan(log))
    log.now += DAY
    whole = by_purpose(plan(log), "daily_sweep")
    for index, window in enumerate(whole):
        if index not in (3, 40):
            log.land(window, "daily_sweep")
    log.now += 5 * HOUR
    assert by_purpose(plan(log), "daily_sweep") == [whole[3], whole[40]]


def test_hours_that_were_never_read_are_new_and_not_swept(now, plan):
    log = Log(now)
    log.land(Window(now - 40 * HOUR, now - 38 * HOUR), "new")
    log.now += DAY
    found = plan(log)
    assert union(by_purpose(found, "daily_sweep", "overlap")) == (Window(now - 40 * HOUR, now - 38 * HOUR),)
    assert len({w.window for w in found.windows}) == len(found.windows)


def test_a_dataset_without_a_source_by_time_cannot_be_planned(lake, dataset):
    with pytest.raises(ConfigurationError, match="clicks has no source"):
        plan_fetch(lake, replace(dataset, source=None), Ledger("clicks"), ())


def test_a_lake_that_starts_tomorrow_asks_for_nothing(plan):
    found = plan(Log(dt.datetime(2026, 5, 30, tzinfo=dt.UTC)))
    assert (found.windows, found.overlap) == ((), 3 * HOUR)
    assert "nothing" in found.why
