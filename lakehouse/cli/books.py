"""`lakehouse books`: the account of every line and row, and whether it closes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lakehouse.cli.dates import DAY
from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import facts, print_json, table, tick, warn
from lakehouse.cli.session import DatasetsOption, JsonOption, LakeOption, open_for_reading, pick_dataset, pick_datasets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakehouse.operations.reconciliation import Reconciliation
    from lakehouse.operations.truth import TruthTerm


def books(
    ctx: typer.Context,
    dataset: DatasetsOption = None,
    day: Annotated[list[dt.datetime] | None, typer.Option("--day", help="Only this day; may be repeated. Default: all.", **DAY)] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", exists=True, dir_okay=False, help="Compare with the truth.json of a generator.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    lake: LakeOption = None,
) -> None:
    """Every line and every row in exactly one term, per day, and the sums of the layers against each other.

    fetch: read = re-read + placed + unplaced.  lines: lines = blank + erased + superseded + unreadable + records.
    rows: rows = quarantined + filtered + held + duplicate + kept.  Tolerance zero: exits with 1 when anything differs. Lines that no build has
    read yet are pending, which is no difference.

    Example:  [bold]lakehouse books --day 2026-11-18[/]
    """
    from lakehouse.operations.reconciliation import reconcile

    opened = open_for_reading(ctx, lake)
    chosen = pick_datasets(opened, dataset) if truth is None else [pick_dataset(opened, dataset)]
    found = [reconcile(opened, one, [d.date() for d in day] if day else None) for one in chosen]
    compared = None
    if truth is not None:
        from lakehouse.operations.truth import compare

        compared = compare(opened, chosen[0], truth)
    closes = all(one.closes for one in found)
    if as_json:
        print_json({"closes": closes, "datasets": [{"closes": one.closes, "reconciliation": one} for one in found], "truth": compared})
    else:
        for one in found:
            facts().print(f"[bold cyan]{one.dataset}[/]")
            show(one, facts())
            facts().print()
        for missing in sorted({d.date() for d in day or ()} - {d.day for one in found for d in one.days}):
            warn(f"there are no books of {missing}: nothing landed on it that was built. See which days there are: lakehouse books")
        if compared is not None:
            show_truth(compared, facts())
    if not closes or (compared is not None and not all(t.agrees for t in compared)):
        raise typer.Exit(ExitCode.DATA)


_LINES = ("blank", "erased", "superseded", "unreadable", "records")
_ROWS = ("quarantined", "filtered", "held", "duplicate", "kept")


def show(found: Reconciliation, console: Console) -> None:
    """Print the books for people. Terms that are zero everywhere are left out of the table."""
    show_sums(found, console)
    console.print()
    _show_days(found, console)
    if found.pending:
        console.print(f"\n{found.pending:,} landed lines are pending: no build has read them yet.")
    for difference in found.differences:
        console.print(f"[bold red]differs[/] {difference}")
    console.print("\n[bold green]The books close.[/]" if found.closes else "\n[bold red]The books do not close.[/]")


def show_sums(found: Reconciliation, console: Console) -> None:
    """Print the equations over everything, each with a tick."""
    fetch = found.fetch
    sentence = f"{fetch.read:,} read = {fetch.re_read:,} re-read + {fetch.placed:,} placed + {fetch.unplaced:,} unplaced"
    console.print(f"{tick(not fetch.difference())} [bold]fetch[/]  {sentence}  ({found.fetches:,} fetches)")
    total = found.books
    lines, rows = total.differences()
    console.print(f"{tick(not lines)} [bold]lines[/]  {_equation(total.lines, 'lines', {t: getattr(total, t) for t in _LINES})}")
    console.print(f"{tick(not rows)} [bold]rows[/]   {_equation(total.rows, 'rows', {t: getattr(total, t) for t in _ROWS})}")
    for mart in found.marts:
        good = mart.source_rows + mart.excluded == mart.clean_rows
        left = f" + {mart.excluded:,} excluded" if mart.excluded else ""
        console.print(f"{tick(good)} [bold]mart[/]   {mart.clean_rows:,} clean rows = {mart.source_rows:,} in {mart.mart}{left}")


def _equation(left: int, name: str, terms: dict[str, int]) -> str:
    return f"{left:,} {name} = " + " + ".join(f"{value:,} {term}" for term, value in terms.items() if value or term in ("records", "kept"))


def _show_days(found: Reconciliation, console: Console) -> None:
    terms = [t for t in ("lines", *_LINES, "rows", *_ROWS) if getattr(found.books, t)]
    wrong = {d.day for d in found.differences}
    waiting = ("landed", "pending") if found.pending else ()
    header = ["day", *waiting, *terms, "closes"]
    rows = [[d.day, *(getattr(d, t) for t in waiting), *(getattr(d.books, t) for t in terms), tick(d.day not in wrong)] for d in found.days]
    console.print(table(None, header, rows, raw=True))


def show_truth(terms: Sequence[TruthTerm], console: Console) -> None:
    """Print what the lake says beside what the generator says."""
    console.print()
    rows = [(t.name, t.truth, t.lake, tick(t.agrees)) for t in terms]
    console.print(table("Against the truth of the generator", ["term", "truth", "lake", ""], rows, raw=True))
