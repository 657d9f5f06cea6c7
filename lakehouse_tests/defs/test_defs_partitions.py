"""Partitions end with the current hour and day, by the clock of the lake."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from lakehouse.contracts.grain import Grain
from lakehouse.defs.partitions import Calendar, days_of_grains
from lakehouse.defs.ranges import stretches


@pytest.mark.parametrize("system", [dt.timedelta(days=-40), dt.timedelta(hours=-3), dt.timedelta(), dt.timedelta(hours=9), dt.timedelta(days=400)])
@pytest.mark.parametrize(
    ("clock", "last_hour", "last_day"),
    [
        ("2026-11-20T12:30:00", "2026-11-20T12", "2026-11-20"),
        ("2026-11-20T12:00:00", "2026-11-20T12", "2026-11-20"),
        ("2026-11-20T00:00:00", "2026-11-20T00", "2026-11-20"),
        ("2026-11-20T23:59:59.999999", "2026-11-20T23", "2026-11-20"),
    ],
)
def test_a_fixed_clock_ends_the_partitions_at_its_hour_and_day_whatever_the_system_says(clock, last_hour, last_day, system):
    now = dt.datetime.fromisoformat(clock).replace(tzinfo=dt.UTC)
    calendar = Calendar(dt.date(2026, 11, 1), now, loaded_at=now + system)
    with dg.partition_loading_context(now + system):
        assert calendar.hours.get_partition_keys()[-1] == last_hour
        assert calendar.days.get_partition_keys()[-1] == last_day
        assert calendar.days.get_last_partition_key() == last_day
        assert calendar.days.get_num_partitions() == 20


def test_without_a_fixed_clock_today_and_this_hour_count():
    calendar = Calendar(dt.date(2026, 11, 1))
    now = dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC)
    with dg.partition_loading_context(now):
        assert calendar.hours.get_partition_keys()[-1] == "2026-11-20T12"
        assert calendar.days.get_partition_keys()[-1] == "2026-11-20"


def test_the_key_of_an_hour_is_the_key_of_its_grain():
    keys = Calendar(dt.date(2026, 11, 20), dt.datetime(2026, 11, 20, 5, tzinfo=dt.UTC)).hours.get_partition_keys()
    assert [Grain.parse(k).key for k in keys] == list(keys)


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_today_may_be_built_although_its_later_hours_are_not_there_yet():
    calendar = Calendar(dt.date(2026, 11, 19), dt.datetime(2026, 11, 20, 5, tzinfo=dt.UTC))
    subset = calendar.days.subset_with_partition_keys(["2026-11-20"])
    found = days_of_grains().get_upstream_mapped_partitions_result_for_partitions(subset, calendar.days, calendar.hours)
    assert found.partitions_subset.get_partition_keys() == [f"2026-11-20T{h:02d}" for h in range(6)]
    assert not list(found.required_but_nonexistent_subset.get_partition_keys())


@pytest.mark.parametrize(
    ("keys", "most", "expected"),
    [
        ("", 9, []),
        ("c", 9, ["c"]),
        ("dba", 9, ["ab", "d"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("afx", 9, ["a", "f"]),
    ],
)
def test_partitions_fall_into_stretches_without_holes(keys, most, expected):
    assert ["".join(s) for s in stretches(keys, "abcdef", most)] == expected
