"""Runs over ranges tell the truth about each partition."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version

import dagster as dg
import pytest
import zstandard
from defs_helpers import (
    CLOCK,
    DATASET,
    PERSON,
    QUIET,
    SERVED_FROM,
    SERVED_TO,
    check_statuses,
    definitions,
    land,
    lose_a_part,
    materialized,
    newest,
    tick,
)

from lakehouse.defs import catalogue
from lakehouse.defs.instance import open_instance
from lakehouse.defs.ranges import range_tags
from lakehouse.defs.run import materialize_clean, materialize_planned, materialize_raw
from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.landing.ledger import load_ledger
from lakehouse.steps.build import stale_days
from lakehouse.steps.checks import CHECKS
from lakehouse.steps.retention import expire
from lakehouse.tables.builds import committed_builds

CLEAN, RAW, QUARANTINE = catalogue.clean_key(DATASET), catalogue.raw_key(DATASET), catalogue.quarantine_key(DATASET)
DAYS = [dt.date(2026, 11, d) for d in (18, 19, 20)]


def test_the_private_parts_of_dagster_are_those_that_were_tried():
    # `lakehouse.defs.private` and `lakehouse.defs.history` name what Dagster does not export. Before you raise this: run the
    # tests of this folder, and look at a red day of a backfill in the UI.
    assert version("dagster").rpartition(".")[0] == "1.13"


def test_a_lake_that_begins_in_the_future_says_so_whatever_is_asked_of_it(make_lake, dataset):
    today = dt.datetime.now(dt.UTC)
    start = today.date() + dt.timedelta(days=2)
    lake = make_lake(clock=None, start=start)
    with pytest.raises(ConfigurationError, match=f"has no partition {today.date()}. It has none before {start}, which is in the future"):
        materialize_clean(lake, dataset, [today.date()])
    with pytest.raises(ConfigurationError, match=f"is before the start of this lake, {start}. It has none before {start}"):
        materialize_raw(lake, dataset, today - dt.timedelta(hours=2), today)


def test_a_range_run_with_one_broken_day_paints_only_this_day_red(landed, dataset):
    lose_a_part(landed, DATASET, DAYS[1])
    found = materialize_clean(landed, dataset, DAYS)
    assert [str(day) for day in found.failures] == ["2026-11-19"]
    assert [r.day for r in found.reports] == [DAYS[0], DAYS[2]]
    assert len(found.run_ids) == 1
    with open_instance(landed) as instance:
        assert materialized(instance, CLEAN) == {"2026-11-18": 1, "2026-11-20": 1}
        assert materialized(instance, QUARANTINE) == {"2026-11-18": 1, "2026-11-20": 1}
        assert instance.get_run_by_id(found.run_ids[0]).status == dg.DagsterRunStatus.FAILURE
        statuses = check_statuses(instance, landed, CLEAN, "books_balance")
        assert statuses["SUCCEEDED"] == {"2026-11-18", "2026-11-20"}


def test_a_range_run_gives_each_day_its_own_numbers_and_check_results(landed, dataset):
    found = materialize_clean(landed, dataset, DAYS)
    assert found.success
    with open_instance(landed) as instance:
        assert materialized(instance, CLEAN) == {str(day): 1 for day in DAYS}
        for report in found.reports:
            metadata = newest(instance, CLEAN, report.day).metadata
            assert metadata["dagster/partition_row_count"].value == report.books.kept
            assert metadata["fingerprint"].value == str(report.build.fingerprint)
        for name in CHECKS:
            passed = {str(r.day) for r in found.reports for c in r.checks if c.name == name and c.passed}
            assert check_statuses(instance, landed, CLEAN, name).get("SUCCEEDED", set()) == passed


def test_a_day_that_is_built_again_changes_nothing_and_says_so(landed, dataset):
    first = materialize_clean(landed, dataset, DAYS[:1])
    again = materialize_clean(landed, dataset, DAYS[:1])
    assert first.reports[0].committed
    assert not again.reports[0].committed
    with open_instance(landed) as instance:
        assert materialized(instance, CLEAN) == {"2026-11-18": 2}
        assert "nothing to commit" in newest(instance, CLEAN, DAYS[0]).metadata["built"].value


def test_a_day_that_was_green_and_fails_keeps_the_verdicts_of_the_build_that_stands(landed, dataset):
    assert materialize_clean(landed, dataset, DAYS[:1]).success
    with open_instance(landed) as instance:
        before = {name: check_statuses(instance, landed, CLEAN, name) for name in CHECKS}
    mend = lose_a_part(landed, DATASET, DAYS[0])
    assert not materialize_clean(landed, dataset, DAYS[:1], force=True).success
    assert committed_builds(landed, dataset.contract)[DAYS[0]]  # the old version stands
    with open_instance(landed) as instance:
        assert {name: check_statuses(instance, landed, CLEAN, name) for name in CHECKS} == before  # and so do its verdicts
        told = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(CLEAN, "holes"), limit=1)[0].evaluation
        assert told.description.startswith("Of the build that still stands: ")
    mend()
    assert materialize_clean(landed, dataset, DAYS[:1], force=True).success


def test_the_verdict_of_a_day_that_the_audit_refused_is_logged_as_blocking(landed, dataset):
    part = landed.store.root / load_ledger(landed, DATASET).parts["2026-11-19T09"][0].part.path
    part.write_bytes(zstandard.compress(zstandard.decompress(part.read_bytes()).splitlines(keepends=True)[0]))
    assert list(materialize_clean(landed, dataset, DAYS).failures) == ["2026-11-19"]
    with open_instance(landed) as instance:
        key = dg.AssetCheckKey(CLEAN, "books_balance")
        found = [r.evaluation for r in instance.event_log_storage.get_asset_check_execution_history(key, limit=10) if r.evaluation is not None]
    assert {e.partition: (e.passed, e.blocking, e.severity) for e in found} == {
        str(day): (day != DAYS[1], True, dg.AssetCheckSeverity.ERROR) for day in DAYS
    }


def test_what_is_made_of_the_same_content_stays_in_sync_and_a_late_hour_takes_it_out(make_lake, dataset):
    lake = make_lake(clock=SERVED_TO)
    days = [SERVED_TO.date()]
    assert materialize_planned(lake, dataset).success
    assert materialize_clean(lake, dataset, days).success
    assert unsynced(lake, days) == set()
    hour = SERVED_FROM + dt.timedelta(hours=1)
    assert materialize_raw(lake, dataset, hour, hour + dt.timedelta(hours=1)).success  # nothing new: the same content
    assert unsynced(lake, days) == set()
    land(lake, hour, first=50)
    assert materialize_raw(lake, dataset, hour, hour + dt.timedelta(hours=1)).success
    assert unsynced(lake, days) == {str(d) for d in days}


def test_an_hour_of_raw_shows_its_totals_beside_what_this_fetch_brought(make_lake, dataset):
    lake = make_lake()
    hour = dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC)
    first = materialize_raw(lake, dataset, hour, hour + dt.timedelta(hours=1))
    assert first.success
    placed = first.reports[0].books.placed
    again = materialize_raw(lake, dataset, hour, hour + dt.timedelta(hours=1), "daily_sweep")
    assert again.reports[0].books.placed == 0
    with open_instance(lake) as instance:
        metadata = newest(instance, RAW, "2026-11-18T09").metadata
    assert placed > 0
    assert metadata["lines"].value == placed
    assert metadata["this_fetch_landed"].value == 0
    assert metadata["this_fetch_had_already"].value == again.reports[0].books.re_read
    assert metadata["this_fetch_purposes"].value == "daily_sweep"


def test_a_sweep_shows_what_it_found_late_and_which_share_of_all_that_is(make_lake, dataset):
    lake = make_lake()
    hour = dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC)
    land(lake, hour, lines=0)  # read to its end, and there was nothing yet
    swept = materialize_raw(lake, dataset, hour, hour + dt.timedelta(hours=1), "daily_sweep", applications=["login"])
    late = swept.reports[0].books.placed
    assert late > 0
    with open_instance(lake) as instance:
        metadata = newest(instance, RAW, "2026-11-18T09").metadata
    assert metadata["this_fetch_found_late"].value == late
    assert metadata["this_fetch_found_late_by_purpose"].value == f"daily_sweep {late}"
    assert [dict(r.data) for r in metadata["late_found_by_all_fetches"].records] == [
        {"purpose": "overlap", "late_lines": 0, "share": "0.0%"},
        {"purpose": "daily_sweep", "late_lines": late, "share": "100.0%"},
        {"purpose": "weekly_sweep", "late_lines": 0, "share": "0.0%"},
    ]


def test_an_hour_that_the_source_no_longer_keeps_fails_with_that_sentence_and_its_neighbours_do_not(make_lake, dataset):
    lake = make_lake(start=dt.date(2026, 5, 24))  # 180 days and a half before the clock
    start = dt.datetime(2026, 5, 24, 10, tzinfo=dt.UTC)
    found = materialize_raw(lake, dataset, start, start + dt.timedelta(hours=4), "backfill")
    assert list(found.failures) == ["2026-05-24T10", "2026-05-24T11"]
    assert all("keeps 180 days" in str(error) for error in found.failures.values())
    with open_instance(lake) as instance:
        assert materialized(instance, RAW) == {"2026-05-24T12": 1, "2026-05-24T13": 1}
    with pytest.raises(TerminalError, match="keeps 180 days"):
        found.raise_for_failures()


def test_since_and_until_cut_the_first_and_the_last_hour(make_lake, dataset):
    lake = make_lake()
    start = dt.datetime(2026, 11, 18, 9, 20, tzinfo=dt.UTC)
    found = materialize_raw(lake, dataset, start, start + dt.timedelta(hours=1), applications=["token"])
    windows = [o.planned.window for r in found.reports for o in r.outcomes]
    assert [(f"{w.start:%H:%M}", f"{w.end:%H:%M}") for w in windows] == [("09:20", "10:00"), ("10:00", "10:20")]


@pytest.mark.parametrize("field", ["since", "until"])
def test_a_time_that_is_none_is_told_with_what_was_expected(make_lake, instance, field):
    lake = make_lake()
    config = {"ops": {f"raw__{DATASET}": {"config": {field: "yesterday"}}}}
    result = definitions(lake).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[RAW], partition_key="2026-11-18T09", run_config={**QUIET, **config}, raise_on_error=False
    )  # fmt: skip
    (failed,) = [e.step_failure_data.error.message for e in result.all_events if e.is_step_failure]
    assert f"The config {field} should be a time (ISO 8601, UTC) such as 2026-11-20T13:00Z, got 'yesterday'." in failed


def test_the_plan_is_fetched_hour_by_hour_with_its_own_purposes(make_lake, dataset):
    lake = make_lake(clock=dt.datetime(2026, 11, 18, 6, 30, tzinfo=dt.UTC))
    first = materialize_planned(lake, dataset)
    assert first.success
    with open_instance(lake) as instance:
        assert materialized(instance, RAW) == {f"2026-11-18T{h:02d}": 1 for h in range(7)}
    later = make_lake(clock=dt.datetime(2026, 11, 18, 7, 30, tzinfo=dt.UTC))
    second = materialize_planned(later, dataset)
    assert {o.planned.purpose for r in second.reports for o in r.outcomes} == {"new", "overlap"}
    assert min(o.planned.window.start for r in second.reports for o in r.outcomes) > dt.datetime(2026, 11, 18, 3, tzinfo=dt.UTC)


def test_a_partition_that_there_is_not_is_refused_with_those_that_there_are(landed, dataset):
    with pytest.raises(ConfigurationError, match=r"no partition 2026-11-21.*2026-11-18 to 2026-11-20"):
        materialize_clean(landed, dataset, [dt.date(2026, 11, 21)])


def test_no_address_of_a_person_is_in_what_dagster_was_told(landed, dataset):
    materialize_clean(landed, dataset, DAYS)
    with open_instance(landed) as instance:
        events = [str(r) for run in instance.get_runs() for r in instance.all_logs(run.run_id)]
    assert any("AssetMaterialization" in e or "materialization" in e.lower() for e in events)
    assert not [e for e in events if PERSON in e]


def unsynced(lake, days) -> set[str]:
    """The days that Dagster's page would call out of sync."""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
    from dagster._core.loader import LoadingContextForTest

    with open_instance(lake) as instance:
        graph = definitions(lake).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance=instance, asset_graph=graph, loading_context=LoadingContextForTest(instance))
        return {str(day) for day in days if resolver.get_status(CLEAN, str(day)) != StaleStatus.FRESH}


