"""The sample of the demo."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.listening.generator.options import Arguments
from lakehouse.datasets.listening.generator.run import generate

DEMO_DAYS = 5


def small_demo(folder: Path, now: dt.datetime, progress: Callable[[int, int], None] | None = None) -> SampleTruth:
    """Five small days that end on the day before `now`. Writes within a second."""
    start = now.astimezone(dt.UTC).date() - dt.timedelta(days=DEMO_DAYS)
    return generate(folder, Arguments(seed=7, start=start, days=DEMO_DAYS, events=9_000), progress)
