"""Automation of clean -> marts. Raw -> clean is not here: it is driven by what was landed, see `reconcile`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.switches import sensor_status


def after_clean(dataset: str, dimensions: Sequence[dg.AssetKey] = ()) -> dg.AutomationCondition[Any]:
    """A mart that reads clean is asked for a day whenever clean of that day was built, no matter how old the day is, and for
    every day when one of its dimensions has another version.

    It prevents, in the order of its terms: a late day that a "latest window" would leave out; an update that lands while the run is under way and is
    forgotten when the run ends (`since_last_handled` would); one that comes in the very tick after the request, where the reset would win;
    a run for a day that clean does not have, or is just building.
    """
    clean = dg.AssetSelection.assets(catalogue.clean_key(dataset))
    condition = dg.AutomationCondition
    read = dg.AssetSelection.assets(catalogue.clean_key(dataset), *dimensions)
    updated = condition.newly_missing() | condition.any_deps_updated().allow(read)
    return (
        updated.since(condition.newly_requested() & ~condition.any_deps_updated().allow(read))
        & ~condition.any_deps_missing().allow(clean)
        & ~condition.any_deps_in_progress().allow(clean)
        & ~condition.in_progress()
    ).with_label(f"clean/{dataset} of the day was built")


def with_parents() -> dg.AutomationCondition[Any]:
    """A mart that reads other marts is asked for together with them, in the same run."""
    return dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested()).with_label("a mart that it reads is asked for")


def build_marts_sensor(*, dataset: Dataset, models: Sequence[str]) -> dg.AutomationConditionSensorDefinition:
    """The sensor that looks at these conditions, said aloud so that the UI shows whether it runs."""
    return dg.AutomationConditionSensorDefinition(
        f"{dataset.name}_marts_automation",
        target=dg.AssetSelection.assets(*(catalogue.mart_key(m) for m in models)),
        minimum_interval_seconds=30,
        default_status=sensor_status(),
        description=f"Publishes the marts of {dataset.name} for every day whose clean table was built.",
        run_tags={"lakehouse/dataset": dataset.name},
    )
