"""What may pass is tried again in runs that Dagster launched, what will not is not; a command tries once, and says what it waits for."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import msgspec
import pytest
from defs_helpers import CLOCK, DATASET, QUIET, SERVED_TO, definitions, materialized

from lakehouse.defs import catalogue, clean
from lakehouse.defs.instance import open_instance
from lakehouse.defs.listen import listening
from lakehouse.defs.raw import NOT_TRIED
from lakehouse.defs.retries import RETRIES_TAG, SECONDS_TAG, faults
from lakehouse.defs.run import materialize_planned, materialize_raw
from lakehouse.errors import TerminalError, TransientError
from lakehouse.marts import build
from lakehouse.marts.specs import mart_specs
from lakehouse.settings import DatasetSettings, Lake, LakeSettings
from lakehouse.sources.reports_api.options import ENV_URL
from lakehouse.sources.reports_api.server import SimulatedReportsApi
from lakehouse.storage import StoreError, told
from lakehouse.tables import delta

RAW, CLEAN = catalogue.raw_key(DATASET), catalogue.clean_key(DATASET)
MARTS = [catalogue.mart_key(spec.name) for spec in mart_specs(DATASET)]
HOUR = dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC)
ASSETS = {"raw": ([RAW], "2026-11-18T09"), "clean": ([CLEAN], "2026-11-18"), "marts": (MARTS, "2026-11-18")}
NOT_ALLOWED = {"status": 403, "reason": "forbidden", "message": "Not Authorized to access this resource/api"}
Serve = Callable[..., SimulatedReportsApi]


@pytest.fixture
def serve(activities, monkeypatch) -> Iterator[Serve]:
    """A server with faults, to which all lakes of the test turn."""
    running = []

    def start(*faults: dict[str, Any]) -> SimulatedReportsApi:
        api = SimulatedReportsApi(activities, clock=CLOCK, faults=faults).start()
        running.append(api)
        monkeypatch.setenv(ENV_URL, api.url)
        return api

    yield start
    for api in running:
        api.stop()


@pytest.fixture
def impatient(landed) -> Lake:
    """The landed lake, whose client asks once and does not wait."""
    return _patient(landed, 0)


def _patient(lake: Lake, seconds: float, *applications: str, clock: dt.datetime = CLOCK) -> Lake:
    source = {"applications": list(applications or ["login"]), "away_seconds": seconds}
    told = lake.dataset(DATASET)
    settings = DatasetSettings(start=told.start, source=source)
    return lake.with_settings(LakeSettings(clock=clock, datasets={DATASET: settings}))


def _run(lake: Lake, instance: dg.DagsterInstance, asset: str, **tags: str) -> dg.ExecuteInProcessResult:
    """As a worker of Dagster's runs it: nobody listens."""
    keys, partition = ASSETS[asset]
    return definitions(lake).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=keys, partition_key=partition, tags={SECONDS_TAG: "0", **tags}, run_config=QUIET, raise_on_error=False
    )  # fmt: skip


def _retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.is_step_up_for_retry for event in result.all_events)


def _failure(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return failed.step_failure_data.error.message


def test_an_hour_of_a_source_that_was_away_is_there_after_another_try(impatient, serve, instance):
    api = serve({"status": 503, "times": 2})
    result = _run(impatient, instance, "raw")
    assert result.success
    assert _retries(result) == 2
    assert len(api.requests) == 3
    assert materialized(instance, RAW) == {"2026-11-18T09": 1}


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_tries_three_times_what_may_pass(impatient, serve, instance, monkeypatch, asset):
    serve({"status": 503, "times": 99})
    monkeypatch.setattr(delta, "_TRIES", 0)  # every commit is a lost race
    monkeypatch.setattr(build, "_TRIES", 0)
    result = _run(impatient, instance, asset)
    assert not result.success
    assert _retries(result) == 2
    assert {"raw": "http_503", "clean": "other writers committed first", "marts": "other builds were published first"}[asset] in _failure(result)


@pytest.mark.parametrize("asset", ASSETS)
def test_no_asset_tries_again_what_will_not_pass(impatient, serve, instance, asset):
    serve()
    found = definitions(impatient)
    impatient.store.replace("lake.json", msgspec.json.encode({"format": 99}))
    keys, partition = ASSETS[asset]
    result = found.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=keys, partition_key=partition, tags={SECONDS_TAG: "0"}, run_config=QUIET, raise_on_error=False
    )
    assert not result.success
    assert _retries(result) == 0
    assert "Install a newer lakehouse" in _failure(result)


def test_a_refusal_is_not_tried_again_though_another_application_of_the_hour_may_pass(landed, serve, instance):
    lake = _patient(landed, 0, "login", "token")
    api = serve({"application": "login", "status": 503, "times": 99}, {"application": "token", "times": 99, **NOT_ALLOWED})
    result = _run(lake, instance, "raw")
    assert not result.success
    assert _retries(result) == 0
    assert "privilege Reports" in _failure(result)
    assert len(api.requests) == 2


def test_only_the_hours_that_failed_are_asked_for_again(impatient, serve, instance):
    api = serve({"after": 1, "status": 503, "times": 2})
    hours = {"dagster/asset_partition_range_start": "2026-11-18T06", "dagster/asset_partition_range_end": "2026-11-18T09"}
    result = definitions(impatient).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[RAW], tags={SECONDS_TAG: "0", **hours}, run_config=QUIET, raise_on_error=False
    )  # fmt: skip
    assert result.success
    assert _retries(result) == 1
    assert len(api.requests) == 6
    assert materialized(instance, RAW) == {f"2026-11-18T{hour:02d}": 1 for hour in range(6, 10)}


