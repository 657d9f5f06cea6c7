"""`lakehouse expire`: let old raw go. What was built of it stays."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lakehouse.cli.dates import DAY
from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, hint, notes, print_json, table, warn
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading, pick_dataset
from lakehouse.errors import ConfigurationError

if TYPE_CHECKING:
    from lakehouse.steps.retention import ExpiryReport


def expire(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Whose raw: always named, because it cannot be undone.", show_default=False)],
    before: Annotated[
        dt.datetime | None,
        typer.Option("--before", help="Days before this one, whatever raw_retention_days says.", **DAY),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.", show_default=False)] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)] = False,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Delete the raw parts of days older than the lake keeps raw (raw_retention_days in lake.json). It cannot be undone.

    The days are sealed: their rows, quarantine and books stay as they were built and are never built again; a late line of them goes to quarantine
    (day_sealed), a line that had landed is known and does not come back. Days that are stale, never built or damaged keep their raw, and the exit
    code is 1. Asks before it deletes, but not with --yes, which --json needs (or --dry-run); after another answer than yes nothing is deleted, and
    the exit code is 0.

    Example:  [bold]lakehouse expire workspace_audit --dry-run[/]     [bold]lakehouse expire workspace_audit --before 2026-05-01 --yes[/]
    """
    from lakehouse.defs.told import tell_expiry
    from lakehouse.steps.retention import expire as let_go

    if as_json and not (dry_run or yes):
        raise ConfigurationError("Raw would be deleted for good, and --json does not ask. Look with --json --dry-run, then say --json --yes.")
    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    limit = before.date() if before else None
    if not (dry_run or yes):
        limit = _ask(let_go(opened, chosen, limit, dry_run=True))
    report = let_go(opened, chosen, limit, dry_run=dry_run)
    tell_expiry(opened, chosen, report)
    if as_json:
        print_json(report)
    else:
        show(report, facts())
    if report.kept:
        raise typer.Exit(ExitCode.DATA)


def _ask(plan: ExpiryReport) -> dt.date:
    """Show what would go, and go on only when the answer is yes. Returns the first day that keeps its raw: what was shown is what goes."""
    if not plan.files and not plan.sealed:
        return plan.before
    console = notes()
    show(plan, console)
    try:
        answer = console.input("Delete them for good? \\[y/N] ")
    except EOFError as error:
        raise ConfigurationError("Raw would be deleted, and nobody is there to say yes to that. Look with --dry-run, then say --yes.") from error
    if answer.strip().lower() not in ("y", "yes"):
        console.print("Nothing was deleted.")
        raise typer.Exit(ExitCode.OK)
    return plan.before


def show(report: ExpiryReport, console: Console) -> None:
    """Print what expired, or would, for people."""
    if report.sealed:
        header = ["day", "parts", "lines", "bytes", "in quarantine", "held", "holes"]
        rows = [(d.day, d.parts, d.lines, d.size, d.quarantined, d.held, d.holes) for d in report.sealed]
        console.print(table("Would be sealed" if report.dry_run else "Sealed", header, rows))
    done = "would be deleted" if report.dry_run else "deleted"
    by = f", sealed by manifest {report.manifest}" if report.manifest is not None else ""
    days = f"raw of {report.dataset} before {report.before}: {len(report.sealed):,} days{by}"
    console.print(f"{days}; {report.files:,} parts {done}, {report.freed:,} bytes")
    for one in report.kept:
        warn(f"{one.day} keeps its raw: {one.reason}")
    if any(d.quarantined or d.held for d in report.sealed):
        hint("what is in quarantine of these days can be neither shown nor mended any more, what is held as late is never released")
    if any(d.holes for d in report.sealed):
        hint("stretches of these days were never read; what they bring later is quarantined")
