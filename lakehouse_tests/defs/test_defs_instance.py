"""Dagster's home: settings that are shipped, pools that are freed, runs of killed commands that are closed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import dagster as dg
import pytest
import yaml

from lakehouse.defs import lost
from lakehouse.defs.instance import dagster_home, open_instance
from lakehouse.defs.lost import BEGUN_TAG, PROCESS_TAG, process_tags, settle_lost_runs
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake, LakeSettings
from lakehouse.storage import Store


def test_the_home_is_in_the_lake_and_has_the_shipped_settings(make_lake):
    lake = make_lake()
    home = dagster_home(lake)
    assert home == lake.store.root / ".dagster"
    told = yaml.safe_load((home / "dagster.yaml").read_text())
    assert told["telemetry"]["enabled"] is False
    assert told["nux"]["enabled"] is False


def test_a_home_that_has_settings_keeps_them_and_the_environment_wins(make_lake, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    lake = make_lake()
    assert dagster_home(lake) == tmp_path / "home"
    assert (tmp_path / "home" / "dagster.yaml").read_text() == "telemetry:\n  enabled: false\n"
    assert not (lake.store.root / ".dagster").exists()


def test_a_lake_that_is_no_folder_needs_the_variable():
    far = Lake(Store("s3://bucket/lake", None, None), LakeSettings())
    with pytest.raises(ConfigurationError, match="DAGSTER_HOME is not set"):
        dagster_home(far)


def test_dagster_reads_back_what_frees_the_pool_of_a_killed_run(make_lake):
    with open_instance(make_lake()) as instance:
        assert instance.run_monitoring_enabled
        assert instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 30
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 4
        assert instance.run_retries_enabled
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert not instance.telemetry_enabled
        assert instance.get_tick_retention_settings(dg._core.scheduler.instigation.InstigatorType.SENSOR)


def test_a_run_whose_command_was_killed_is_closed_and_gives_its_slot_back(make_lake):
    lake = make_lake()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = process_tags()[PROCESS_TAG].rpartition(":")[0]
    with open_instance(lake) as instance:
        gone_run, ours, theirs = (
            add_run(instance, tags) for tags in ({PROCESS_TAG: f"{host}:{gone.pid}"}, process_tags(), {PROCESS_TAG: f"elsewhere:{gone.pid}"})
        )
        instance.event_log_storage.initialize_concurrency_limit_to_default("marts")
        assert instance.event_log_storage.claim_concurrency_slot("marts", gone_run.run_id, "step").is_claimed
        assert not instance.event_log_storage.claim_concurrency_slot("marts", ours.run_id, "step").is_claimed
    with open_instance(lake) as instance:
        assert instance.get_run_by_id(gone_run.run_id).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(ours.run_id).status == dg.DagsterRunStatus.STARTED
        assert instance.get_run_by_id(theirs.run_id).status == dg.DagsterRunStatus.STARTED
        assert instance.event_log_storage.claim_concurrency_slot("marts", ours.run_id, "step").is_claimed
        assert settle_lost_runs(lake, instance) == []


@pytest.mark.skipif(BEGUN_TAG not in process_tags(), reason="this system does not tell when a process began")
def test_a_process_with_the_pid_of_a_killed_one_is_not_taken_for_it(make_lake):
    """In a container with a fixed hostname every command has the same pid."""
    lake, ours = make_lake(), dict(process_tags())
    boot, _, ticks = ours[BEGUN_TAG].partition("/")
    with open_instance(lake) as instance:
        before = add_run(instance, {**ours, BEGUN_TAG: f"{boot}/{int(ticks) - 1}"})
        rebooted = add_run(instance, {**ours, BEGUN_TAG: f"another/{ticks}"})
        now = add_run(instance, ours)
        not_told = add_run(instance, {PROCESS_TAG: ours[PROCESS_TAG]})
        assert settle_lost_runs(lake, instance) == [r.run_id for r in reversed([before, rebooted])]
        assert {instance.get_run_by_id(r.run_id).status for r in (now, not_told)} == {dg.DagsterRunStatus.STARTED}


@pytest.mark.skipif(BEGUN_TAG not in process_tags(), reason="this system does not tell when a process began")
def test_a_process_says_the_same_of_itself_as_others_say_of_it():
    code = "from lakehouse.defs.lost import process_tags; print(*process_tags().values(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        told = other.stdout.readline().split()
        assert told == [f"{socket.gethostname()}:{other.pid}", lost._begun(other.pid)]
        other.communicate("\n")


def add_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    run = dg.DagsterRun(job_name="marts", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED, tags=dict(tags))
    instance.add_run(run)
    return run


def test_a_killed_command_leaves_no_run_behind_that_holds_a_pool(make_lake, tmp_path):
    lake = make_lake()
    script = (
        "import os, sys, dagster as dg\n"
        "from lakehouse.defs.instance import open_instance\n"
        "from lakehouse.defs.lost import process_tags\n"
        "from lakehouse.settings import open_lake\n"
        "@dg.asset(pool='marts')\n"
        "def stuck() -> None:\n"
        "    os.kill(os.getpid(), 9)\n"
        "with open_instance(open_lake(sys.argv[1])) as instance:\n"
        "    dg.Definitions([stuck], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()"
        ".execute_in_process(instance=instance, tags=dict(process_tags()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(lake.store.root)], capture_output=True, check=False, env=dict(os.environ), cwd=Path(tmp_path)
    )
    assert done.returncode == -9
    with open_instance(lake) as instance:
        assert [r.status for r in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
        assert instance.event_log_storage.get_concurrency_info("marts").claimed_slots == []
