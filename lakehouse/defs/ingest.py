"""`ingest/<dataset>`: materializing it lands the new files of the dataset, and tells the partitions of `raw/<dataset>` that they touched."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.defs import catalogue, listen, retries
from lakehouse.defs.events import sentence, tell, tell_nothing_landed
from lakehouse.defs.metadata import dimension_metadata, ingest_metadata, raw_metadata, raw_version
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.resources import LakeResource
from lakehouse.landing.coverage import differing_days
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.steps.ingest import FileOutcome, IngestReport, ingest

_NAMED = 20  # files that a failure names; the others are in its metadata
_TOLD_DAYS = 366  # newly read days that one run looks through for partitions without a line, the newest


class IngestConfig(dg.Config):
    """What to take in."""

    paths: list[str] = Field(default=[], description="Files, folders or URLs. None: the inbox of the dataset.")


def build_ingest_asset(*, dataset: Dataset, source: FileSource) -> dg.AssetsDefinition:
    """What drains the files of a dataset into raw. A bad file is named, and the others go on."""
    key, contract = catalogue.ingest_key(dataset.name), dataset.contract

    @dg.asset(
        key=key,
        pool=catalogue.ingest_pool(dataset.name),  # two at once would land a file twice, which clean would have to remove again
        group_name=dataset.name,
        owners=list(contract.owners),
        tags=catalogue.tags_of(contract, "ingest"),
        kinds={"ingest", source.name},
        description=catalogue.ingest_description(dataset, source),
        metadata={"dagster/table_name": f"raw.{dataset.name}", "applications": ", ".join(source.applications)},
        code_version="1",
    )
    def ingest_files(context: dg.AssetExecutionContext, config: IngestConfig, lake: LakeResource) -> Iterator[Any]:
        with retries.faults(context):
            opened = lake.open()
            before = load_ledger(opened, dataset.name)
            report = ingest(opened, dataset, config.paths or None, run_id=context.run.run_id, progress=_advance)
            ledger = load_ledger(opened, dataset.name)
        listen.report(report)
        _tell_raw(context, dataset, ledger, report)
        _tell_empty(context, dataset, before, ledger)
        for version in report.dimensions:
            tell(context, catalogue.dimension_key(dataset.name, version.dimension), None, dimension_metadata(version), version=version.digest)
        _fail_for_bad_files(context, report)
        yield dg.MaterializeResult(metadata=ingest_metadata(report, ledger), data_version=dg.DataVersion(str(ledger.last_number)))

    return ingest_files


def build_dimension_specs(*, dataset: Dataset) -> list[dg.AssetSpec]:
    """The dimensions of a dataset: told by what ingests their files, never materialized by themselves."""
    return [
        dg.AssetSpec(
            catalogue.dimension_key(dataset.name, dimension.name),
            deps=[catalogue.ingest_key(dataset.name)],
            group_name=dataset.name,
            owners=list(dataset.contract.owners),
            tags=catalogue.tags_of(dataset.contract, "dimensions"),
            kinds={"parquet"},
            description=f"{dimension.description} Made of its files by `ingest/{dataset.name}`; each version has an account with its books.",
            metadata={"dagster/table_name": f"clean.{dataset.name}_{dimension.name}"},
            code_version=str(dimension.version),
        )
        for dimension in dataset.dimensions
    ]


def build_raw_spec(*, dataset: Dataset, calendar: Calendar, filled_by: dg.AssetKey | None) -> dg.AssetSpec:
    """Raw of a dataset that is read by position: told by what fills it, never materialized by itself."""
    told = (
        f"Filled by `{filled_by.to_user_string()}`: to read what is new, materialize that." if filled_by else "Landed by programs, not by an asset.",
        "A partition is materialized when lines of it landed, and observed when everything up to it was read and it has none.",
    )
    return dg.AssetSpec(
        catalogue.raw_key(dataset.name),
        deps=[filled_by] if filled_by else [],
        partitions_def=calendar.grains(dataset),
        group_name=dataset.name,
        owners=list(dataset.contract.owners),
        tags=catalogue.tags_of(dataset.contract, "raw"),
        kinds={"raw", "jsonl"},
        description=catalogue.raw_description(dataset, told),
        metadata={"dagster/table_name": f"raw.{dataset.name}"},
        code_version="1",
    )


def _tell_raw(context: dg.AssetExecutionContext, dataset: Dataset, ledger: Ledger, report: IngestReport) -> None:
    """Each partition in which lines landed: its totals beside what this run brought. Unplaced lines have no partition."""
    lines: Counter[str] = Counter()
    files: dict[str, set[int]] = {}
    for manifest in report.manifests:
        for part in manifest.parts:
            lines[part.grain] += part.lines
            files.setdefault(part.grain, set()).add(manifest.number)
    for key in sorted(lines):
        grain = Grain.parse(key)
        if grain.kind == "unplaced":
            continue
        brought = {"this_run_landed": lines[key], "this_run_manifests": ", ".join(map(str, sorted(files[key])))}
        tell(context, catalogue.raw_key(dataset.name), key, raw_metadata(ledger, grain) | brought, version=raw_version(ledger, grain))


def _tell_empty(context: dg.AssetExecutionContext, dataset: Dataset, before: Ledger, after: Ledger) -> None:
    """Days that are read now, from the first with lines up to the watermark, and have none: observed, because nothing landed there."""
    first = min((Grain.parse(key).date for key in after.parts if not key.startswith("unplaced")), default=None)
    read = {day for name, windows in after.coverage.items() for day in differing_days(before.coverage.get(name, ()), windows)}
    for day in sorted(day for day in read if first is not None and day > first)[-_TOLD_DAYS:]:
        grains = [Grain(day)] if dataset.contract.grain == "day" else [Grain(day, "hour", hour) for hour in range(24)]
        for grain in (grain for grain in grains if not after.parts.get(grain.key)):
            tell_nothing_landed(context, catalogue.raw_key(dataset.name), grain.key, raw_metadata(after, grain))


def _fail_for_bad_files(context: dg.AssetExecutionContext, report: IngestReport) -> None:
    """End this try as failed when a file could not be read; those that could have landed."""
    bad = {o.path: o.error for o in report.errors if isinstance(o.error, Exception)}
    listen.failures(bad)
    if bad:
        first = next(iter(bad.values()))
        more = ", ..." if len(bad) > _NAMED else ""
        told = f"{len(bad)} of {len(report.outcomes)} files could not be read: {', '.join(list(bad)[:_NAMED])}{more}. {sentence(first)}"
        retries.fail(context, dg.Failure(told, metadata={path: sentence(error) for path, error in bad.items()}), list(bad.values()))


def _advance(outcome: FileOutcome, done: int, total: int) -> None:
    listen.advance(outcome.name, done, total)