def test_an_hour_of_a_sealed_day_is_fetched_and_what_is_new_is_unplaced(make_lake, dataset):
    lake = make_lake(clock=CLOCK)
    day = SERVED_FROM.date()
    hour = SERVED_FROM + dt.timedelta(hours=1)
    assert materialize_raw(lake, dataset, SERVED_FROM, hour).success  # the hours after it were never read
    assert materialize_clean(lake, dataset, [day]).success
    expire(lake, dataset, day + dt.timedelta(days=1))
    assert materialize_raw(lake, dataset, SERVED_FROM, hour + dt.timedelta(hours=1)).success
    with open_instance(lake) as instance:
        known, new = (newest(instance, RAW, f"{h:%Y-%m-%dT%H}").metadata for h in (SERVED_FROM, hour))
        assert known["this_fetch_read"].value == known["this_fetch_had_already"].value > 0
        assert new["this_fetch_read"].value == new["this_fetch_unplaced"].value > 0
        for told in (known, new):
            assert told["stored_bytes"].value == 0
            assert told["expired"].value.startswith("raw of 2026-11-18 has expired (sealed on 2026-11-20 12:30 UTC by manifest 3); new lines")
    assert [s.day for s in stale_days(lake, dataset)] == [CLOCK.date()]


def test_a_sealed_day_is_kept_as_built_among_others_and_refused_alone_or_by_force(landed, dataset):
    assert materialize_clean(landed, dataset, DAYS).success
    expire(landed, dataset, DAYS[1])
    built = committed_builds(landed, dataset.contract)
    found = materialize_clean(landed, dataset, DAYS)
    assert found.success
    assert [r.day for r in found.reports] == DAYS[1:]
    assert dict(found.kept) == {"2026-11-18": "raw of 2026-11-18 has expired (sealed on 2026-11-20 12:30 UTC by manifest 4)"}
    apart = materialize_clean(landed, dataset, [DAYS[0], DAYS[2]])  # a run of its own for each
    assert (apart.success, list(apart.kept)) == (True, ["2026-11-18"])
    with open_instance(landed) as instance:
        assert all(instance.get_run_by_id(run).status == dg.DagsterRunStatus.SUCCESS for run in (*found.run_ids, *apart.run_ids))
        assert newest(instance, CLEAN, DAYS[0]).metadata["kept_as_built"].value == found.kept["2026-11-18"]
        assert "kept_as_built" not in newest(instance, CLEAN, DAYS[1]).metadata
        assert "2026-11-18" in check_statuses(instance, landed, CLEAN, "books_balance")["SUCCEEDED"]
    for refused in (materialize_clean(landed, dataset, DAYS[:1]), materialize_clean(landed, dataset, DAYS[:2], force=True)):
        assert list(refused.failures) == ["2026-11-18"]
        with pytest.raises(TerminalError, match="cannot be built again"):
            refused.raise_for_failures()
    assert committed_builds(landed, dataset.contract)[DAYS[0]] == built[DAYS[0]]


