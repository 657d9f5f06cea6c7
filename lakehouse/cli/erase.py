"""`lakehouse erase`: the text of raw lines, and all that was made of them, gone for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, hint, notes, print_json, progress, table, warn
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading, pick_dataset
from lakehouse.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakehouse.datasets.model import Dataset
    from lakehouse.landing.manifest import LineRef
    from lakehouse.settings import Lake
    from lakehouse.steps.erase import Erasable, ErasureReport, HoldingFile


def erase(
    ctx: typer.Context,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Whose raw: always named, because it cannot be undone.", show_default=False)],
    line: Annotated[
        list[str] | None, typer.Option("--line", metavar="PART:LINE", help="A line of a raw part; may be repeated.", show_default=False)
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value", metavar="TEXT", help="Every line that holds this text, such as an e-mail address; may be repeated.", show_default=False
        ),
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option("--token", metavar="TOKEN", help="Every line that holds the address behind this token; may be repeated.", show_default=False),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", "-r", help="Why (required); it is kept for ever, so without the person.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many lines, of which days and parts.", show_default=False)] = False,
    marts: Annotated[bool, typer.Option("--marts/--no-marts", help="Publish the marts afterwards.")] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)] = False,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Erase raw lines, and the rows, quarantine and marts made of them. It cannot be undone.

    A line keeps its place, with a mark in it; the books tell of it as erased. The same line fetched again does not come back. Days are built again
    and the marts published; files that still held the rows are deleted. Capital and small letters are the same, an address counts as a whole only.
    Files of an inbox and of dimensions are never changed and keep the text: those of the inbox are named. Who, when, why and which lines are kept in
    the manifest, the text never. --token needs the lake's key and is written to the log of reveals. Run it again without a line after a crash: it
    finishes what is left. Asks, but not with --yes, which --json needs (or --dry-run).

    Example:  [bold]lakehouse erase workspace_audit --value ada@example.com --reason "request 4711" --dry-run[/]
    """
    from lakehouse.defs.told import tell_erasure
    from lakehouse.steps.erase import erase as do
    from lakehouse.steps.erase import forget_rows, inbox_holding

    if reason is None or not reason.strip():
        raise ConfigurationError("A reason is required, it is kept in the manifest of the erasure: --reason 'request 4711'.")
    if as_json and not (dry_run or yes):
        raise ConfigurationError("Lines would be erased for good, and --json does not ask. Look with --json --dry-run, then say --json --yes.")
    opened = open_for_reading(ctx, lake)
    chosen = pick_dataset(opened, dataset)
    found = _found(opened, chosen, line or [], value or [], token or [], reason, quiet=as_json)
    if dry_run:
        if as_json:
            print_json(_told(found))
        else:
            show(found, facts())
        return
    if not yes and found.count:
        _ask(found)
    report = do(opened, chosen, found.lines, reason=reason)
    tell_erasure(opened, chosen, report)
    result: dict[str, object] = _told(found) | {"manifest": report.manifest.number if report.manifest is not None else None}
    if not as_json:
        facts().print(_erased(report))
    if report.unnamed:
        told = f"{report.unnamed:,} files of raw are named by no manifest, of processes that were killed or are at work"
        warn(f"{told}: they may hold such lines too. Tomorrow: lakehouse doctor --clear, then this command once more.")
    after, failed = _build(opened, chosen, report, marts=marts, quiet=as_json)
    gone = forget_rows(opened, chosen)
    result |= after | {
        "deleted_files": report.files + len(gone),
        "deleted_bytes": report.freed + sum(e.size for e in gone),
        "unnamed_files": report.unnamed,
        "inbox": (holding := inbox_holding(opened, chosen)),
    }
    _warn_of_inbox(holding)
    if as_json:
        print_json(result)
    else:
        facts().print(f"{report.files:,} files of raw and {len(gone):,} of what had been made of it deleted, {result['deleted_bytes']:,} bytes")
    failed.end("What failed")


def _found(lake: Lake, dataset: Dataset, lines: list[str], values: list[str], tokens: list[str], reason: str, *, quiet: bool) -> Erasable:
    from lakehouse.steps.erase import erasable

    with progress(quiet=quiet) as shown:
        task = shown.add_task("reading raw parts", total=None)

        def advance(done: int, total: int) -> None:
            shown.update(task, completed=done, total=total)

        addresses = [_address(lake, dataset, one, reason) for one in tokens]
        found = erasable(lake, dataset, [_ref(one) for one in lines], [*values, *addresses], advance)
    if found.expired_days and (values or tokens):
        told = f"raw of {found.expired_days:,} days has expired, so what it held cannot be found"
        warn(f"{told}; rows of these days stay as they were built, with tokens in place of personal data, and cannot be erased.")
    return found


def _ref(text: str) -> LineRef:
    from lakehouse.landing.manifest import LineRef

    part, colon, number = text.rpartition(":")
    if not colon or not number.isdigit():
        raise ConfigurationError(f"{text!r} names no line. Expected PART:LINE, such as raw/…/hour=13/….jsonl.zst:7 (columns _part and _line).")
    return LineRef(part, int(number))


def _address(lake: Lake, dataset: Dataset, token: str, reason: str) -> str:
    from lakehouse.steps.reveal import reveal

    address = reveal(lake, dataset, token, why=f"erase: {reason}").address
    if address is None:
        raise ConfigurationError(f"No line of raw has an address with the token {token} under the key {lake.token_key().id}. Nothing was erased.")
    return address


def _ask(found: Erasable) -> None:
    """Show what would be erased, and go on only when the answer is yes."""
    console = notes()
    show(found, console)
    try:
        answer = console.input("Erase them for good? \\[y/N] ")
    except EOFError as error:
        raise ConfigurationError("Lines would be erased, and nobody is there to say yes to that. Look with --dry-run, then say --yes.") from error
    if answer.strip().lower() not in ("y", "yes"):
        console.print("Nothing was erased.")
        raise typer.Exit(ExitCode.OK)


def _build(lake: Lake, dataset: Dataset, report: ErasureReport, *, marts: bool, quiet: bool) -> tuple[dict[str, Any], Any]:
    from lakehouse.cli.building import build_days
    from lakehouse.cli.work import Failed

    if not report.days:
        return {}, Failed()
    return build_days(lake, dataset, report.days, marts=marts, quiet=quiet)


def _warn_of_inbox(holding: Sequence[HoldingFile]) -> None:
    for file in holding:
        told = "cannot be read, so it may still hold" if file.lines is None else f"still holds {file.lines:,} of the"
        warn(f"{file.path} {told} erased lines: they do not land again, but the text is there. Take them out of the file, or delete it.")


def _told(found: Erasable) -> dict[str, Any]:
    return {"lines": found.count, "parts": list(found.parts), "expired_days": found.expired_days}


def _erased(report: ErasureReport) -> str:
    if report.manifest is not None:
        return f"{report.lines:,} lines of {len(report.parts):,} parts erased by manifest {report.manifest.number}"
    return "No line to erase" + ("; an earlier erasure waits for a build" if report.days else "")


def show(found: Erasable, console: Console) -> None:
    """Print what would be erased for people: where, never what."""
    if found.parts:
        console.print(table("Would be erased", ["day", "part", "lines"], [(p.day, p.part, p.lines) for p in found.parts]))
    days = len({p.day for p in found.parts})
    console.print(f"{found.count:,} lines in {len(found.parts):,} parts of {days:,} days")
    if found.parts:
        hint("how they stand: lakehouse explain line PART LINE --raw")
