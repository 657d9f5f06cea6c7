"""`lakehouse quarantine`: what was refused and why, and how it comes back mended."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.output import facts, hint, print_json, table
from lakehouse.cli.session import DatasetOption, JsonOption, LakeOption, open_for_reading, open_for_writing, pick_dataset
from lakehouse.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="What was refused and why, and how it comes back mended.")

DayOption = Annotated[dt.datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="Only this day.", show_default=False)]
RuleOption = Annotated[str | None, typer.Option("--rule", help="Only what this rule refused.", show_default=False)]


@app.command("list")
def list_rules(
    ctx: typer.Context, dataset: DatasetOption = None, day: DayOption = None, as_json: JsonOption = False, lake: LakeOption = None
) -> None:
    """Refused lines and rows by rule, with one example each.

    Example:  [bold]lakehouse quarantine list --day 2026-11-18[/]
    """
    from lakehouse.operations.quarantine import rule_counts

    found = rule_counts(open_for_reading(ctx, lake), pick_dataset(dataset), day=day.date() if day else None)
    if as_json:
        print_json(found)
        return
    rows = [(r.rule, r.field, r.level, r.count, r.first_day, r.last_day, f"{r.part} {r.line}") for r in found]
    facts().print(table(None, ["rule", "field", "level", "count", "first day", "last day", "example (part line)"], rows))
    if found:
        hint(f"see the lines: lakehouse quarantine show --rule {found[0].rule}   add --raw for their text")


@app.command("show")
def show(
    ctx: typer.Context,
    part: Annotated[str | None, typer.Argument(help="Raw part, to show one line.", show_default=False)] = None,
    line: Annotated[int | None, typer.Argument(help="Line of the part, from 1.", show_default=False)] = None,
    rule: RuleOption = None,
    day: DayOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.")] = 20,
    raw: Annotated[bool, typer.Option("--raw", help="Fetch the text from raw: it may hold personal data.", show_default=False)] = False,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """The refused lines and rows themselves: rule, field, part and line; their text only with --raw.

    Example:  [bold]lakehouse quarantine show --rule missing_required --raw[/]
    """
    from lakehouse.landing.manifest import LineRef
    from lakehouse.operations.quarantine import refused

    if (part is None) != (line is None):
        raise ConfigurationError("To show one line give its part and its number: lakehouse quarantine show PART LINE.")
    ref = LineRef(part, line) if part is not None and line is not None else None
    found = refused(
        open_for_reading(ctx, lake), pick_dataset(dataset), day=day.date() if day else None, rule=rule, ref=ref, limit=limit or None, raw=raw
    )
    if as_json:
        print_json(found)
        return
    console = facts()
    header = ["day", "rule", "field", "part", "line", "row", "detail"]
    console.print(table(None, header, [(r.day, r.rule, r.field, r.part, r.line, r.row, r.detail) for r in found]))
    for one in found if raw else ():
        console.print(f"\n[bold]{one.part} {one.line}[/]")
        console.print(one.raw or "", markup=False, soft_wrap=True)


@app.command("export")
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to write; must not exist yet.", show_default=False)],
    rule: RuleOption = None,
    day: DayOption = None,
    dataset: DatasetOption = None,
    lake: LakeOption = None,
) -> None:
    """Write refused lines to a file, to mend them there and bring them back with `redrive`.

    One JSON object per line: part, line, rule, field and raw, the text as it came, which may hold personal data (the file is readable by you only).
    Mend the text in "raw"; delete the lines that you do not want to bring back.

    Example:  [bold]lakehouse quarantine export mend.jsonl --rule unreadable_json[/]
    """
    import orjson

    from lakehouse.operations.quarantine import refused_lines

    opened, chosen = open_for_reading(ctx, lake), pick_dataset(dataset)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError(f"{file} is there already, and an export never replaces a file: it may hold mended lines. Name another one.") from error
    count = 0
    with os.fdopen(descriptor, "wb") as out:
        for one, text in refused_lines(opened, chosen, day=day.date() if day else None, rule=rule):
            entry = {"part": one.part, "line": one.line, "rule": one.rule, "field": one.field, "raw": text.decode("utf-8", errors="replace")}
            out.write(orjson.dumps(entry) + b"\n")
            count += 1
    hint(f"{count:,} lines in {file}. Mend the text in \"raw\", then: lakehouse quarantine redrive {file}")
