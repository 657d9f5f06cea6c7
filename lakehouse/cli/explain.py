"""`lakehouse explain`: from a row of a mart down to the raw lines behind it, and from a raw line up to where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, hint, print_json, table, tick
from lakehouse.cli.session import FlowingGroup, JsonOption, LakeOption, MartDatasetOption, PartDatasetOption, open_for_reading, pick_dataset
from lakehouse.errors import ConfigurationError

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake
    from lakehouse.steps.explain import LineFate, RowFate
    from lakehouse.steps.explain_mart import MartRow

_HELP = """What is behind a row of a mart, and where a raw line ended up.

Example:  [bold]lakehouse explain row audit_top_users[/]   the parts and lines that it names:   [bold]lakehouse explain line PART LINE[/]
"""
app = typer.Typer(cls=FlowingGroup, no_args_is_help=True, help=_HELP)

RawOption = Annotated[bool, typer.Option("--raw", help="Show the raw text: it may hold personal data.", show_default=False)]

_FEW_COLUMNS = 4

_SENTENCES = {
    "kept": "kept: it is a row of the clean table",
    "duplicate": "dropped as a duplicate",
    "quarantined": "quarantined",
    "held": "held: it came later than the contract allows; admit it with lakehouse quarantine release",
    "erased": "erased: its text is gone for ever",
    "superseded": "superseded by a mended line",
    "blank": "blank: it holds no record",
    "pending": "pending: landed, and no committed build has read it yet",
    "expired": "not to be told any more: no row of the clean table and not quarantined, so a duplicate, blank or filtered",
    "dropped": "neither kept nor quarantined: filtered, or of a build before the last change",
}


@app.command("row")
def row(
    ctx: typer.Context,
    mart: Annotated[str, typer.Argument(metavar="MART", help="A published mart, such as audit_top_users.", show_default=False)],
    where: Annotated[
        list[str] | None,
        typer.Argument(metavar="COLUMN=VALUE...", help="Which row; an empty value is null. None: the first row.", show_default=False),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="At most so many rows of the mart.")] = 1,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="At most so many raw lines of each.")] = 10,
    raw: RawOption = False,
    dataset: MartDatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """What a row of a mart was made of: the condition on the clean table, how many clean rows meet it, and the raw parts and lines that hold them.

    A mart of what was refused leads to the rows of the quarantine, with rule and field, in the same manner.
    The files that the published version was built from are read, not newer ones: the number that was published is explained. Exits with 1 when
    the mart counts another number of rows than there are.

    Example:  [bold]lakehouse explain row audit_top_users mart_date=2026-11-18 includes_collector=false[/]
    """
    from lakehouse.steps.explain_mart import explain_rows

    opened = open_for_reading(ctx, lake)
    found = explain_rows(opened, _dataset_of(mart, dataset), mart, _conditions(where or []), rows=rows, lines=lines)
    texts = _texts(opened, _dataset_of(mart, dataset), found) if raw else [[] for _ in found]
    if as_json:
        print_json(
            [
                {"row": mart_row, "raw": [text for text, _ in told], "raw_expired": [gone for _, gone in told]}
                for mart_row, told in zip(found, texts, strict=True)
            ]
        )
    else:
        for mart_row, told in zip(found, texts, strict=True):
            show_row(mart_row, [text if text is not None else str(gone) for text, gone in told], facts(), _dataset_of(mart, dataset).shown)
    if not all(one.agrees for one in found):
        raise typer.Exit(ExitCode.DATA)


def _dataset_of(mart: str, dataset: str | None) -> Dataset:
    from lakehouse.datasets.registry import find_dataset
    from lakehouse.marts.specs import find_mart

    return find_dataset(dataset or find_mart(mart).dataset)


def _conditions(where: list[str]) -> dict[str, str]:
    found = {}
    for one in where:
        column, equals, value = one.partition("=")
        if not equals or not column:
            raise ConfigurationError(f"{one!r} says no column. Expected COLUMN=VALUE, such as mart_date=2026-11-18 or application=login.")
        found[column.strip()] = value
    return found


def _texts(lake: Lake, dataset: Dataset, found: list[MartRow]) -> list[list[tuple[str | None, str | None]]]:
    """Of each line that a row names (see `MartRow.lines`): its text, or why there is none any more."""
    from lakehouse.landing.ledger import load_ledger
    from lakehouse.landing.read import line_text

    ledger = load_ledger(lake, dataset.name)
    return [[line_text(lake, ledger, one) for one in mart_row.lines] for mart_row in found]


def show_row(found: MartRow, raw: list[str], console: Console, shown: tuple[str, ...] = ()) -> None:
    """Print what is behind a row of a mart for people."""
    console.print(
        f"[bold]marts.{found.mart}[/], version {found.version}" + (f", derived from {' < '.join(found.derives_from)}" if found.derives_from else "")
    )
    console.print(table(None, ["column", "value"], list(found.row.items())))
    if found.where is not None:
        _show_behind("clean", found.where, found.clean_rows, found.parts, found.counted, console)
    if found.rows:
        header = ["event time", "what", "part", "line"]
        console.print(table(None, header, [(r.event_time, _what(r.values, shown), r.line.part, r.line.line) for r in found.rows]))
    if found.quarantine is not None:
        aside = found.quarantine
        _show_behind("quarantined", aside.where, aside.found, aside.parts, aside.counted, console)
        if aside.rows:
            header = ["rule", "field", "level", "part", "line", "row", "detail"]
            console.print(table(None, header, [(r.rule, r.field, r.level, r.line.part, r.line.line, r.row, r.detail) for r in aside.rows]))
    origins = dict(zip(found.lines, found.origins, strict=True))
    for origin in dict.fromkeys(str(o) for o in origins.values() if o is not None and not raw):
        console.print(f"from {escape(origin)}", soft_wrap=True)
    for one, text in dict(zip(found.lines, raw, strict=False)).items():
        console.print(f"\n[bold]{escape(one.part)} {one.line}[/]")
        if origins[one] is not None:
            console.print(f"from {escape(str(origins[one]))}", soft_wrap=True)
        console.print(text, markup=False, soft_wrap=True)
    if not found.lines:
        hint(
            "nothing that was kept or refused is behind it. Duplicates and blank lines: lakehouse books   hours that were not read: lakehouse status"
        )
    elif not raw:
        first = found.lines[0]
        hint(f"the text: add --raw   one line: lakehouse explain line {escape(first.part)} {first.line}")


def _show_behind(kind: str, where: str, rows: int, parts: dict[str, int], counted: int | None, console: Console) -> None:
    """`kind`: clean or quarantined."""
    told = "" if counted is None else f", the mart counts {counted:,} {tick(counted == rows)}"
    console.print(f"\nit stands for the {kind} rows with\n  {escape(where)}", soft_wrap=True)
    console.print(f"\n[bold]{rows:,} {kind} rows[/] in {len(parts):,} raw parts{told}")


def _what(values: dict[str, object], shown: tuple[str, ...]) -> str:
    """What a clean row is, in short: the columns that the dataset names for that, else the first of those that have a value."""
    names = [name for name in shown if name in values] or list(values)[:_FEW_COLUMNS]
    return " ".join(str(values[name]) for name in names)


@app.command("line")
def line(
    ctx: typer.Context,
    part: Annotated[str, typer.Argument(metavar="PART", help="Raw part, relative to the lake: the column _part of a clean row.", show_default=False)],
    number: Annotated[int, typer.Argument(metavar="LINE", help="Line of the part, from 1: the column _line.", show_default=False)],
    raw: RawOption = False,
    dataset: PartDatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Where a raw line ended up: kept, duplicate of which line, quarantined under which rule, held, erased, superseded, unplaced, blank or pending.

    Example:  [bold]lakehouse explain line raw/workspace_audit/date=2026-11-18/hour=13/….jsonl.zst 7[/]
    """
    from lakehouse.steps.explain import explain_line

    opened = open_for_reading(ctx, lake)
    found = explain_line(opened, pick_dataset(opened, dataset, of=part), part, number, raw=raw)
    if as_json:
        print_json(found)
    else:
        show_line(found, facts())


def show_line(found: LineFate, console: Console) -> None:
    """Print the fate of a line for people."""
    console.print(f"[bold]{escape(found.part)}[/] line {found.line}")
    console.print(
        f"landed    {found.landed_at:%Y-%m-%d %H:%M:%S} by fetch {found.fetch_id} (manifest {found.manifest}, {found.source} {found.application})"
    )
    if found.origin is not None:
        console.print(f"from      {escape(str(found.origin))}", soft_wrap=True)
    console.print(f"grain     {found.grain}{'  (unplaced: its own time was of no use, or its day is sealed)' if found.unplaced else ''}")
    console.print(f"build     {found.build if found.build is not None else 'none yet'}")
    console.print(f"fate      [bold]{_SENTENCES[found.fate]}[/]")
    if found.superseded_by:
        console.print(f"          by manifest {', '.join(map(str, found.superseded_by))}")
    for row in found.rows:
        if row.row is not None or row.rule is not None:
            console.print(f"  {_row(row)}", soft_wrap=True)
    if found.erased is not None:
        console.print(f"raw       {found.erased}")
    if found.expired is not None:
        console.print(f"raw       {found.expired}", soft_wrap=True)
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
