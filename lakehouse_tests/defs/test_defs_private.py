"""What Dagster calls private: it is in two modules, has no public way yet, and is what Dagster itself writes."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the assets as types.

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import lakehouse
from lakehouse.defs import private
from lakehouse.defs.private import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    PartitionKeyFilter,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
    version_tags,
)

PARTITIONS = dg.StaticPartitionsDefinition(["a", "b"])
UP, DOWN = dg.AssetKey("up"), dg.AssetKey("down")


@dg.asset
def up() -> Any:
    """Names its content."""
    return dg.MaterializeResult(data_version=dg.DataVersion("seven"))


@dg.asset(
    deps=[up],
    code_version="c1",
    partitions_def=PARTITIONS,
    check_specs=[dg.AssetCheckSpec("sound", asset="down", partitions_def=PARTITIONS)],
)
def down():
    """One partition, and a check of it."""
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="sound")])


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """Both were materialized by Dagster's own way, `down` for the partition a."""
    with dg.DagsterInstance.ephemeral() as made:
        job = dg.Definitions([up, down], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        assert job.execute_in_process(instance=made, asset_selection=[UP], run_config=quiet).success
        assert job.execute_in_process(instance=made, asset_selection=[DOWN], partition_key="a", run_config=quiet).success
        yield made


def newest(instance: dg.DagsterInstance, key: dg.AssetKey) -> Any:
    return instance.fetch_materializations(key, limit=1).records[0]


def test_only_two_modules_import_what_dagster_calls_private() -> None:
    root = Path(lakehouse.__file__).parent
    found = {p.relative_to(root).as_posix() for p in root.rglob("*.py") if re.search(r"\bdagster\._", p.read_text())}
    assert found == {"defs/history.py", "defs/private.py"}


def test_none_of_it_has_a_public_name_yet() -> None:
    public = sorted(name for name in (*private.__all__, "SqliteEventLogStorage") if hasattr(dg, name))
    assert public == [], "Dagster has made these public: import them from there, and take them out of lakehouse/defs/private.py."


def test_versions_are_written_as_dagster_writes_them(instance: dg.DagsterInstance) -> None:
    tags = newest(instance, UP).asset_materialization.tags
    assert version_tags("seven").items() <= tags.items()


def test_inputs_are_written_as_dagster_writes_them(instance: dg.DagsterInstance) -> None:
    tags = newest(instance, DOWN).asset_materialization.tags
    assert tags[private.CODE_VERSION_TAG] == "c1"
    assert tags[get_input_data_version_tag(UP)] == "seven"
    assert tags[get_input_event_pointer_tag(UP)] == str(newest(instance, UP).storage_id)


def test_a_check_counts_against_the_materialization_that_it_names(instance: dg.DagsterInstance) -> None:
    def history(partition: str) -> Any:
        return instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(DOWN, "sound"), limit=1, status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
            partition_filter=PartitionKeyFilter(key=partition),
        )  # fmt: skip

    (record,) = history("a")
    made = newest(instance, DOWN)
    target = private.AssetCheckEvaluationTargetMaterializationData(run_id=made.run_id, storage_id=made.storage_id, timestamp=made.timestamp)
    assert record.evaluation.target_materialization_data == target
    assert history("b") == []


def test_the_runs_of_a_backfill_and_running_sensors_are_told_by_these_words() -> None:
    assert private.BACKFILL_ID_TAG == "dagster/backfill"
    assert {status.value for status in private.InstigatorStatus} >= {"RUNNING", "STOPPED"}
