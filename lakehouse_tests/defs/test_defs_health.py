"""What `doctor` says of Dagster: which sensors run, which runs nobody here can see."""

from __future__ import annotations

import uuid

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from defs_helpers import DATASET, definitions

from lakehouse.defs.health import inspect_instance
from lakehouse.defs.instance import dagster_home, open_instance
from lakehouse.defs.lost import PROCESS_TAG, process_tags
from lakehouse.defs.private import InstigatorStatus
from lakehouse.findings import Finding
from lakehouse.settings import Lake

SENSOR = f"{DATASET}_new_data_sensor"


def found(lake: Lake, name: str) -> list[Finding]:
    return [one for one in inspect_instance(lake) if one.name.startswith(name)]


def switch(lake: Lake, status: InstigatorStatus, name: str) -> None:
    """Write down the state of a sensor, as the daemon and the UI do."""
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="lakehouse.definitions"), location_name="lakehouse.definitions")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    with open_instance(lake) as instance:
        instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, status))


@pytest.mark.parametrize(
    ("states", "state", "told"),
    [
        ({}, "note", "none has run yet"),
        ({"RUNNING": "a"}, "good", "on: a"),
        ({"DECLARED_IN_CODE": "a"}, "note", "on only if started with --sensors (LAKEHOUSE_SENSORS=on): a"),
        ({"RUNNING": "a", "DECLARED_IN_CODE": "b"}, "note", "on: a; on only if started with --sensors (LAKEHOUSE_SENSORS=on): b"),
        ({"RUNNING": "a", "STOPPED": "b"}, "note", "off: b; on: a"),
    ],
)
def test_a_sensor_counts_as_on_only_where_somebody_switched_it_on(make_lake, states, state, told):
    lake = make_lake()
    for status, name in states.items():
        switch(lake, InstigatorStatus[status], name)
    dagster_home(lake)
    (one,) = found(lake, "sensors")
    assert (one.state, one.message) == (state, told)
    assert ("lakehouse dev --sensors" in (one.remedy or "")) == (state == "note")


def test_a_sensor_that_ran_from_the_start_once_does_not_run_without_being_asked_to(make_lake, monkeypatch):
    """Why it does not count: Dagster itself ignores such a row once the sensor is not declared to run."""
    monkeypatch.setenv("LAKEHOUSE_SENSORS", "off")
    assert definitions(make_lake()).resolve_sensor_def(SENSOR).default_status == dg.DefaultSensorStatus.STOPPED


def test_a_run_of_another_host_is_named_with_how_to_end_it(make_lake):
    lake = make_lake()
    with open_instance(lake) as instance:
        ids = [str(uuid.uuid4()) for _ in range(3)]
        theirs, ours, workers = ({PROCESS_TAG: "4f1c2d:1"}, dict(process_tags()), {})
        for run_id, tags in zip(ids, (theirs, ours, workers), strict=True):
            instance.add_run(dg.DagsterRun(job_name="raw", run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags=tags))
    (one,) = found(lake, "run ")
    assert (one.name, one.state) == (f"run {ids[0][:8]}", "note")
    assert "4f1c2d" in one.message
    assert "Terminate" in (one.remedy or "")
