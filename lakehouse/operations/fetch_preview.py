"""The next fetch before it is done: what would be asked for, and what it costs at least."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

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
