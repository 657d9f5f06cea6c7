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
    from lakehouse.settings import Lake

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
    """Is everything in place: versions, format, token key, disk, committed files, dimensions, tokens, orphans, Dagster's home, sensors, pools.

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
    from lakehouse.operations.dataset_health import dataset_findings
    from lakehouse.operations.health import findings

    yield from findings(lake)
    for dataset in all_datasets() if name is None else [pick_dataset(lake, name)]:
        yield from dataset_findings(lake, dataset, clear=clear)
    yield from _dagster(lake)


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
