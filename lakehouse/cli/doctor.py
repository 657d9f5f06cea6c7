"""`lakehouse doctor`: is everything in place, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, print_json
from lakehouse.cli.session import CheckedDatasetsOption, JsonOption, LakeOption, open_for_looking, open_for_reading, pick_dataset
from lakehouse.findings import Finding
from lakehouse.storage import FAULTS, told

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake

_WRONG_FILES = 5  # shown by name
_MARKS = {"good": "[green]✓[/]", "note": "[yellow]![/]", "bad": "[bold red]✗[/]"}


def doctor(
    ctx: typer.Context,
    source: Annotated[
        bool, typer.Option("--source", help="Look at the source instead: credentials, delegation, scope, quota, one live record.", show_default=False)
    ] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Delete orphans: files older than a day that nothing names.", show_default=False)] = False,
    dataset: CheckedDatasetsOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Is everything in place: versions, the lake's format, the token key, disk, committed files, dimensions, Dagster's home, sensors, pools, orphans.

    Every note and fault says what to do about it. With --source it asks the source itself, as the first fetch would, and shows one record without its
    values; of files it tells what lies in the inbox. Exits with 1 when something is wrong; a note is no fault.

    Example:  [bold]lakehouse doctor[/]     [bold]lakehouse doctor --source[/]     [bold]lakehouse doctor --clear[/]
    """
    # The source is asked before there is a lake: it is the first thing that a new user does.
    opened = open_for_looking(ctx, lake) if source else open_for_reading(ctx, lake)
    found = list(_source(opened, dataset) if source else _house(opened, dataset, clear=clear))
    if as_json:
        print_json(found)
    else:
        _show(found)
    if any(one.state == "bad" for one in found):
        raise typer.Exit(ExitCode.DATA)


def _source(lake: Lake, dataset: str | None) -> Iterator[Finding]:
    from lakehouse.cli.simulated import serving
    from lakehouse.operations.sources import inspect_source

    chosen = pick_dataset(lake, dataset)
    with serving(lake, chosen):
        yield from inspect_source(lake, chosen)


def _house(lake: Lake, name: str | None, *, clear: bool) -> Iterator[Finding]:
    from lakehouse.datasets.registry import all_datasets
    from lakehouse.landing.orphans import clear_orphans
    from lakehouse.operations.health import findings
    from lakehouse.operations.orphans import orphans

    chosen = all_datasets() if name is None else [pick_dataset(lake, name)]
    yield from findings(lake)
    for dataset in chosen:
        try:
            yield from _files(lake, dataset)
            found = orphans(lake, dataset)
        except FAULTS as error:
            yield Finding(f"{dataset.name}", "bad", told(error))
            continue
        size = sum(e.size for e in found)
        if not found:
            yield Finding(f"orphans of {dataset.name}", "good", "none")
        elif clear:
            freed = clear_orphans(lake.store, found)
            yield Finding(f"orphans of {dataset.name}", "good", f"{len(found):,} files deleted, {freed:,} bytes freed")
        else:
            first = found[0].path
            yield Finding(f"orphans of {dataset.name}", "note", f"{len(found):,} files, {size:,} bytes, such as {first}", "lakehouse doctor --clear")
    yield from _dagster(lake)


def _files(lake: Lake, dataset: Dataset) -> Iterator[Finding]:
    from lakehouse.tables.committed import damaged_files
    from lakehouse.tables.dimensions import current_dimensions, damaged_tables

    wrong = damaged_files(lake, dataset.contract)
    wrong += [error for version in current_dimensions(lake, dataset).values() for error in damaged_tables(lake, version)]
    name = f"files of {dataset.name}"
    if not wrong:
        yield Finding(name, "good", "all that committed builds and dimensions name are there, whole")
    for error in wrong[:_WRONG_FILES]:
        yield Finding(name, "bad", str(error))
    if len(wrong) > _WRONG_FILES:
        yield Finding(name, "bad", f"{len(wrong) - _WRONG_FILES:,} more")


def _dagster(lake: Lake) -> Iterator[Finding]:
    from lakehouse.defs.health import inspect_instance

    try:
        yield from inspect_instance(lake)
    except FAULTS as error:
        yield Finding("dagster", "bad", told(error))


def _show(found: Sequence[Finding]) -> None:
    console = facts()
    width = max((len(one.name) for one in found), default=0)
    for one in found:
        console.print(f"{_MARKS[one.state]} [bold]{escape(one.name.ljust(width))}[/]  {escape(one.message)}", soft_wrap=True)
        if one.remedy:
            console.print(f"  {' ' * width}  [yellow]{escape(one.remedy)}[/]", soft_wrap=True)
