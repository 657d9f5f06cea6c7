"""Grains: their keys, folders and order."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.contracts.grain import Grain

DAY = dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("key", "grain", "folder", "stem", "hours"),
    [
        ("2026-11-20T13", Grain(DAY, "hour", 13), "date=2026-11-20/hour=13", "13", 1),
        ("2026-11-20T00", Grain(DAY, "hour", 0), "date=2026-11-20/hour=00", "00", 1),
        ("2026-11-20", Grain(DAY), "date=2026-11-20", "day", 24),
        ("unplaced-2026-11-20", Grain.unplaced(DAY), "unplaced/landed=2026-11-20", "unplaced", 24),
    ],
)
def test_each_kind_of_grain(key: str, grain: Grain, folder: str, stem: str, hours: int) -> None:
    assert Grain.parse(key) == grain
    assert (grain.key, grain.raw_folder, grain.stem) == (key, folder, stem)
    assert grain.end - grain.start == dt.timedelta(hours=hours)
    assert grain.start.tzinfo == dt.UTC
    assert ":" not in key + folder + stem


@given(st.datetimes(timezones=st.just(dt.UTC)), st.sampled_from(["hour", "day"]))
def test_a_time_lies_in_its_grain(time: dt.datetime, kind) -> None:
    grain = Grain.of(time, kind)
    assert grain.start <= time
    if grain.date < dt.date.max:
        assert time < grain.end
    assert Grain.parse(grain.key) == grain


@pytest.mark.parametrize(
    "key", ["", "2026", "2026-11-20T", "2026-11-20T24", "2026-11-20T-1", "2026-11-20T7", "20261120", "unplaced-", "unplaced-2026-11-20T01", "x"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  messages differ
        Grain.parse(key)


def test_grains_sort_by_day_and_hour() -> None:
    keys = ["2026-11-21T00", "2026-11-20T13", "2026-11-20T02"]
    assert [g.key for g in sorted(map(Grain.parse, keys))] == ["2026-11-20T02", "2026-11-20T13", "2026-11-21T00"]
