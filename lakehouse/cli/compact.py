"""`lakehouse compact`: many small files of raw into few."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lakehouse.cli.dates import DAY
from lakehouse.cli.output import facts, print_json, table
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading, pick_dataset

if TYPE_CHECKING:
    from lakehouse.steps.compact import CompactionReport


def compact(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Whose raw.", show_default=False)],
    start: Annotated[dt.datetime | None, typer.Option("--from", help="First day. Default: the first that landed.", **DAY)] = None,
    end: Annotated[dt.datetime | None, typer.Option("--to", help="Last day, inclusive. Default: yesterday.", **DAY)] = None,
    min_files: Annotated[int, typer.Option("--min-files", min=2, help="Leave an hour alone that has fewer files.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be put together.", show_default=False)] = False,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Put the raw files of each hour into one, of days that are over and whose raw has not expired.

    Every part keeps its name, its lines and its bytes, so nothing is built again and every answer stays the same. May be killed, run again, and run
    beside fetches and builds.

    Example:  [bold]lakehouse compact workspace_audit --dry-run[/]     [bold]lakehouse compact workspace_audit --min-files 8[/]
    """
    from lakehouse.cli.work import advancing
    from lakehouse.defs.told import tell_compaction
    from lakehouse.steps.compact import compact as put_together

    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    first, last = start.date() if start else None, end.date() if end else None
    with advancing("compacting", quiet=as_json) as advance:
        report = put_together(opened, chosen, first, last, min_files=min_files, dry_run=dry_run, progress=advance)
    tell_compaction(opened, chosen, report)
    if as_json:
        print_json(report)
    else:
        show(report, facts())


def show(report: CompactionReport, console: Console) -> None:
    """Print what was put together, or would be, for people."""
    if report.days:
        rows = [(d.day, d.files, d.containers, d.size, d.manifest) for d in report.days]
        console.print(table("Would be put together" if report.dry_run else "Put together", ["day", "files", "become", "bytes", "manifest"], rows))
    files, become = sum(d.files for d in report.days), sum(d.containers for d in report.days)
    told = f"raw of {report.dataset}: {files:,} files {'would become' if report.dry_run else 'became'} {become:,}"
    deleted = "left by an earlier run would be deleted" if report.dry_run else "deleted"
    console.print(f"{told}; {report.deleted:,} files {deleted}" if report.deleted or not report.dry_run else told)
