"""The sample of the demo."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.logistics.generator.options import Arguments
from lakehouse.datasets.logistics.generator.run import Progress, generate

DEMO_DAYS = 5
_SEED = 20_261_120
_EVENTS, _ORDERS, _FLIGHTS = 10_000, 600, 400


def small_demo(folder: Path, now: dt.datetime, progress: Progress | None = None) -> SampleTruth:
    """Five days that end on the day before `now` (aware): some 10,000 events of shipments and drivers, 600 orders, 400 flights."""
    start = now.astimezone(dt.UTC).date() - dt.timedelta(days=DEMO_DAYS)
    return generate(folder, Arguments(_SEED, start, DEMO_DAYS, _EVENTS, orders=_ORDERS, flights=_FLIGHTS), progress)
