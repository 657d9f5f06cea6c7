"""What `lakehouse fetch --plan` shows: what would be asked for, and what it costs at least."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lakehouse.cli.output import facts, print_json, table
from lakehouse.datasets.model import Dataset
from lakehouse.settings import Lake


@dataclass(frozen=True)
class PlannedRow:
    """The windows of one application that are asked for one purpose."""

    application: str
    purpose: str
    windows: int
    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class Preview:
    """The next fetch before it is done. Every window is one request at least (of 1,000 records); `least_minutes` is what the quota makes of them."""

    rows: tuple[PlannedRow, ...]
    windows: int
    queries_per_minute: float | None
    least_minutes: float
    why: str


def preview(lake: Lake, dataset: Dataset) -> Preview:
    """The plan of the next fetch, counted. Asks the source nothing."""
    from lakehouse.sources.reports_api.options import options_for
    from lakehouse.steps.fetch import next_fetch

    plan = next_fetch(lake, dataset)
    ordered = sorted(plan.windows, key=lambda w: (w.application, w.purpose, w.window.start))
    rows = []
    for (application, purpose), group in groupby(ordered, key=lambda w: (w.application, w.purpose)):
        windows = [w.window for w in group]
        rows.append(PlannedRow(application, purpose, len(windows), windows[0].start, max(w.end for w in windows)))
    quota = options_for(lake, dataset).queries_per_minute
    return Preview(tuple(rows), len(ordered), quota, round(len(ordered) / quota, 1) if quota else 0.0, plan.why)


def show(found: Preview, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print_json(found)
        return
    columns = ["application", "purpose", "windows", "from", "up to"]
    cells: list[list[Any]] = [[r.application, r.purpose.replace("_", " "), r.windows, r.start, r.end] for r in found.rows]
    console = facts()
    console.print(table("What the next fetch asks for", columns, cells) if cells else "Nothing is due.")
    limit = (
        f"at most {found.queries_per_minute:,.0f} requests a minute: at least {found.least_minutes:,.1f} minutes"
        if found.queries_per_minute
        else ("no quota: the source is on this machine")
    )
    console.print(f"\n{found.windows:,} windows, at least one request each (1,000 records a page); {limit}.", soft_wrap=True)
    console.print("[dim]Oldest first. Each window lands by itself: a fetch that is broken off goes on where it stopped.[/]")
