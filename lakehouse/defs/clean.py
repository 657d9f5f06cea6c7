"""`clean/<dataset>` and `quarantine/<dataset>`: one build makes both."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue, listen
from lakehouse.defs.checks import check_specs, refusal, results_of
from lakehouse.defs.events import PartitionRun
from lakehouse.defs.metadata import clean_metadata, quarantine_metadata
from lakehouse.defs.partitions import Calendar, days_of_grains
from lakehouse.defs.resources import LakeResource
from lakehouse.errors import AuditError
from lakehouse.steps.build import SealedDayError, build_days
from lakehouse.steps.checks import BLOCKING

DAYS_PER_RUN = 31


class CleanConfig(dg.Config):
    """How to build."""

    engine: str | None = Field(default=None, description="Engine instead of the dataset's own.")
    force: bool = Field(default=False, description="Build every grain anew, though its inputs are the same. A sealed day fails.")
    keep_sealed: bool = Field(default=False, description="Leave a sealed day as it was built. Always so in a run or a backfill of several days.")


def build_clean_asset(*, dataset: Dataset, calendar: Calendar, engine: str) -> dg.AssetsDefinition:
    """The clean table of a dataset. A day that fails stays red, its neighbours do not."""
    key, days, contract = catalogue.clean_key(dataset.name), calendar.days, dataset.contract

    @dg.asset(
        key=key,
        deps=[dg.AssetDep(catalogue.raw_key(dataset.name), partition_mapping=days_of_grains())],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=DAYS_PER_RUN),
        check_specs=check_specs(dataset=dataset, partitions=days),
        output_required=False,  # a run of many days tells each by itself, see `events`
        group_name=dataset.name,
        owners=list(contract.owners),
        tags=catalogue.tags_of(contract, "clean"),
        kinds={"clean", engine, "delta"},
        description=catalogue.clean_description(dataset),
        metadata=catalogue.table_metadata(dataset, "clean"),
        code_version=f"{contract.version}.{contract.transform_version}",
        # A lake whose clock stands still cannot become stale.
        freshness_policy=None if calendar.clock else dg.FreshnessPolicy.time_window(fail_window=max(contract.freshness, dt.timedelta(minutes=1))),
    )
    def clean(context: dg.AssetExecutionContext, config: CleanConfig, lake: LakeResource) -> Iterator[Any]:
        run = PartitionRun(context, key)
        keep_sealed = not config.force and (config.keep_sealed or run.of_many)
        with run.faults():
            opened = lake.open()
        left = run.to_do()
        wanted = [dt.date.fromisoformat(day) for day in left]
        with build_days(opened, dataset, wanted, engine=config.engine, force=config.force, progress=context.log.info) as builds:
            for number, (day, build) in enumerate(zip(left, builds, strict=True), start=1):
                with run.partition(day):
                    try:
                        report = build()
                    except AuditError as error:
                        run.checked(day, refusal(error), BLOCKING)
                        raise
                    except SealedDayError as error:
                        if not keep_sealed:
                            raise
                        yield from run.kept(day, error.why)
                    else:
                        version = str(report.build.fingerprint)
                        yield from run.materialized(day, clean_metadata(opened, dataset, report, context.log.warning), version=version)
                        aside = quarantine_metadata(opened, report, context.log.warning)
                        run.beside(catalogue.quarantine_key(dataset.name), day, aside, version=version)
                        run.checked(day, results_of(report.checks), BLOCKING)
                        listen.report(report)
                listen.advance(f"{dataset.name} {day}", number, len(left))
        yield from run.finish()

    return clean


def build_quarantine_spec(*, dataset: Dataset, calendar: Calendar) -> dg.AssetSpec:
    """The quarantine of a dataset: made by the run that builds clean, which tells it here."""
    return dg.AssetSpec(
        catalogue.quarantine_key(dataset.name),
        deps=[dg.AssetDep(catalogue.raw_key(dataset.name), partition_mapping=days_of_grains())],
        partitions_def=calendar.days,
        group_name=dataset.name,
        owners=list(dataset.contract.owners),
        tags=catalogue.tags_of(dataset.contract, "quarantine"),
        kinds={"quarantine", "parquet"},
        description=catalogue.quarantine_description(dataset),
        metadata=catalogue.table_metadata(dataset, "quarantine"),
        code_version=f"{dataset.contract.version}.{dataset.contract.transform_version}",
    )
