"""`lakehouse ingest`: land the files that wait in a dataset's inbox, or that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from lakehouse.cli.output import facts, hint, print_json
from lakehouse.cli.session import JsonOption, LakeOption, open_for_writing

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake
    from lakehouse.steps.ingest import IngestReport


def ingest(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Whose files they are.", show_default=False)],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH...]", help="Files, folders or URLs such as s3://bucket/plays/. Default: the inbox.", show_default=False),
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Then build the days that are stale and publish the marts.", show_default=False)] = False,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Land new files: each becomes one manifest, and its lines go to the days of their own times.

    It materializes ingest/<dataset> in Dagster's history, as the sensor does. The inbox is inbox/<dataset> in the lake, or what lake.json names. A
    file whose content landed before is left alone, so it is safe to run again; files are never changed or moved. A file that cannot be read is
    named, the others go on, and the exit code is 1 (3 where another try may help).

    Example:  [bold]lakehouse ingest listening --build[/]     [bold]lakehouse ingest listening exports/2018-11.csv.gz[/]
    """
    from lakehouse.cli.building import build_stale
    from lakehouse.cli.exits import code_of_all
    from lakehouse.cli.work import Failed, advancing, ingested, runs, show_ingested
    from lakehouse.datasets.registry import find_dataset
    from lakehouse.defs.run import materialize_ingest
    from lakehouse.sources.files.inbox import file_source

    chosen = find_dataset(dataset)
    file_source(chosen)
    opened = open_for_writing(ctx, lake)
    with advancing("ingesting", quiet=as_json) as advance:
        done = materialize_ingest(opened, chosen, paths or (), advance=advance)
    if not done.reports:
        done.raise_for_failures()
    result: dict[str, Any] = {"runs": runs(done), "ingest": ingested(done.reports)}
    if not as_json:
        show_ingested(done.reports, facts())
        _say_what_is_odd(opened, chosen, done.reports)
    failed = Failed()
    if build:
        built, failed = build_stale(opened, chosen, quiet=as_json)
        result |= built
    failed = failed.after([f"{path}: {error}" for path, error in done.failures.items()], code_of_all(done.failures.values()))
    if as_json:
        print_json(result | {"errors": failed.words})
    failed.end("What failed")
    if not build and not as_json and (result["ingest"]["manifests"] or result["ingest"]["dimensions"]):
        hint(f"build what landed: lakehouse replay --stale --dataset {dataset}   (or leave it to the sensor: lakehouse dev --sensors)")


def _say_what_is_odd(lake: Lake, dataset: Dataset, reports: Sequence[IngestReport]) -> None:
    """What is no failure, and yet may not be what the person meant: files written anew, files of other names, lines without a place."""
    from lakehouse.landing.ledger import load_ledger

    name = dataset.name
    if again := [o.path for r in reports for o in r.outcomes if o.rewritten]:
        told = f"{len(again):,} files were read before with other content: what was in them then stays, and lines that are the same count once"
        hint(f"{told} (docs/operations.md, Ingest). The first: {escape(again[0])}")
    if aside := [path for r in reports for path in r.aside]:
        told = f"{len(aside):,} files are left where they are: no feed of {name} takes files of such names. The first: {aside[0]}"
        hint(f"{escape(told)}   Which it takes: lakehouse doctor --source --dataset {name}")
    if lost := sum(m.books.unplaced for r in reports for m in r.manifests):
        expired = "is of a day whose raw has expired, " if load_ledger(lake, name).sealed else ""
        told = f"{lost:,} lines have no place: their time cannot be read, {expired}{lake.times_without_place(name, dataset.contract.history)}."
        hint(f"{escape(told)} Once the day is built: lakehouse quarantine list --dataset {name}")