@pytest.mark.parametrize("days", [DAYS[:1], DAYS[:2]])
def test_a_backfill_finds_a_sealed_day_materialized_as_it_was_built(landed, dataset, days):
    """The daemon counts a day that no run of the backfill materialized as failed."""
    assert materialize_clean(landed, dataset, DAYS[:2]).success
    expire(landed, dataset, DAYS[1])
    with open_instance(landed) as instance:
        before = newest(instance, CLEAN, DAYS[0])
        tags = {"dagster/backfill": "b1", **(range_tags([str(d) for d in days]) if len(days) > 1 else {})}
        result = definitions(landed).resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[CLEAN], partition_key=str(days[0]) if len(days) == 1 else None, tags=tags, run_config=QUIET,
            raise_on_error=False,
        )  # fmt: skip
        assert result.success
        now = newest(instance, CLEAN, DAYS[0])
        assert materialized(instance, CLEAN)[str(DAYS[0])] == 2
    assert now.metadata["kept_as_built"].value.startswith("raw of 2026-11-18 has expired")
    assert now.metadata["fingerprint"] == before.metadata["fingerprint"]
    assert now.tags["dagster/data_version"] == before.tags["dagster/data_version"]


def test_the_sensor_asks_for_no_sealed_day(landed, dataset, instance):
    assert materialize_clean(landed, dataset, DAYS).success
    expire(landed, dataset, DAYS[1])
    land(landed, dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC), lines=2, first=70)
    asked = tick(landed, instance, f"{DATASET}_reconcile_sensor").run_requests
    assert [request.partition_key or request.tags["dagster/asset_partition_range_start"] for request in asked] == ["2026-11-20"]
