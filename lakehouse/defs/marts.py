"""`marts/<model>`: one dbt build makes all marts of a dataset, and publishes them as one version."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue, listen
from lakehouse.defs.automation import after_clean, with_parents
from lakehouse.defs.charts import RECENT_DAYS
from lakehouse.defs.events import MartRun
from lakehouse.defs.metadata import mart_metadata, shown_or_why, tests_metadata
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.resources import LakeResource
from lakehouse.marts.records import MartsRefusedError
from lakehouse.marts.specs import MartSpec
from lakehouse.operations.report import trends_of
from lakehouse.steps.publish import publish_marts

TESTS = "dbt_tests"


class MartsConfig(dg.Config):
    """How to publish."""

    force: bool = Field(default=False, description="Build the marts of these days although nothing they are made of has changed.")
    also: list[str] = Field(default=[], description="Other days to publish in the same version; they are not told as partitions of this run.")


def build_marts_asset(*, dataset: Dataset, calendar: Calendar, specs: Sequence[MartSpec]) -> dg.AssetsDefinition:
    """All marts of a dataset. Whichever are asked for, all are published together, and all are told.

    The asset can be asked for in part although the work is always whole: a multi-asset that cannot is refused by UI backfills when its assets depend
    on each other (`TimeWindowPartitionsSubset` defines `==` and not `!=`, dagster 1.13.27).
    """

    @dg.multi_asset(
        name=f"marts__{dataset.name}",
        specs=[_spec(dataset, calendar, spec) for spec in specs],
        check_specs=[
            dg.AssetCheckSpec(
                TESTS, asset=catalogue.mart_key(s.name), description=f"{len(s.tests)} tests of dbt, passed before anything is published."
            )
            for s in specs
        ],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="marts",  # one DuckDB writer; a second build would be thrown away when it comes to publishing
        group_name=dataset.name,
    )
    def marts(context: dg.AssetExecutionContext, config: MartsConfig, lake: LakeResource) -> Iterator[Any]:
        days = sorted({dt.date.fromisoformat(key) for key in (*context.partition_keys, *config.also)})
        run = MartRun(context)
        with run.faults():
            try:
                opened = lake.open()
                report = publish_marts(opened, dataset, days, force=config.force, progress=context.log.info)
            except MartsRefusedError as error:  # nothing was published; which tests were red is told all the same
                for spec in specs:
                    run.checked(catalogue.mart_key(spec.name), TESTS, **tests_metadata(spec, error.tests))
                raise
        listen.report(report)
        trends, missing = shown_or_why("charts", lambda: trends_of(opened, dataset, days=RECENT_DAYS), context.log.warning)
        for spec in specs:
            yield from run.materialized(catalogue.mart_key(spec.name), mart_metadata(spec, report, trends or ()) | missing)
            run.checked(catalogue.mart_key(spec.name), TESTS, **tests_metadata(spec, report.tests))

    return marts


def _spec(dataset: Dataset, calendar: Calendar, spec: MartSpec) -> dg.AssetSpec:
    read = [catalogue.clean_key(dataset.name)] if spec.sources else []
    read += [catalogue.quarantine_key(dataset.name)] if "quarantine" in spec.sources else []
    dimensions = [catalogue.dimension_key(dataset.name, d.name) for d in dataset.dimensions if d.name in spec.sources]
    return dg.AssetSpec(
        catalogue.mart_key(spec.name),
        deps=[*read, *dimensions, *(catalogue.mart_key(name) for name in spec.depends_on)],
        partitions_def=calendar.days,
        description=catalogue.mart_description(spec),
        metadata=catalogue.mart_definition(spec),
        owners=list(dataset.contract.owners),
        tags={**catalogue.tags_of(dataset.contract, "marts"), "area": spec.area},
        kinds={"duckdb", "dbt"},
        automation_condition=after_clean(dataset.name, dimensions) if spec.sources else with_parents(),
        skippable=True,
        code_version=catalogue.mart_version(spec),
    )
