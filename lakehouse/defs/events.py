"""What a run tells Dagster, partition by partition.

A run of many partitions must not be all or nothing: each partition gets its own materialization and check results as soon as it is done, and one
`Failure` at the end names those that went wrong. For that the events are logged by us: Dagster's own would come at the end, for all partitions
alike, and would push the check results from the page, because a check counts only against the newest materialization of its partition.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_shared.record import replace

from lakehouse.defs import listen, retries
from lakehouse.defs.private import (
    BACKFILL_ID_TAG,
    CODE_VERSION_TAG,
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    DATA_VERSION_TAG,
    AssetCheckEvaluationTargetMaterializationData,
    PartitionKeyFilter,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
    version_tags,
)
from lakehouse.storage import FAULTS, told

Metadata = Mapping[str, Any]
_NAMED = 20  # partitions that a failure names; the others are in its metadata and on the page of the asset


class PartitionRun:
    """One run of one asset over its partitions. Use `with run.partition(key)` around each, and `yield from run.finish()` at the end."""

    def __init__(self, context: dg.AssetExecutionContext, asset: dg.AssetKey) -> None:
        self._context, self._asset = context, asset
        self.keys: Sequence[str] = list(context.partition_keys)
        self._failed: dict[str, Exception] = {}
        self._inputs = self._input_tags()

    @contextlib.contextmanager
    def partition(self, key: str) -> Iterator[None]:
        """A fault of this partition is written down and does not reach its neighbours."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  whatever it is, it is told at the end, by `finish`
            self._failed[key] = error
            self._context.log.error(f"{self._asset.to_user_string()} {key} failed: {sentence(error)}")

    @property
    def of_many(self) -> bool:
        """Whether this partition is one of several that were asked for: of a range, or of a backfill, whose last run may be of one."""
        return len(self.keys) > 1 or BACKFILL_ID_TAG in self._context.run.tags

    def kept(self, key: str, why: str) -> Iterator[dg.MaterializeResult[Any]]:
        """This partition stays as it was made before, and nothing is wrong with that: what was told of it then is told again, and why.

        A backfill would take a partition that is not materialized for one that failed.
        """
        self._context.log.info(f"{self._asset.to_user_string()} {key} is kept as built: {why}")
        listen.kept(key, why)
        wanted = dg.AssetRecordsFilter(asset_key=self._asset, asset_partitions=[key])
        before = next(iter(self._context.instance.fetch_materializations(wanted, limit=1).records), None)
        told = before.asset_materialization if before is not None else None
        metadata, tags = (told.metadata, told.tags or {}) if told is not None else ({}, {})
        yield from self.materialized(key, {**metadata, "kept_as_built": why}, version=tags.get(DATA_VERSION_TAG, "kept"))
        self._verdicts_again(key)

    def _verdicts_again(self, key: str, why: str | None = None) -> None:
        """Tell the newest verdict of each check again: what was built before stands, and a check that this run planned would count as failed.

        Not that of a check which this run has answered. `why` it is told again is put before its description.
        """
        target = newest_materialization(self._context.instance, self._asset, key)
        for check in self._context.selected_asset_check_keys:
            records = self._context.instance.event_log_storage.get_asset_check_execution_history(
                check, limit=1, status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES, partition_filter=PartitionKeyFilter(key=key)
            )
            for record in records:
                if record.evaluation is not None and record.run_id != self._context.run.run_id:
                    told = (
                        record.evaluation if why is None else replace(record.evaluation, description=f"{why} {record.evaluation.description or ''}")
                    )
                    self._context.log_event(replace(told, target_materialization_data=target))

    def materialized(self, key: str, metadata: Metadata, *, version: str) -> Iterator[dg.MaterializeResult[Any]]:
        """This partition is there. `version` names its content: whoever was made of the same content stays in sync."""
        if len(self.keys) == 1:  # Dagster's own event, on which assets further down in the same run wait
            yield dg.MaterializeResult(asset_key=self._asset, metadata=metadata, data_version=dg.DataVersion(version))
            return
        if self._told_before(key):
            return
        tags = {**version_tags(version), **self._inputs}
        self._context.log_event(dg.AssetMaterialization(self._asset, partition=key, metadata=metadata, tags=tags))

    def beside(self, asset: dg.AssetKey, key: str, metadata: Metadata, *, version: str) -> None:
        """The same work also made this partition of another asset."""
        tags = {DATA_VERSION_TAG: version}
        self._context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=metadata, tags=tags))

    def checked(self, key: str, checks: Sequence[dg.AssetCheckResult], blocking: frozenset[str] = frozenset()) -> None:
        """Check results of this partition."""
        target = newest_materialization(self._context.instance, self._asset, key)
        for check in checks:
            self._context.log_event(evaluation(self._asset, check, target=target, partition=key, blocking=check.check_name in blocking))

    def failed(self, key: str, error: Exception) -> None:
        """This partition went wrong; its neighbours go on."""
        with self.partition(key):
            raise error

    def left_out(self, keys: Iterable[str], error: Exception) -> None:
        """These partitions were not tried, all for the same reason."""
        self._failed |= dict.fromkeys(keys, error)

    def faults(self) -> contextlib.AbstractContextManager[None]:
        """Around work that all partitions share."""
        return retries.faults(self._context)

    def to_do(self) -> list[str]:
        """The partitions that this try is for: after a retry those that were good the first time are not asked for again."""
        return [key for key in self.keys if not self._told_before(key)]

    def finish(self) -> Iterator[dg.Output[None]]:
        """Close the checks, or end with the one `Failure` that names the partitions that went wrong (see `retries.fail`)."""
        listen.failures(self._failed)
        if self._failed:
            for key in self._failed:
                self._verdicts_again(key, "Of the build that still stands:")
            faults = list(self._failed.values())
            more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
            failure = dg.Failure(
                f"{len(faults)} of {len(self.keys)} partitions failed: {', '.join(list(self._failed)[:_NAMED])}{more}. {sentence(faults[0])}",
                metadata={key: sentence(error) for key, error in self._failed.items()},
            )
            retries.fail(self._context, failure, faults)
        for check in self._context.selected_asset_check_keys:  # their results were logged; the outputs are what runs wait for
            yield dg.Output(None, output_name=self._context.assets_def.get_output_name_for_asset_check_key(check))

    def _told_before(self, key: str) -> bool:
        """After a retry the partitions that were good the first time are not told twice."""
        if not self._context.retry_number:
            return False
        newest = newest_materialization(self._context.instance, self._asset, key)
        return newest is not None and newest.run_id == self._context.run.run_id

    def _input_tags(self) -> dict[str, str]:
        """What this asset is being made of, in the way that Dagster writes it down: without that the UI calls the partition out of sync."""
        node = self._context.assets_def
        tags = {CODE_VERSION_TAG: node.code_versions_by_key.get(self._asset) or self._context.run.run_id}
        for dep in node.asset_deps[self._asset]:
            records = self._context.instance.fetch_materializations(dep, limit=1).records
            materialization = records[0].asset_materialization if records else None
            versions = materialization.tags or {} if materialization else {}
            tags[get_input_data_version_tag(dep)] = versions.get(DATA_VERSION_TAG, "INITIAL")
            tags[get_input_event_pointer_tag(dep)] = str(records[0].storage_id) if records else "NULL"
        return tags


