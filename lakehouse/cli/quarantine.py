"""`lakehouse quarantine`: what was refused and why, how it comes back mended, and how what is held as late is let in."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.markup import escape

from lakehouse.cli.dates import DAY
from lakehouse.cli.exits import code_of
from lakehouse.cli.output import facts, hint, print_json, table, warn
from lakehouse.cli.session import (
    DatasetOption,
    DatasetsOption,
    FlowingGroup,
    JsonOption,
    LakeOption,
    PartDatasetOption,
    open_for_reading,
    pick_dataset,
    pick_datasets,
)
from lakehouse.errors import ConfigurationError
from lakehouse.storage import FAULTS, told

if TYPE_CHECKING:
    from lakehouse.cli.work import Failed
    from lakehouse.datasets.model import Dataset
    from lakehouse.steps.release import ReleaseReport

_HELP = """What was refused or held and why, and how it comes back.

Example:  [bold]lakehouse quarantine list[/], then [bold]lakehouse quarantine export mend.jsonl[/], mend the file, and
[bold]lakehouse quarantine redrive mend.jsonl[/]
"""
app = typer.Typer(cls=FlowingGroup, no_args_is_help=True, help=_HELP)

DayOption = Annotated[dt.datetime | None, typer.Option("--day", help="Only this day. Default: all.", **DAY)]
RuleOption = Annotated[
    str | None, typer.Option("--rule", help="Only what this rule refused, such as missing_required (see `list`). Default: all.", show_default=False)
]


@app.command("list")
def list_rules(
    ctx: typer.Context, dataset: DatasetsOption = None, day: DayOption = None, as_json: JsonOption = False, lake: LakeOption = None
) -> None:
    """Refused lines and rows by rule, with one example each. Level `held`: sound rows that came too late.

    Example:  [bold]lakehouse quarantine list --day 2026-11-18[/]
    """
    from lakehouse.operations.quarantine import rule_counts

    opened = open_for_reading(ctx, lake)
    found = [one for chosen in pick_datasets(opened, dataset) for one in rule_counts(opened, chosen, day=day.date() if day else None)]
    if as_json:
        print_json(found)
        return
    rows = [(r.dataset, r.rule, r.field, r.level, r.count, r.first_day, r.last_day, f"{r.part} {r.line}") for r in found]
    facts().print(table(None, ["dataset", "rule", "field", "level", "count", "first day", "last day", "example (part line)"], rows))
    if found:
        hint(f"see the lines: lakehouse quarantine show --dataset {found[0].dataset} --rule {found[0].rule}   add --raw for their text")
    else:
        hint("no build that counts has refused or holds anything" + (f" on {day:%Y-%m-%d}" if day else ""))


@app.command("show")
def show(
    ctx: typer.Context,
    part: Annotated[str | None, typer.Argument(metavar="PART", help="Raw part, to show one line.", show_default=False)] = None,
    line: Annotated[int | None, typer.Argument(metavar="LINE", help="Line of the part, from 1.", show_default=False)] = None,
    rule: RuleOption = None,
    day: DayOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="At most so many; 0 shows all.")] = 20,
    raw: Annotated[bool, typer.Option("--raw", help="Fetch the text from raw: it may hold personal data.", show_default=False)] = False,
    dataset: PartDatasetOption = None,
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
    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset, of=part)
    found = refused(opened, chosen, day=day.date() if day else None, rule=rule, ref=ref, limit=limit or None, raw=raw)
    if as_json:
        print_json(found)
        return
    if ref is not None and not found:
        hint(f"nothing of this line was refused. Where it ended: lakehouse explain line {escape(ref.part)} {ref.line}")
    console = facts()
    header = ["day", "rule", "field", "part", "line", "row", "detail"]
    console.print(table(None, header, [(r.day, r.rule, r.field, r.part, r.line, r.row, r.detail) for r in found]))
    for one in found if raw else ():
        console.print(f"\n[bold]{one.part} {one.line}[/]")
        console.print(one.raw if one.raw_expired is None else one.raw_expired, markup=False, soft_wrap=True)


@app.command("export")
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; must not exist yet.", show_default=False)],
    rule: RuleOption = None,
    day: DayOption = None,
    dataset: DatasetOption = None,
    lake: LakeOption = None,
) -> None:
    """Write refused lines to a file, to mend them there and bring them back with `redrive`.

    One JSON object per line: part, line, rule and raw, the text as it came, which may hold personal data (the file is readable by you only).
    Mend the text in "raw"; delete the lines that you do not want to bring back. Held rows are left out: nothing is wrong with them.

    Example:  [bold]lakehouse quarantine export mend.jsonl --rule unreadable_json[/]
    """
    from lakehouse.contracts.quarantine import HELD_LATE, HELD_LEVEL
    from lakehouse.landing.manifest import LineRef
    from lakehouse.operations.quarantine import refused
    from lakehouse.steps.redrive import expired_lines, quarantine_export

    if rule == HELD_LATE:
        raise ConfigurationError("Held rows are sound, they only came late: there is nothing to mend. Admit them with: lakehouse quarantine release")
    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    rows = [r for r in refused(opened, chosen, day=day.date() if day else None, rule=rule, limit=None) if r.level != HELD_LEVEL]
    gone = expired_lines(opened, chosen, (LineRef(r.part, r.line) for r in rows))
    with _whole(file) as out:
        count = 0
        for entry in quarantine_export(opened, chosen, ({"part": r.part, "line": r.line, "rule": r.rule} for r in rows)):
            out.write(entry)
            count += 1
    if gone:
        warn(f"{gone:,} lines are left out: they were erased or their raw has expired, so they cannot be mended any more.")
    name = escape(str(file))
    hint(f'{count:,} lines in {name}. Mend the text in "raw", then: lakehouse quarantine redrive {name} --dataset {chosen.name}')


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """A new file for its owner only that is there when the block is done, and never in part: the redrive of a half would look complete.

    `ConfigurationError` when there is one already.
    """
    taken = ConfigurationError(f"{file} is there already, and an export never replaces a file: it may hold mended lines. Name another one.")
    if os.path.lexists(file):
        raise taken
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
        os.link(aside, file)  # which replaces nothing
    except FileExistsError as error:
        raise taken from error
    finally:
        aside.unlink(missing_ok=True)


@app.command("redrive")
def redrive(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Mended lines, as `export` wrote them.", show_default=False)
    ],
    build: Annotated[bool, typer.Option("--build/--no-build", help="Build the days that this touches, and publish the marts.")] = True,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Land mended lines: each supersedes the line that it was made of, which stays in raw. Then the days that this touches are built again.

    A line that was not changed would be refused again: delete it from the file. All lines are checked before the first one lands. For a mended
    contract no redrive is needed: `lakehouse replay` builds the day again.

    Example:  [bold]lakehouse quarantine redrive mend.jsonl[/]
    """
    from lakehouse.cli.building import build_days
    from lakehouse.defs.told import tell_redrive
    from lakehouse.steps.redrive import redrive as land

    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    report = land(opened, chosen, file)
    result: dict[str, object] = {"lines": report.lines, "manifests": [m.number for m in report.manifests], "days": list(report.days)}
    manifests = f"manifest {', '.join(str(m.number) for m in report.manifests)}"
    if not as_json:
        facts().print(f"{report.lines:,} lines superseded by {manifests}")
    failed = _untold(lambda: tell_redrive(opened, chosen, report), f"The lines landed as {manifests}: do not redrive them again", chosen)
    if build and not failed.words:
        after, failed = build_days(opened, chosen, report.days, quiet=as_json)
        result |= after
    if as_json:
        print_json(result)
    failed.end("What failed")


