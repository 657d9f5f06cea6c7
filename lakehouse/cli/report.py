"""`lakehouse report`: one page of pictures for each dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lakehouse.cli.output import facts, hint, print_json, progress
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading, pick_datasets
from lakehouse.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakehouse.datasets.model import Dataset
    from lakehouse.operations.report import Report
    from lakehouse.settings import Lake

FOLDER = "reports"


def report(
    ctx: typer.Context,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", "-d", metavar="NAME", help="Only this dataset; may be repeated. Default: all that the lake holds.", show_default=False
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", file_okay=False, help="Write the pages there. Default: reports/ in the lake.", show_default=False),
    ] = None,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the pages in the browser.")] = False,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Write one HTML page for each dataset: rows per day, lateness, quarantine, duplicates, top values, trends of its marts.

    A page is one file that loads nothing: send it, print it, read it on a phone. It holds counts, names and tokens, no text of a record. A page that
    is there already is replaced.

    Example:  [bold]lakehouse report --dataset workspace_audit --to /tmp/pages[/]
    """
    opened = open_for_reading(ctx, lake)
    named = dict.fromkeys(dataset) if dataset else [None]
    made = _reports(opened, [one for name in named for one in pick_datasets(opened, name)])
    if not any(one.days for one in made):
        raise ConfigurationError(
            f"Nothing is built yet of {', '.join(one.dataset for one in made)}, so there is nothing to show. Land and build something first: "
            "`lakehouse fetch --build` or `lakehouse ingest DATASET --build`; `lakehouse demo` makes a lake to look at."
        )
    paths = [_write(opened, one, to) for one in made]
    if as_json:
        print_json([{"dataset": m.dataset, "path": p, "days": len(m.days), "rows": m.total("kept")} for m, p in zip(made, paths, strict=True)])
    else:
        for path in paths:
            facts().print(escape(path), soft_wrap=True)
        for one in made:
            if not one.days:
                hint(f"nothing of {one.dataset} is built yet; its page says so")
    for path in paths if show else ():
        typer.launch(path)


def _reports(lake: Lake, chosen: Sequence[Dataset]) -> list[Report]:
    from lakehouse.operations.report import report_of

    with progress() as shown:
        task = shown.add_task("asking", total=len(chosen))
        made = []
        for one in chosen:
            shown.update(task, description=one.name)
            made.append(report_of(lake, one))
            shown.advance(task)
    return made


def _write(lake: Lake, made: Report, to: Path | None) -> str:
    """Write the page whole, over the one that may be there. Returns where it is."""
    from lakehouse.pictures.page import render

    page, name = render(made).encode(), f"{made.dataset}.html"
    if to is None:
        path = f"{FOLDER}/{name}"
        lake.store.replace(path, page)
        return str(lake.store.root / path) if lake.store.root is not None else lake.store.uri(path)
    to.mkdir(parents=True, exist_ok=True)
    staged = to / f".{name}.{os.getpid()}"
    staged.write_bytes(page)
    staged.replace(to / name)
    return str(to / name)
