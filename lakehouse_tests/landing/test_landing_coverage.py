"""Stretches of time, against a model that counts minutes."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st
from merged_windows import union

from lakehouse.landing import coverage
from lakehouse.landing.manifest import Window

ZERO = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def minute(n: int) -> dt.datetime:
    return ZERO + dt.timedelta(minutes=n)


def window(first: int, last: int) -> Window:
    return Window(minute(first), minute(last))


minutes = st.integers(0, 60)
windows = st.lists(st.tuples(minutes, minutes).map(lambda p: window(*p)), max_size=12)


def _minutes(found) -> set[int]:
    return {n for n in range(-1, 70) for w in found if w.start <= minute(n) < w.end}


@given(windows)
def test_a_union_holds_what_its_windows_hold_merged_and_sorted(given_windows):
    merged = union(given_windows)
    assert _minutes(merged) == _minutes(given_windows)
    assert all(one.end < other.start for one, other in itertools.pairwise(merged))
    assert all(w.start < w.end for w in merged)


@given(windows, minutes, minutes)
def test_holes_are_what_is_missing(given_windows, start, end):
    merged = union(given_windows)
    assert _minutes(coverage.holes(merged, minute(start), minute(end))) == set(range(start, end)) - _minutes(merged)


@given(windows, minutes)
def test_an_instant_is_inside_or_not(given_windows, at):
    assert coverage.contains(union(given_windows), minute(at)) == (at in _minutes(given_windows))


@given(minutes, st.integers(1, 300), st.sampled_from([10, 60, 90]))
def test_pieces_of_a_window_join_and_are_cut_at_full_steps(start, length, step):
    whole = window(start, start + length)
    pieces = coverage.split(whole, dt.timedelta(minutes=step))
    assert (pieces[0].start, pieces[-1].end) == (whole.start, whole.end)
    assert all(one.end == other.start for one, other in itertools.pairwise(pieces))
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert all((piece.end - epoch) % dt.timedelta(minutes=step) == dt.timedelta() for piece in pieces[:-1])


def test_an_empty_window_has_no_pieces():
    assert coverage.split(window(5, 5), dt.timedelta(hours=1)) == []


hours = st.integers(0, 96)
days = st.lists(st.tuples(hours, st.integers(1, 30)).map(lambda p: window(60 * p[0], 60 * (p[0] + p[1]))), max_size=5)


@given(days, days)
def test_differing_days_are_those_of_which_another_hour_is_covered(some, others):
    one, other = union(some), union(others)
    times = [minute(60 * n) for n in range(140)]
    assert coverage.differing_days(one, other) == {t.date() for t in times if coverage.contains(one, t) != coverage.contains(other, t)}
