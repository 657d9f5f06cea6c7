"""The sensor for new data: one run over the hours that the plan names, none while one runs, no endless tries."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid

import dagster as dg
import pytest
from defs_helpers import DATASET, SERVED_FROM, SERVED_TO, execute, materialized, tick

from lakehouse.defs import catalogue
from lakehouse.defs.ranges import RANGE_END, RANGE_START
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.reports_api.options import ENV_CREDENTIALS, ENV_SUBJECT, ENV_URL
from lakehouse.sources.reports_api.server import SimulatedReportsApi

SENSOR = f"{DATASET}_new_data_sensor"
RAW = catalogue.raw_key(DATASET)
HOUR = dt.timedelta(hours=1)


def test_first_contact_asks_for_every_hour_and_then_for_nothing(make_lake, instance):
    lake = make_lake(clock=SERVED_TO)
    first = tick(lake, instance, SENSOR)
    request = first.run_requests[0]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-11-18T00", "2026-11-18T11")
    assert execute(lake, instance, request).success
    assert len(materialized(instance, RAW)) == 12
    assert load_ledger(lake, DATASET).books.placed > 0
    again = tick(lake, instance, SENSOR)
    assert not again.run_requests
    assert "Nothing is due" in again.skip_message


def test_the_next_hour_is_asked_for_with_the_overlap_before_it(make_lake, instance):
    lake = make_lake(clock=SERVED_TO)
    execute(lake, instance, tick(lake, instance, SENSOR).run_requests[0])
    later = make_lake(clock=SERVED_TO + 2 * HOUR)
    request = tick(later, instance, SENSOR).run_requests[0]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-11-18T08", "2026-11-18T13")


def test_a_long_first_contact_is_cut_at_weeks_and_goes_on_with_the_oldest(make_lake, instance):
    lake = make_lake(clock=SERVED_FROM, start=dt.date(2026, 11, 1))
    request = tick(lake, instance, SENSOR).run_requests[0]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-11-01T00", "2026-11-04T23")


def test_a_lake_of_other_datasets_is_not_asked_to_fetch_what_nobody_configured(tmp_path, instance, landed, monkeypatch):
    for name in (ENV_CREDENTIALS, ENV_SUBJECT, ENV_URL, "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    skipped = tick(open_lake(tmp_path / "files").with_settings(LakeSettings(clock=SERVED_TO)), instance, SENSOR)
    assert not skipped.run_requests
    assert f"Nobody has told how to reach the source of {DATASET}: set {ENV_CREDENTIALS}" in skipped.skip_message
    fetched_before = landed.with_settings(LakeSettings(clock=SERVED_TO, datasets={DATASET: DatasetSettings(start=SERVED_FROM.date())}))
    assert tick(fetched_before, instance, SENSOR).run_requests


def ended(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    instance.add_run(dg.DagsterRun(job_name="raw", run_id=str(uuid.uuid4()), status=status, tags=dict(request.tags)))


def test_a_stretch_that_failed_three_times_is_passed_over_and_the_next_hour_is_asked_for(make_lake, instance):
    lake = make_lake(clock=SERVED_FROM, start=dt.date(2026, 11, 1))
    keys, asked = [], []
    while requests := tick(lake, instance, SENSOR).run_requests:
        keys.append(requests[0].run_key)
        asked.append(requests[0].tags[RANGE_START])
        ended(instance, requests[0], dg.DagsterRunStatus.FAILURE)
    weeks = ["2026-11-01T00", "2026-11-05T00", "2026-11-12T00"]
    assert asked == [week for week in weeks for _ in range(3)]
    assert len(set(keys)) == len(keys)
    skipped = tick(lake, instance, SENSOR).skip_message
    assert all(f"{week} to " in skipped for week in weeks)
    assert "failed 3 times" in skipped
    later = make_lake(clock=SERVED_FROM + HOUR, start=dt.date(2026, 11, 1))
    assert tick(later, instance, SENSOR).run_requests[0].tags[RANGE_START] == weeks[-1]


def test_a_stretch_whose_run_somebody_canceled_does_not_stand_before_the_others(make_lake, instance):
    lake = make_lake(clock=SERVED_FROM, start=dt.date(2026, 11, 5))
    ended(instance, tick(lake, instance, SENSOR).run_requests[0], dg.DagsterRunStatus.CANCELED)
    request = tick(lake, instance, SENSOR).run_requests[0]
    assert request.tags[RANGE_START] == "2026-11-12T00"
    ended(instance, request, dg.DagsterRunStatus.CANCELED)
    assert "was asked for" in tick(lake, instance, SENSOR).skip_message


def test_the_overlap_is_asked_for_with_the_hour_behind_it_across_the_edge_of_a_week(make_lake, instance):
    midnight = dt.datetime(2026, 11, 19, 0, 0, 30, tzinfo=dt.UTC)  # less the margin that is not read yet
    lake = make_lake(clock=midnight)
    assert execute(lake, instance, tick(lake, instance, SENSOR).run_requests[0]).success
    later = make_lake(clock=midnight + HOUR)
    request = tick(later, instance, SENSOR).run_requests[0]
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2026-11-18T21", "2026-11-19T00")


def test_nothing_is_asked_for_while_a_run_fetches(make_lake, instance):
    lake = make_lake(clock=SERVED_TO)
    instance.add_run(dg.DagsterRun(job_name="raw", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED, asset_selection=frozenset([RAW])))
    assert "fetches" in tick(lake, instance, SENSOR).skip_message


def test_a_window_that_fails_for_good_is_tried_three_times_although_others_land(make_lake, instance):
    lake = make_lake(clock=SERVED_TO, applications=["token", "login"])
    asked = []
    for _ in range(5):
        result = tick(lake, instance, SENSOR)
        asked.append(len(result.run_requests))
        for request in result.run_requests:
            with refusing(lake, "login"):
                assert not execute(lake, instance, request).success
    # first all hours; then what is left of them, three times
    assert asked == [1, 1, 1, 1, 0]
    assert load_ledger(lake, DATASET).cursor("token") is not None
    assert load_ledger(lake, DATASET).cursor("login") is None
    assert "failed 3 times" in result.skip_message
    later = make_lake(clock=SERVED_TO + HOUR, applications=["token", "login"])
    assert tick(later, instance, SENSOR).run_requests


def test_a_lake_that_cannot_be_read_is_said_so_and_looked_at_again(make_lake, instance):
    lake = make_lake(clock=SERVED_TO)
    fetches = lake.store.root / "raw" / DATASET / "_fetches"
    fetches.parent.mkdir(parents=True)
    fetches.write_text("no folder")
    skipped = tick(lake, instance, SENSOR).skip_message
    assert skipped.startswith("Cannot look: ")
    assert str(fetches) in skipped
    assert "Check the path" in skipped
    fetches.unlink()
    assert tick(lake, instance, SENSOR).run_requests


@contextlib.contextmanager
def refusing(lake: Lake, application: str):
    """The simulated API refuses one application."""
    folder = lake.store.root / lake.dataset(DATASET).source["simulated"]
    faults = [{"application": application, "status": 403, "times": 1000}]
    with SimulatedReportsApi(folder, clock=lake.now(), faults=faults) as api, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_REPORTS_API_URL", api.url)
        yield
