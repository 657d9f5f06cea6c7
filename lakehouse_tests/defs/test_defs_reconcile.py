"""The reconciling sensor: whatever landed is built, however late, and a day that cannot be built does not go round in circles."""

from __future__ import annotations

import datetime as dt
import uuid

import dagster as dg
import msgspec
import pytest
from defs_helpers import CLOCK, DATASET, at, definitions, execute, land, lose_a_part, materialized, newest, tick

from lakehouse.defs import catalogue
from lakehouse.defs.ranges import RANGE_END, RANGE_START
from lakehouse.defs.reconcile import read_cursor

SENSOR = f"{DATASET}_reconcile_sensor"
CLEAN = catalogue.clean_key(DATASET)
DAY = dt.timedelta(days=1)
NINE = dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC)


def ranges(result) -> list[tuple[str, str]]:
    return [(r.tags[RANGE_START], r.tags[RANGE_END]) for r in result.run_requests or []]


def settle(lake, instance, cursor=None) -> str:
    """Run what the sensor asks for until it asks for nothing."""
    for _ in range(5):
        result = tick(lake, instance, SENSOR, cursor)
        cursor = result.cursor or cursor
        if not result.run_requests:
            return cursor
        for request in result.run_requests:
            execute(lake, instance, request)
    raise AssertionError("the sensor does not come to rest")


def metadata(instance, day):
    return newest(instance, CLEAN, day).metadata


def test_an_empty_lake_asks_for_nothing(make_lake, instance):
    result = tick(make_lake(), instance, SENSOR)
    assert not result.run_requests
    assert "Nothing landed" in result.skip_message


def test_stale_days_are_asked_for_as_one_range_and_not_again_once_they_are_built(landed, instance):
    first = tick(landed, instance, SENSOR)
    assert ranges(first) == [("2026-11-18", "2026-11-20")]
    assert execute(landed, instance, first.run_requests[0]).success
    assert materialized(instance, CLEAN) == {"2026-11-18": 1, "2026-11-19": 1, "2026-11-20": 1}
    second = tick(landed, instance, SENSOR, first.cursor)
    assert not second.run_requests
    third = tick(landed, instance, SENSOR, second.cursor)
    assert "Nothing landed since manifest 3" in third.skip_message


def test_a_late_hour_of_an_old_day_is_built_and_no_other_day(landed, instance):
    cursor = settle(landed, instance)
    land(landed, NINE.replace(hour=14), first=100)
    assert ranges(tick(landed, instance, SENSOR, cursor)) == [("2026-11-18", "2026-11-18")]


def test_an_event_of_28_days_ago_is_built(make_lake, instance):
    lake = make_lake(start=dt.date(2026, 10, 1))
    land(lake, CLOCK - dt.timedelta(days=28))
    assert ranges(tick(lake, instance, SENSOR)) == [("2026-10-23", "2026-10-23")]


def test_days_between_which_others_are_up_to_date_are_runs_of_their_own(landed, instance):
    cursor = settle(landed, instance)
    for when in (NINE, NINE + 2 * DAY):
        land(landed, when, first=100)
    assert ranges(tick(landed, instance, SENSOR, cursor)) == [("2026-11-18", "2026-11-18"), ("2026-11-20", "2026-11-20")]


def test_a_range_is_never_longer_than_31_days(make_lake, instance):
    lake = make_lake(start=dt.date(2026, 10, 1))
    for days in range(33):
        land(lake, CLOCK - days * DAY, lines=1)
    assert ranges(tick(lake, instance, SENSOR)) == [("2026-10-19", "2026-11-18"), ("2026-11-19", "2026-11-20")]


def test_a_hole_in_coverage_that_is_closed_without_a_line_makes_the_day_complete(make_lake, instance):
    lake = make_lake(start=dt.date(2026, 11, 18), applications=["login"])
    for hour in range(24):
        if hour != 13:
            land(lake, NINE.replace(hour=hour), lines=1, first=hour)
    cursor = settle(lake, instance)
    assert metadata(instance, "2026-11-18")["holes_in_coverage"].value == 1
    land(lake, NINE.replace(hour=13), lines=0)
    settle(lake, instance, cursor)
    assert metadata(instance, "2026-11-18")["complete"].value is True


