"""`lakehouse status`: how the lake is, on one page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from lakehouse.accounts.lateness import LONGEST, unbounded
from lakehouse.cli.output import facts, print_json, table, tick
from lakehouse.cli.session import DatasetsOption, JsonOption, LakeOption, open_for_reading, pick_datasets
from lakehouse.contracts.spans import span

if TYPE_CHECKING:
    from lakehouse.accounts.books import Books
    from lakehouse.accounts.lateness import Recovered
    from lakehouse.landing.manifest import Window
    from lakehouse.operations.status import Status


def status(ctx: typer.Context, dataset: DatasetsOption = None, as_json: JsonOption = False, lake: LakeOption = None) -> None:
    """How complete, how late and how healthy each dataset is.

    "Complete up to T" means: every window before T was read to its end. Pending lines are landed and wait for a build; stale days
    have landed lines that their build has not seen; unpublished days are built, and the marts do not tell of them as they are now.
    Late ones: lines of a stretch that had been read before, by the fetch that found them.

    Example:  [bold]lakehouse status --json | jq '.[0].applications'[/]
    """
    from lakehouse.operations.status import status as read_status

    opened = open_for_reading(ctx, lake)
    found = [read_status(opened, one) for one in pick_datasets(opened, dataset)]
    if as_json:
        print_json(found)
        return
    for number, one in enumerate(found):
        if number:
            facts().print()
        show(one, facts())


def _late(bound: int) -> str:
    return f"over {span(LONGEST)}" if unbounded(bound) else span(bound)


def show(status: Status, console: Console) -> None:
    """Print a status for people."""
    console.print(f"[bold]{status.dataset}[/] in {status.lake}   now {_time(status.now)} UTC")
    console.print()
    rows = [
        (a.application, _minute(a.complete_from), _minute(a.complete_up_to), _holes(a.holes), _late(a.lateness.p99) if a.lateness else "-", a.lines)
        for a in status.applications
    ]
    console.print(table("Coverage", ["application", "read from", "complete up to", "holes", "p99 late", "lines landed"], rows))
    console.print()
    late = status.lateness
    published = f"version {status.mart_version}, {_time(status.mart_built_at)}" if status.mart_version is not None else "none yet"
    lateness = (
        f"p50 {_late(late.p50)}, p99 {_late(late.p99)}, worst {_late(late.worst)} ({late.events:,} first sightings)" if late else "not measured yet"
    )
    lines = [
        ("lateness", lateness),
        ("late ones found", _recovered(status.recovered)),
        ("fetches", f"{status.fetches:,} manifests, {status.landed_lines:,} lines landed"),
        ("pending lines", f"{tick(not status.pending_lines)} {status.pending_lines:,}"),
        ("stale days", f"{tick(not status.stale)} {_days([s.day for s in status.stale])}"),
        (
            "built",
            f"{status.days} days, version {status.clean_version}; {len(status.incomplete_days)} not complete yet" if status.days else "nothing yet",
        ),
        ("rows", _rows(status.books)),
        ("quarantine", ", ".join(f"{rule} {count:,}" for rule, count in status.quarantined.items()) or "empty"),
        ("marts", published),
        ("unpublished days", f"{tick(not status.unpublished)} {_days(status.unpublished)}"),
    ]
    if status.sealed_up_to is not None:
        lines.insert(2, ("raw", f"sealed up to {status.sealed_up_to}: raw of {status.sealed_days:,} days has expired"))
    console.print(table(None, ["", ""], lines, raw=True))


def _rows(books: Books) -> str:
    held = f", {books.held:,} held as late" if books.held else ""
    return f"{books.kept:,} kept, {books.duplicate:,} duplicates, {books.quarantined:,} quarantined{held}"


def _recovered(found: Sequence[Recovered]) -> str:
    late = found[0].late if found else 0
    if not late:
        return "none yet"
    return f"{late:,}: " + ", ".join(f"{r.purpose.replace('_', ' ')} {r.count:,} ({r.share:.1%})" for r in found)


def _time(value: dt.datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") if value is not None else "-"


def _minute(value: dt.datetime | None) -> str:
    return value.strftime("%Y-%m-%d %H:%M") if value is not None else "-"


def _holes(holes: tuple[Window, ...]) -> str:
    shown = [f"{h.start:%m-%d %H:%M} to {h.end:%m-%d %H:%M}" for h in holes[:3]]
    return "; ".join(shown) + (f" and {len(holes) - 3} more" if len(holes) > 3 else "") if holes else "none"


def _days(days: Sequence[dt.date]) -> str:
    return ", ".join(d.isoformat() for d in days[:5]) + (f" and {len(days) - 5} more" if len(days) > 5 else "") if days else "0"
