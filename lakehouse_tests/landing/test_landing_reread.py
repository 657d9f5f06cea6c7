"""Lines that are read again are counted and not landed, and what came late is measured."""

from __future__ import annotations

import datetime as dt

import pytest
from position_lines import land_by_position

from lakehouse.accounts.books import FetchBooks
from lakehouse.landing.ledger import load_ledger


def test_a_line_seen_again_is_counted_and_not_landed_whatever_its_etag(lake, land, line):
    land(lake, [line(n=1, etag='"a/1"'), line(n=2)])
    again = land(lake, [line(n=1, etag='"b/\\"9"'), line(n=2), line(n=3)])
    assert again.books == FetchBooks(read=3, re_read=2, placed=1)
    assert [p.lines for p in again.parts] == [1]


def test_a_nested_masked_field_does_not_make_a_line_new(lake, land):
    land(lake, [b'{"id":{"version" : 17, "time":"2026-11-20T12:00:00Z"}}'])
    again = land(lake, [b'{"id":{"version" : [1,{"a":2}], "time":"2026-11-20T12:00:00Z"}}'])
    assert again.books == FetchBooks(read=1, re_read=1)


def test_a_field_that_only_shares_the_name_of_a_masked_one_makes_a_line_new(lake, land):
    base = b'{"etag":"x","id":{"time":"2026-11-20T12:00:00Z"},"deep":{"etag":"%s"}}'
    land(lake, [base % b"one"])
    assert land(lake, [base % b"two"]).books == FetchBooks(read=1, placed=1)
    assert land(lake, [(base % b"two").replace(b'"x"', b'"y"')]).books == FetchBooks(read=1, re_read=1)


def test_copies_within_one_fetch_are_re_reads(lake, land, line):
    manifest = land(lake, [line(n=1), line(n=1, etag="other")], [line(n=1), line(n=2)])
    assert manifest.books == FetchBooks(read=4, re_read=2, placed=2)


def test_the_same_line_in_another_grain_is_no_re_read(lake, land, line):
    land(lake, [line("2026-11-20T12:00:00Z")])
    assert land(lake, [line("2026-11-20T11:00:00Z")]).books.placed == 1


def test_an_unplaced_line_seen_again_on_another_day_is_a_re_read(lake, land, at, now):
    land(lake, [b"broken", b""])
    tomorrow = at(lake, now + dt.timedelta(days=1))
    assert land(tomorrow, [b"broken", b"", b"broken too"]).books == FetchBooks(read=3, re_read=2, unplaced=1)


def test_a_malformed_line_with_a_new_etag_is_a_re_read(lake, land):
    land(lake, [b'{"etag":"a/1","id":{"time":'])
    assert land(lake, [b'{"etag":"b/1","id":{"time":']).books.re_read == 1


def test_a_line_from_the_future_is_placed_once_its_time_has_come(lake, land, line, at, now):
    early = line("2026-11-20T15:00:00Z")
    assert land(lake, [early]).books.unplaced == 1
    later = land(at(lake, now + dt.timedelta(hours=3)), [early])
    assert (later.books.placed, later.parts[0].grain) == (1, "2026-11-20T15")


def test_nothing_new_lands_no_part_but_a_manifest_that_covers(lake, land, line, hours):
    land(lake, [line()], window=hours(12))
    again = land(lake, [line()], [], window=hours(11, 2), purpose="daily_sweep")
    assert (again.parts, again.number, again.books) == ((), 2, FetchBooks(read=1, re_read=1))
    assert load_ledger(lake, "clicks").coverage["web"] == (hours(11, 2),)
    assert len(list(lake.store.entries("raw/clicks/date=2026-11-20"))) == 2


def test_by_position_everything_lands(lake, contract, line):
    for _ in range(2):
        manifest = land_by_position(lake, contract, [line(), line(), b""])
        assert manifest.books == FetchBooks(read=3, placed=2, unplaced=1)
        assert {p.ids for p in manifest.parts} == {""}
    assert load_ledger(lake, "clicks").books == FetchBooks(read=6, placed=4, unplaced=2)


def test_lateness_is_measured_against_what_had_been_read(lake, land, line, hours):
    land(lake, [line("2026-11-20T10:10:00Z")], window=hours(10, 2))
    land(lake, [], window=hours(13, 0.2))
    manifest = land(
        lake,
        [line("2026-11-20T11:59:30Z", 1), line("2026-11-20T10:00:00Z", 2), line("2026-11-20T12:30:00Z", 3), line("2026-11-20T13:12:00Z", 4), b"x"],
        window=hours(10, 3.2),
    )
    # Read up to 13:12, with a hole from 12 to 13: a line of the hole is late for nobody.
    assert manifest.lateness == {0: 2, 5400: 1, 4 * 3600: 1}
    assert manifest.late_recovered == 2


def test_lateness_of_one_window_among_many_is_measured_against_what_was_read_before_all_of_them(lake, land, line, hours):
    before = load_ledger(lake, "clicks")
    land(lake, [], window=hours(12))
    manifest = land(lake, [line("2026-11-20T12:30:00Z")], window=hours(12), before=before)
    assert (manifest.lateness, manifest.late_recovered) == ({0: 1}, 0)


@pytest.mark.parametrize("purpose", ["overlap", "daily_sweep", "weekly_sweep"])
def test_the_reference_time_of_a_fetch_that_reads_again_is_the_newest_instant_read_before_it(lake, land, line, hours, at, now, purpose):
    land(lake, [], window=hours(8, 2))
    before = load_ledger(lake, "clicks")
    land(lake, [], window=hours(10, 2))  # another window of the same fetch
    much_later = at(lake, now + dt.timedelta(days=30))
    manifest = land(much_later, [line("2026-11-20T08:30:00Z")], window=hours(8), purpose=purpose, before=before)
    assert manifest.reference_time == hours(8, 2).end
    assert load_ledger(lake, "clicks").parts["2026-11-20T08"][0].reference_time == hours(8, 2).end
    # Without a ledger of its own the fetch is this window alone; and what another application had read says nothing of this one.
    assert land(lake, [], window=hours(8), purpose=purpose).reference_time == hours(8, 4).end
    assert land(lake, [], window=hours(8), purpose=purpose, application="app").reference_time is None


@pytest.mark.parametrize("purpose", ["new", "backfill"])
def test_a_first_reading_has_no_reference_time_whenever_it_runs(lake, land, line, hours, purpose):
    land(lake, [], window=hours(8, 4))
    assert land(lake, [line("2026-11-20T08:30:00Z")], window=hours(8), purpose=purpose).reference_time is None
    assert load_ledger(lake, "clicks").parts["2026-11-20T08"][0].reference_time is None


def test_a_sweep_over_a_stretch_that_was_not_read_whole_has_no_reference_time(lake, land, hours):
    land(lake, [], window=hours(8))
    land(lake, [], window=hours(10))
    assert land(lake, [], window=hours(8, 3), covered=None, purpose="daily_sweep").reference_time is None
    assert land(lake, [], window=hours(10), purpose="daily_sweep").reference_time == hours(10).end
    assert land(lake, [], window=None, purpose="daily_sweep").reference_time is None
