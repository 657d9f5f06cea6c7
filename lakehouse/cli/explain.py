"""`lakehouse explain`: from a row of a mart down to the raw lines behind it, and from a raw line up to where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lakehouse.cli.output import facts, hint, print_json, progress, table
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, open_for_reading, pick_dataset

if TYPE_CHECKING:
    from lakehouse.steps.explain import LineFate, RowFate
    from lakehouse.steps.explain_mart import MartRow

app = typer.Typer(no_args_is_help=True, help="What is behind a row of a mart, and where a raw line ended up.")

RawOption = Annotated[bool, typer.Option("--raw", help="Show the raw text: it may hold personal data.", show_default=False)]

_SENTENCES = {
    "kept": "kept: it is a row of the clean table",
    "duplicate": "dropped as a duplicate",
    "quarantined": "quarantined",
    "superseded": "superseded by a mended line",
    "blank": "blank: it holds no record",
    "pending": "pending: landed, and no committed build has read it yet",
    "dropped": "neither kept nor quarantined: filtered, held as late, or of a build before the last change",
}


@app.command("line")
def line(
    ctx: typer.Context,
    part: Annotated[str, typer.Argument(help="Raw part, relative to the lake: the column _part of a clean row.", show_default=False)],
    number: Annotated[int, typer.Argument(metavar="LINE", help="Line of the part, from 1: the column _line.", show_default=False)],
    raw: RawOption = False,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Where a raw line ended up: kept, duplicate of which line, quarantined under which rule, superseded, unplaced, blank or pending.

    Example:  [bold]lakehouse explain line raw/workspace_audit/date=2026-11-18/hour=13/….jsonl.zst 7[/]
    """
    from lakehouse.steps.explain import explain_line

    found = explain_line(open_for_reading(ctx, lake), pick_dataset(dataset), part, number, raw=raw)
    if as_json:
        print_json(found)
    else:
        show_line(found, facts())


def show_line(found: LineFate, console: Console) -> None:
    """Print the fate of a line for people."""
    console.print(f"[bold]{escape(found.part)}[/] line {found.line}")
    console.print(f"landed    {found.landed_at:%Y-%m-%d %H:%M:%S} by fetch {found.fetch_id} (manifest {found.manifest}, {found.source} {found.application})")
    console.print(f"grain     {found.grain}{'  (unplaced: its own time was of no use)' if found.unplaced else ''}")
    console.print(f"build     {found.build if found.build is not None else 'none yet'}")
    console.print(f"fate      [bold]{_SENTENCES[found.fate]}[/]")
    if found.superseded_by:
        console.print(f"          by manifest {', '.join(map(str, found.superseded_by))}")
    for row in found.rows:
        if row.row is not None or row.rule is not None:
            console.print(f"  {_row(row)}", soft_wrap=True)
    if found.raw is not None:
        console.print("\n[bold]raw[/]")
        console.print(found.raw.rstrip("\n"), markup=False, soft_wrap=True)


def _row(row: RowFate) -> str:
    which = f"row {row.row}" if row.row is not None else "line"
    when = f" at {row.event_time:%Y-%m-%d %H:%M:%S.%f}" if row.event_time is not None else ""
    why = ""
    if row.of is not None:
        why = f" of {escape(row.of.part)} {row.of.line}"
    if row.rule is not None:
        why = f": {row.rule}" + (f" ({row.field})" if row.field else "") + (f", {escape(row.detail)}" if row.detail else "")
    return f"{which}{when}: {row.fate}{why}"
