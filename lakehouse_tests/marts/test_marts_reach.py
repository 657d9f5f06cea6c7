"""Reach: which mart dates a changed clean day rebuilds."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.marts.reach import CleanDays, Reach, dates_to_build, ranges

MONDAY = dt.date(2026, 3, 2)
DAY = dt.timedelta(days=1)


def days(*offsets: int) -> frozenset[dt.date]:
    return frozenset(MONDAY + n * DAY for n in offsets)


@pytest.mark.parametrize(
    ("text", "day", "dates"),
    [
        ("day", "2026-03-05", ["2026-03-05"]),
        ("-1..+1 days", "2026-03-01", ["2026-02-28", "2026-03-01", "2026-03-02"]),
        ("0..+2 days", "2026-03-05", ["2026-03-05", "2026-03-06", "2026-03-07"]),
        ("week", "2026-03-08", ["2026-03-02"]),
        ("week", "2026-03-02", ["2026-03-02"]),
        ("month", "2026-03-31", ["2026-03-01"]),
        ("all", "2026-03-31", []),
        ("published", "2026-03-31", []),
    ],
)
def test_a_changed_day_reaches_these_mart_dates(text: str, day: str, dates: list[str]) -> None:
    assert Reach.parse(text).dates(dt.date.fromisoformat(day)) == [dt.date.fromisoformat(d) for d in dates]
    assert str(Reach.parse(text)) == text


@pytest.mark.parametrize("text", ["", "days", "1 day", "+2..-2 days", "year"])
def test_a_reach_that_is_none_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="Expected `day`"):
        Reach.parse(text)


def test_a_day_that_is_new_is_built_and_its_neighbours_within_the_span_too() -> None:
    before, now = CleanDays(days(0, 1), days(0, 1)), CleanDays(days(0, 1, 4), days(0, 1, 4))
    assert dates_to_build(Reach.parse("day"), before=before, now=now, changed=days(4)) == [MONDAY + 4 * DAY]
    # Day 3 has no rows, but it lies within the span now, and days 0 and 1 reach it.
    assert dates_to_build(Reach.parse("0..+2 days"), before=before, now=now, changed=days(4)) == [MONDAY + n * DAY for n in (2, 3, 4)]


def test_a_window_ends_at_the_newest_day_with_rows() -> None:
    empty_newest = CleanDays(days(0, 9), days(0))
    nothing = CleanDays(frozenset(), frozenset())
    found = dates_to_build(Reach.parse("0..+2 days"), before=nothing, now=empty_newest, changed=days(0, 9))
    assert found == [MONDAY, MONDAY + 9 * DAY]


def test_a_day_that_is_no_more_is_built_once_more_so_that_its_dates_go() -> None:
    before, now = CleanDays(days(0, 1, 2), days(0, 1, 2)), CleanDays(days(0, 1), days(0, 1))
    assert MONDAY + 2 * DAY in dates_to_build(Reach.parse("day"), before=before, now=now, changed=days(2))


offsets = st.frozensets(st.integers(0, 40), max_size=12)
reaches = st.sampled_from(["day", "-1..+1 days", "0..+7 days", "-3..-1 days", "week", "month"])


@given(old=offsets, new=offsets, touched=offsets, text=reaches)
def test_building_what_changed_gives_what_building_everything_gives(
    old: frozenset[int], new: frozenset[int], touched: frozenset[int], text: str
) -> None:
    """A mart is played as mart date -> the clean days (with their contents) within its reach."""
    reach = Reach.parse(text)
    before, now = CleanDays(days(*old), days(*old)), CleanDays(days(*new), days(*new))
    contents_before = {day: 0 for day in before.days}
    contents_now = {day: (1 if day in days(*touched) else 0) for day in now.days}
    changed = {day for day in before.days | now.days if contents_before.get(day) != contents_now.get(day)}

    def mart(dates: set[dt.date], contents: dict[dt.date, int]) -> dict[dt.date, tuple[tuple[dt.date, int], ...]]:
        return {date: tuple(sorted((day, value) for day, value in contents.items() if date in reach.dates(day))) for date in dates}

    published = mart(reach.every_date(before.days, before.span), contents_before)
    todo = set(dates_to_build(reach, before=before, now=now, changed=changed))
    kept = {date: value for date, value in published.items() if date not in todo}
    rebuilt = mart(todo & reach.every_date(now.days, now.span), contents_now)
    assert {**kept, **rebuilt} == mart(reach.every_date(now.days, now.span), contents_now)


@given(st.lists(st.integers(0, 30)))
def test_ranges_hold_exactly_the_dates(numbers: list[int]) -> None:
    found = ranges(MONDAY + n * DAY for n in numbers)
    assert [d for first, last in found for d in [first + n * DAY for n in range((last - first).days + 1)]] == sorted(days(*numbers))
    assert all(b[0] - a[1] > DAY for a, b in itertools.pairwise(found))


def test_mondays_that_follow_each_other_are_one_range() -> None:
    assert ranges([MONDAY, MONDAY + 7 * DAY, MONDAY + 21 * DAY], Reach.parse("week").step) == [
        (MONDAY, MONDAY + 7 * DAY),
        (MONDAY + 21 * DAY, MONDAY + 21 * DAY),
    ]


def test_a_mart_must_reach_as_far_as_what_it_reads() -> None:
    day, window, week, everything, totals = (Reach.parse(t) for t in ("day", "0..+7 days", "week", "all", "published"))
    assert window.covers(day)
    assert week.covers(day)
    assert everything.covers(window)
    assert not day.covers(window)
    assert not week.covers(window)
    assert not window.covers(everything)
    assert totals.covers(everything)
    assert totals.covers(day)
    assert not everything.covers(totals)
    assert not day.covers(totals)