def test_a_day_that_was_built_is_neither_built_nor_told_again_with_the_one_that_failed(landed, instance, monkeypatch):
    builds, lost = clean.build_days, []

    def race() -> None:
        lost.append(1)
        raise TransientError("other writers committed first")

    @contextlib.contextmanager
    def racing(*arguments, **options) -> Iterator[list[Callable[[], Any]]]:
        with builds(*arguments, **options) as each:
            yield list(each) if lost else [*list(each)[:-1], race]

    monkeypatch.setattr(clean, "build_days", racing)
    days = {"dagster/asset_partition_range_start": "2026-11-18", "dagster/asset_partition_range_end": "2026-11-20"}
    result = definitions(landed).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[CLEAN], tags={SECONDS_TAG: "0", **days}, run_config=QUIET, raise_on_error=False
    )  # fmt: skip
    assert result.success
    assert _retries(result) == len(lost) == 1
    once = {"2026-11-18": 1, "2026-11-19": 1, "2026-11-20": 1}
    assert materialized(instance, CLEAN) == materialized(instance, catalogue.quarantine_key(DATASET)) == once
    events = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    told = [e.get_dagster_event().asset_check_evaluation_data for e in events]
    assert Counter(str(t.partition) for t in told if t.check_name == "books_balance") == once


def test_how_often_a_run_tries_again_is_a_tag_of_it(impatient, serve, instance):
    api = serve({"status": 503, "times": 99})
    assert _retries(_run(impatient, instance, "raw", **{RETRIES_TAG: "0"})) == 0
    assert len(api.requests) == 1


def test_the_log_of_a_run_says_when_it_will_try_again(impatient, serve, instance):
    serve({"status": 503})
    result = _run(impatient, instance, "raw")
    told = [record.user_message for record in instance.all_logs(result.run_id)]
    assert [t for t in told if t.startswith("It may pass: trying again in 0 s, try 2 of 3. 1 of 1 partitions failed")]


def test_the_log_of_a_run_says_once_what_its_pages_wait_for(landed, serve, instance):
    serve({"status": 502, "times": 8})
    result = _run(_patient(landed, 2.5), instance, "raw", **{RETRIES_TAG: "0"})
    told = [record.user_message for record in instance.all_logs(result.run_id) if "waiting for the source" in record.user_message]
    assert len(told) == 1
    assert "waiting for the source (HTTP 502): login, try " in told[0]


def test_a_command_tries_once(impatient, serve, dataset):
    api = serve({"status": 503, "times": 99})
    found = materialize_raw(impatient, dataset, HOUR, HOUR + dt.timedelta(hours=1))
    assert len(api.requests) == 1
    with pytest.raises(TransientError, match="http_503"):
        found.raise_for_failures()


def test_a_command_hears_what_is_waited_for_until_it_goes_on(landed, serve, dataset):
    serve({"status": 429, "retry_after": 1})
    heard = []
    found = materialize_raw(_patient(landed, 0), dataset, HOUR, HOUR + dt.timedelta(hours=1), waiting=heard.append)
    assert found.success
    assert [(w.application, w.cause, w.attempt, w.attempts) for w in heard[0]] == [("login", "rate limit", 2, 10)]
    assert 0 < heard[0][0].seconds <= 2
    assert tuple(heard[-1]) == ()


def test_a_source_that_is_away_is_left_alone_for_all_hours_to_come(make_lake, dataset, monkeypatch):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv(ENV_URL, f"http://127.0.0.1:{held.getsockname()[1]}")
        found = materialize_planned(_patient(make_lake(), 0, clock=SERVED_TO + dt.timedelta(days=2)), dataset)
    assert len(found.reports) == 1  # of three days
    assert len(found.failures) == 60
    assert list(found.failures.values())[24:] == [NOT_TRIED] * 36
    with pytest.raises(TransientError, match=r"(?s)60 partitions failed.*2026-11-20T11 \(\d+ partitions\): Not tried") as told:
        found.raise_for_failures()
    assert str(told.value).count("\n") <= 6
    with open_instance(make_lake(name="lake")) as instance:
        assert materialized(instance, RAW) == {}


def test_an_operator_who_interrupts_is_obeyed(instance):
    tries = []

    @dg.asset
    def slow(context):
        with faults(context):
            tries.append(1)
            raise KeyboardInterrupt

    with listening():
        dg.Definitions([slow], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, run_config=QUIET, tags={RETRIES_TAG: "2", SECONDS_TAG: "0"}, raise_on_error=False
        )
    assert tries == [1]


@pytest.mark.parametrize(
    ("error", "kind"), [(TerminalError("no"), TerminalError), (OSError("disk"), OSError), (StoreError("rights\ndump"), StoreError)]
)
def test_a_fault_of_all_partitions_reaches_the_command_as_it_was(instance, error, kind):
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a"]))
    def shared(context):
        with faults(context):
            raise error

    with listening() as listener:
        result = (
            dg.Definitions([shared], executor=dg.in_process_executor)
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(instance=instance, run_config=QUIET, partition_key="a", raise_on_error=False)
        )
    assert listener.failures == {"a": error}
    (failed,) = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
    assert told(error) in failed.message
    assert isinstance(listener.failures["a"], kind)