@app.command("release")
def release(
    ctx: typer.Context,
    day: Annotated[list[dt.datetime] | None, typer.Option("--day", help="Only this day; may be repeated. Default: all.", **DAY)] = None,
    build: Annotated[bool, typer.Option("--build/--no-build", help="Build the days that this touches, and publish the marts.")] = True,
    dataset: DatasetOption = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Admit rows that are held because they came later than the contract allows. Then the days that this touches are built again.

    One manifest names the raw parts that hold them; nothing is read from the source and no line lands. Rows that come late after that are held
    again. Safe to run twice: the second time there is nothing to admit.

    Example:  [bold]lakehouse quarantine release --day 2026-11-18[/]
    """
    from lakehouse.cli.building import build_days
    from lakehouse.defs.told import tell_release
    from lakehouse.steps.release import release as land

    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    report = land(opened, chosen, {d.date() for d in day} if day else None)
    number = report.manifest.number if report.manifest is not None else None
    result: dict[str, object] = {"rows": report.rows, "manifest": number, "days": list(report.days), "sealed": list(report.sealed)}
    if not as_json:
        facts().print(_released(report))
    failed = _untold(lambda: tell_release(opened, chosen, report), f"The rows are admitted by manifest {number}", chosen)
    if build and report.days and not failed.words:
        after, failed = build_days(opened, chosen, report.days, quiet=as_json)
        result |= after
    if as_json:
        print_json(result)
    failed.end("What failed")


def _untold(tell: Callable[[], None], landed: str, dataset: Dataset) -> Failed:
    """Tell Dagster's history what landed. Where that fails it has landed all the same, and says so: a second try would be refused."""
    from lakehouse.cli.work import Failed

    try:
        tell()
    except FAULTS as error:
        return Failed([f"{told(error)}\n{landed}. Build what it touches with: lakehouse replay --stale --dataset {dataset.name}"], code_of(error))
    return Failed()


def _released(report: ReleaseReport) -> str:
    """What a release came to, for people."""
    for_ever = f"held for ever, because raw of these days has expired: {', '.join(map(str, report.sealed))}" if report.sealed else ""
    if report.manifest is not None:
        told = f"{report.rows:,} held rows admitted by manifest {report.manifest.number}"
    elif report.days:
        told = "Nothing more to admit: an earlier release waits for a build"
    else:
        return f"Nothing to admit: every row that is held is {for_ever}" if for_ever else "Nothing to admit: no row is held"
    return f"{told}; other rows are {for_ever}" if for_ever else told
