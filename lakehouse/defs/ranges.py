"""What the sensors share: stretches of partitions, tags of a run over a range, who runs now, who has failed how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import dagster as dg

from lakehouse.defs.resources import LakeResource
from lakehouse.settings import Lake
from lakehouse.storage import FAULTS, told

Answer = TypeVar("Answer")

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
ATTEMPTS = 3
_NAMED = 5
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def stretches(keys: Iterable[str], all_keys: Sequence[str], most: int) -> list[list[str]]:
    """Partition keys as stretches without holes, none longer than `most`, in the order of `all_keys`. Keys that are no partition are left out."""
    wanted = set(keys)
    found: list[list[str]] = []
    previous = -2
    for index, key in enumerate(all_keys):
        if key in wanted:
            if index == previous + 1 and len(found[-1]) < most:
                found[-1].append(key)
            else:
                found.append([key])
            previous = index
    return found


def named(what: Sequence[str]) -> str:
    """The first of many by name, and how many more."""
    return ", ".join(what[:_NAMED]) + (f" and {len(what) - _NAMED} more" if len(what) > _NAMED else "")


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """The tags that make a run one over these partitions."""
    return {RANGE_START: keys[0], RANGE_END: keys[-1]}


def running(instance: dg.DagsterInstance, asset: dg.AssetKey) -> str | None:
    """The id of an unfinished run that makes this asset, whoever launched it; None when there is none. A run without a selection makes all assets."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if not run.asset_selection or asset in run.asset_selection:
            return run.run_id
    return None


def look_unless_running(
    instance: dg.DagsterInstance, asset: dg.AssetKey, doing: str, lake: LakeResource, look: Callable[[Lake], Answer]
) -> Answer | dg.SkipReason:
    """What a sensor that asks for runs of an asset answers: what `look` says of the lake, but nothing while a run makes the asset.

    `doing`: what such a run does, in words. A lake that cannot be read is said so and looked at again next time; the cursor stays.
    """
    run = running(instance, asset)
    if run is not None:
        return dg.SkipReason(f"Run {run[:8]} {doing} now.")
    try:
        return look(lake.open())
    except FAULTS as error:
        return dg.SkipReason(f"Cannot look: {told(error)}")


def failures(instance: dg.DagsterInstance, tag: str, value: str) -> int:
    """How many runs with this tag have failed; canceled ones do not count, somebody wanted that."""
    return instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={tag: value}))
