"""Events of partitions of raw that no run of Dagster's made. Unplaced lines have no partition, and so no event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.landing.ledger import Ledger


def raw_materialized(instance: dg.DagsterInstance, dataset: Dataset, ledger: Ledger, grain: Grain, why: Mapping[str, Any]) -> None:
    """This partition says something else now: its totals, beside what happened to it (`why`)."""
    from lakehouse.defs.metadata import raw_metadata, raw_version
    from lakehouse.defs.private import version_tags

    if grain.kind != "unplaced":
        tags, metadata = version_tags(raw_version(ledger, grain)), {**raw_metadata(ledger, grain), **why}
        instance.report_runless_asset_event(dg.AssetMaterialization(tags=tags | _tags(dataset), metadata=metadata, **_place(dataset, grain)))


def raw_observed(instance: dg.DagsterInstance, dataset: Dataset, grain: Grain, what: Mapping[str, Any]) -> None:
    """Something happened to this partition (`what`), and it says what it said before."""
    if grain.kind != "unplaced":
        instance.report_runless_asset_event(dg.AssetObservation(tags=_tags(dataset), metadata=what, **_place(dataset, grain)))


def _place(dataset: Dataset, grain: Grain) -> dict[str, Any]:
    return {"asset_key": catalogue.raw_key(dataset.name), "partition": grain.key}


def _tags(dataset: Dataset) -> dict[str, str]:
    return {"lakehouse/dataset": dataset.name}
