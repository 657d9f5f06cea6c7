"""`lakehouse demo`: five days of every dataset, from its source to answers, offline, through the real definitions, checked against the truth."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import error_panel, facts, print_json
from lakehouse.cli.session import JsonOption, LakeOption, lake_url
from lakehouse.settings import default_url
from lakehouse.storage import local_path

if TYPE_CHECKING:
    from lakehouse.cli.demo_story import Story


def demo(
    ctx: typer.Context,
    dataset: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Show only this one; may be repeated. Default: all.", show_default=False),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Empty the demo lake and begin anew; never a lake that the demo did not make.", show_default=False)
    ] = False,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """See it work, offline: five days of every dataset with every kind of defect, read from real files and over real HTTP, cleaned, published, and
    checked to the record.

    The same assets and checks as in production run in Dagster's history of the demo lake (default: data/), so `lakehouse dev` shows them. Some of it
    comes late, and heals. Run it again: it goes on where it was left, and what is done already costs nothing. The demo's clock stands still.

    Example:  [bold]lakehouse demo[/]     [bold]lakehouse demo --dataset listening[/]     [bold]lakehouse demo --lake /tmp/demo --fresh[/]
    """
    from lakehouse.cli.demo_lake import check_place, clear
    from lakehouse.cli.demo_story import tell
    from lakehouse.cli.dev import refuse_while_dev_runs
    from lakehouse.datasets.registry import all_datasets, find_dataset

    began = time.monotonic()
    chosen = [find_dataset(name) for name in dict.fromkeys(dataset)] if dataset else all_datasets()
    root = check_place(lake_url(ctx, lake))
    if fresh and root.is_dir():
        refuse_while_dev_runs(Path(os.environ.get("DAGSTER_HOME") or root / ".dagster"))
        clear(root)
    story = tell(root, chosen, quiet=as_json)
    if as_json:
        print_json(story.facts() | {"seconds": round(time.monotonic() - began, 1)})
    if not story.good:
        told = "\n".join(story.failures) or "The books do not close, or differ from the truth: see above."
        error_panel(f"{told}\nMore: lakehouse doctor, and the runs in lakehouse dev", title="Demo")
        raise typer.Exit(ExitCode.DATA)
    if not as_json:
        _what_next(story, facts())
        facts().print(f"\n[dim]{time.monotonic() - began:.0f} seconds[/]")


def _what_next(story: Story, console: Console) -> None:
    """Commands to copy, with values of this very lake."""
    root = story.demo.lake.store.root
    where = "" if root == local_path(default_url()) else escape(f" --lake {root}")
    console.print("[bold cyan]What next[/]")
    name, example = next(((n, one.example) for n, one in story.told.items() if one.example), (next(iter(story.told)), ()))
    for command, why in (
        ("lakehouse dev", "the same runs, assets and checks in Dagster's UI"),
        (f'lakehouse sql "SELECT rule, count(*) FROM quarantine.{name} GROUP BY ALL"', "marts, clean, quarantine and books in DuckDB"),
        (f"lakehouse explain row {shlex.join(example)}", "from a number in a mart to the raw lines behind it"),
        ("lakehouse quarantine list", "what was refused, and how to mend it"),
        ("lakehouse status", "complete up to when, how late, what waits"),
    ):
        console.print(f"  [bold]{command}{where}[/]\n    [dim]{why}[/]", soft_wrap=True)
