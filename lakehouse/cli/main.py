"""The entry of the `lakehouse` command: its global options and the list of its commands."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from lakehouse.cli import (
    books,
    compact,
    demo,
    dev,
    doctor,
    erase,
    expire,
    explain,
    fetch,
    ingest,
    new_dataset,
    quarantine,
    replay,
    report,
    reveal,
    simulate,
    sources,
    sql,
    status,
)
from lakehouse.cli.exits import MEANINGS, ExitCode
from lakehouse.cli.output import Warnings, notes
from lakehouse.cli.session import LakehouseGroup, LakeOption, Session

app = typer.Typer(
    name="lakehouse",
    cls=LakehouseGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=MEANINGS,
)

START, CHANGE, LOOK, MEND = "Start here", "Change the lake", "Look into it", "When something is wrong"

app.command("demo", rich_help_panel=START)(demo.demo)
app.command("dev", rich_help_panel=START)(dev.dev)
app.command("fetch", rich_help_panel=CHANGE)(fetch.fetch)
app.command("ingest", rich_help_panel=CHANGE)(ingest.ingest)
app.command("replay", rich_help_panel=CHANGE)(replay.replay)
app.command("expire", rich_help_panel=CHANGE)(expire.expire)
app.command("compact", rich_help_panel=CHANGE)(compact.compact)
app.command("erase", rich_help_panel=CHANGE)(erase.erase)
app.command("new-dataset", rich_help_panel=CHANGE)(new_dataset.new_dataset)
app.command("status", rich_help_panel=LOOK)(status.status)
app.command("sql", rich_help_panel=LOOK)(sql.sql)
app.command("books", rich_help_panel=LOOK)(books.books)
app.command("report", rich_help_panel=LOOK)(report.report)
app.command("sources", rich_help_panel=LOOK)(sources.sources)
app.add_typer(explain.app, name="explain", rich_help_panel=LOOK)
app.command("reveal", rich_help_panel=LOOK)(reveal.reveal)
app.add_typer(quarantine.app, name="quarantine", rich_help_panel=MEND)
app.command("doctor", rich_help_panel=MEND)(doctor.doctor)
app.add_typer(simulate.app, name="simulate", rich_help_panel=START)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"lakehouse {version('lakehouse')}")
        raise typer.Exit


@app.callback()
def lakehouse(
    ctx: typer.Context,
    lake: LakeOption = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", show_default=False)] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.", show_default=False)] = False,
) -> None:
    """Event data you can trust: raw JSONL, deduplicated Delta tables, DuckDB marts, and books that close.

    See it work, offline:  [bold]lakehouse demo[/]  and then  [bold]lakehouse dev[/]
    """
    ctx.obj = Session(lake=lake, debug=debug)
    logging.getLogger("lakehouse").handlers = [Warnings(logging.WARNING)]


def main() -> None:
    """Run the command line. A bug shows its traceback and ends with 70, which no fact about the data does."""
    try:
        app()
    except Exception:  # noqa: BLE001  the outermost frame: everything that is no LakehouseError is a bug of ours
        notes().print_exception()
        notes().print("[bold red]This is a bug.[/] Please report it with the traceback above and the output of: lakehouse doctor")
        sys.exit(ExitCode.BUG)
