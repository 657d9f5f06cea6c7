"""What Dagster calls private, and what version 1.13 has no public way to; a test watches each. That of its SQLite storage is in `defs.history`.

Data versions, because an event that we log ourselves takes tags and no `data_version`, and without the tags of its inputs the UI calls a partition
out of sync. The target of a check evaluation, because a result counts only against the materialization that it names. The filter by partition and the
finished statuses of the history of a check, the tag of a backfill's runs, the state of a sensor: for each there is a way in and no public name.
"""

from __future__ import annotations

from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.scheduler.instigation import InstigatorStatus
from dagster._core.storage.asset_check_execution_record import COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
from dagster._core.storage.tags import BACKFILL_ID_TAG

__all__ = [
    "BACKFILL_ID_TAG",
    "CODE_VERSION_TAG",
    "COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES",
    "DATA_VERSION_TAG",
    "AssetCheckEvaluationTargetMaterializationData",
    "InstigatorStatus",
    "PartitionKeyFilter",
    "get_input_data_version_tag",
    "get_input_event_pointer_tag",
    "version_tags",
]


def version_tags(version: str) -> dict[str, str]:
    """The tags by which a materialization says of which content it is, as `MaterializeResult(data_version=...)` writes them."""
    return {DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