def test_stale_days_before_a_start_that_was_moved_later_are_named_once_in_the_log_and_whenever_nothing_is_asked_for(landed, instance, capfd):
    start = dt.date(2026, 11, 20)
    settings = msgspec.structs.replace(landed.settings.datasets[DATASET], start=start)
    moved = landed.with_settings(msgspec.structs.replace(landed.settings, datasets={DATASET: settings}))
    first = tick(moved, instance, SENSOR)
    assert ranges(first) == [("2026-11-20", "2026-11-20")]
    assert capfd.readouterr().err.count("no partition") == 1
    assert execute(moved, instance, first.run_requests[0]).success
    second = tick(moved, instance, SENSOR, first.cursor)
    assert not second.run_requests
    assert "no partition: 2026-11-18, 2026-11-19. Partitions begin on 2026-11-20 and" in second.skip_message
    assert f"datasets.{DATASET}.start" in second.skip_message
    assert "no partition" not in capfd.readouterr().err


def test_an_hour_that_lands_while_a_run_builds_its_day_is_built_after_it(landed, instance):
    first = tick(landed, instance, SENSOR)
    run = dg.DagsterRun(job_name="clean", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED, asset_selection=frozenset([CLEAN]))
    instance.add_run(run)
    land(landed, NINE.replace(hour=14), first=100)
    during = tick(landed, instance, SENSOR, first.cursor)
    assert not during.run_requests
    assert "builds" in during.skip_message
    instance.report_run_canceled(run)
    after = tick(landed, instance, SENSOR, first.cursor)
    assert ranges(after) == [("2026-11-18", "2026-11-20")]
    assert after.run_requests[0].run_key != first.run_requests[0].run_key


def test_a_day_that_fails_is_tried_three_times_and_told_once_and_its_neighbours_are_built(landed, instance):
    mend = lose_a_part(landed, DATASET, dt.date(2026, 11, 19))
    cursor, asked, keys = None, [], set()
    for _ in range(6):
        result = tick(landed, instance, SENSOR, cursor)
        cursor = result.cursor or cursor
        asked.append(ranges(result))
        for request in result.run_requests or []:
            assert request.run_key not in keys  # a key is remembered for ever: the same one would never run
            keys.add(request.run_key)
            execute(landed, instance, request)
    assert asked == [[("2026-11-18", "2026-11-20")], [("2026-11-19", "2026-11-19")], [("2026-11-19", "2026-11-19")], [], [], []]
    assert set(materialized(instance, CLEAN)) == {"2026-11-18", "2026-11-20"}
    assert read_cursor(cursor).told == {"2026-11-19": "2-new"}
    mend()
    land(landed, NINE + DAY, first=200)
    assert ranges(tick(landed, instance, SENSOR, cursor)) == [("2026-11-19", "2026-11-19")]


def test_a_day_that_other_software_or_another_key_would_build_otherwise_is_not_asked_for(landed, instance, monkeypatch):
    cursor = settle(landed, instance)
    monkeypatch.setenv("LAKEHOUSE_TOKEN_KEY", "another key that is long enough")
    assert not tick(landed, instance, SENSOR, cursor).run_requests
    land(landed, NINE + DAY, first=300)
    assert ranges(tick(landed, instance, SENSOR, cursor)) == [("2026-11-19", "2026-11-19")]


def test_a_lake_that_cannot_be_read_skips_and_keeps_the_cursor(landed, instance):
    cursor = settle(landed, instance)
    landed.store.replace("lake.json", b"{")
    result = tick(landed, instance, SENSOR, cursor)
    assert "Cannot look" in result.skip_message
    assert result.cursor in (None, cursor)


@pytest.mark.parametrize("text", ["", "no json", '{"seen": "x"}', None])
def test_a_cursor_that_is_not_ours_starts_anew(text):
    assert read_cursor(text).seen == 0


def test_the_sensor_is_among_the_definitions_and_targets_clean(landed):
    sensor = definitions(landed).resolve_sensor_def(SENSOR)
    assert sensor.minimum_interval_seconds == 30


def test_the_clock_of_another_process_is_no_matter(landed, instance):
    assert ranges(tick(at(landed, CLOCK + DAY), instance, SENSOR)) == [("2026-11-18", "2026-11-20")]