class MartRun:
    """One run of the marts of a dataset: one work for all of its partitions and for all models, also those that were not selected."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context

    def faults(self) -> contextlib.AbstractContextManager[None]:
        """Around the work."""
        return retries.faults(self._context)

    def materialized(self, asset: dg.AssetKey, metadata: Metadata) -> Iterator[dg.MaterializeResult[Any]]:
        """These partitions of a mart are published. A mart that nobody selected was published all the same."""
        if asset in self._context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=asset, metadata=metadata)
            return
        for key in self._context.partition_keys:
            self._context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=metadata))

    def checked(self, asset: dg.AssetKey, name: str, *, passed: bool, description: str, metadata: Metadata) -> None:
        """The result of a check of the whole mart."""
        result = dg.AssetCheckResult(check_name=name, passed=passed, description=description, metadata=metadata)
        self._context.log_event(evaluation(asset, result))


def tell(context: dg.AssetExecutionContext, asset: dg.AssetKey, key: str | None, metadata: Metadata, *, version: str) -> None:
    """A partition of an asset that is not this run's own (None: of one that has none) is there because of it. `version` names its content."""
    context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=metadata, tags=version_tags(version)))


def tell_nothing_landed(context: dg.AssetExecutionContext, asset: dg.AssetKey, key: str, metadata: Metadata) -> None:
    """A partition of an asset that is not this run's own was looked at, and holds nothing."""
    context.log_event(dg.AssetObservation(asset, partition=key, metadata=metadata))


def newest_materialization(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> AssetCheckEvaluationTargetMaterializationData | None:
    """The newest materialization of a partition, in the form that a check result points with; None where there is none."""
    records = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition]), limit=1).records
    if not records:
        return None
    return AssetCheckEvaluationTargetMaterializationData(run_id=records[0].run_id, storage_id=records[0].storage_id, timestamp=records[0].timestamp)


def evaluation(
    asset: dg.AssetKey,
    check: dg.AssetCheckResult,
    *,
    target: AssetCheckEvaluationTargetMaterializationData | None = None,
    partition: str | None = None,
    blocking: bool = False,
) -> Any:
    """A check result as an event of its own, which `AssetCheckResult` cannot be for one partition of a run of many."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=str(check.check_name),
        passed=check.passed,
        severity=check.severity,
        description=check.description,
        metadata=check.metadata,
        target_materialization_data=target,
        blocking=blocking,
        partition=partition,
    )


def sentence(error: Exception) -> str:
    """What may be told of a fault. A library's own words can quote the data, which must not reach logs or metadata: then only where it was."""
    if isinstance(error, FAULTS):
        return told(error)
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at " + " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames[-4:]))
