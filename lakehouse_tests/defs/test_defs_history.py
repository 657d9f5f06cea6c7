"""The history that a command writes: the same as Dagster's own way writes, seen by others while it is written, and left as it was found."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the asset as types.

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from lakehouse.defs.history import kept_open

KEYS = ("a", "b", "c")
CHECKED = dg.AssetCheckSpec("sound", asset="told")


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(KEYS), backfill_policy=dg.BackfillPolicy.single_run(), check_specs=[CHECKED])
def told(context: dg.AssetExecutionContext) -> Any:
    """Tells three partitions, and a check."""
    for key in context.partition_keys:
        context.log_event(dg.AssetMaterialization("told", partition=key, metadata={"key": key}))
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="sound")])


@pytest.fixture
def home(tmp_path: Path) -> str:
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return str(tmp_path)


def run(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = dg.Definitions([told], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c"}
    return job.execute_in_process(instance=instance, tags=tags, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})


def seen(instance: dg.DagsterInstance, run_id: str) -> tuple[list[str], set[str], int, str]:
    """What a page of the UI reads: the events of the run, the partitions that are there, how many checks were told, how the run ended."""
    kinds = [e.dagster_event.event_type_value for e in instance.all_logs(run_id) if e.dagster_event is not None]
    partitions = instance.get_materialized_partitions(dg.AssetKey("told"))
    checks = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(dg.AssetKey("told"), "sound"), limit=10)
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
    return kinds, partitions, len(checks), record.dagster_run.status.value


def test_kept_connections_write_the_same_history(home, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.from_config(str(other)) as instance:
        plain = seen(instance, run(instance).run_id)
    with dg.DagsterInstance.from_config(home) as instance, kept_open(instance):
        kept = seen(instance, run_id := run(instance).run_id)
    with dg.DagsterInstance.from_config(home) as instance:
        assert seen(instance, run_id) == kept == plain
    assert plain[1] == set(KEYS)
    assert plain[2] == 1


def test_others_read_and_write_while_connections_are_kept(home):
    with dg.DagsterInstance.from_config(home) as ours, kept_open(ours), dg.DagsterInstance.from_config(home) as theirs:
        first = run(ours).run_id
        assert seen(theirs, first) == seen(ours, first)
        second = run(theirs).run_id
        assert {r.run_id for r in ours.get_runs()} == {first, second}
        told_by = [r.run_id for r in ours.fetch_materializations(dg.AssetKey("told"), limit=100).records]
        assert told_by.count(first) == told_by.count(second) > len(KEYS)


def test_threads_share_the_connections(home):
    keys = [f"{thread}-{number}" for thread in range(4) for number in range(10)]
    with dg.DagsterInstance.from_config(home) as instance, kept_open(instance):

        def tell(key: str) -> None:
            instance.report_runless_asset_event(dg.AssetMaterialization("told", partition=key))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(tell, keys))
        assert instance.get_materialized_partitions(dg.AssetKey("told")) == set(keys)


def test_a_killed_process_loses_nothing_that_it_told(home):
    script = (
        "import os, sys, dagster as dg\n"
        "from lakehouse.defs.history import kept_open\n"
        "with dg.DagsterInstance.from_config(sys.argv[1]) as instance, kept_open(instance):\n"
        "    instance.report_runless_asset_event(dg.AssetMaterialization('told', partition='b'))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, home], capture_output=True, check=False, env=dict(os.environ))
    assert done.returncode == -9
    with dg.DagsterInstance.from_config(home) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("told")) == {"b"}


def test_the_storage_is_left_as_it_was_and_another_one_is_left_alone(home):
    with dg.DagsterInstance.from_config(home) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, SqliteEventLogStorage)
        with kept_open(instance):
            assert "_connect" in vars(storage)
        assert "_connect" not in vars(storage)
        with pytest.raises(ZeroDivisionError), kept_open(instance):
            1 / 0  # noqa: B018  any error of the work
        assert "_connect" not in vars(storage)
    with dg.DagsterInstance.ephemeral() as instance, kept_open(instance):
        assert run(instance).success
