"""The sample of the demo."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.commerce.generator.options import Arguments
from lakehouse.datasets.commerce.generator.run import Progress, generate

DEMO_DAYS = 5
_SEED = 20_261_120
_EVENTS, _INVOICE_LINES = 10_000, 3_000


def small_demo(folder: Path, now: dt.datetime, progress: Progress | None = None) -> SampleTruth:
    """Five days that end on the day before `now` (aware): some 10,000 events of six merchants, 3,000 invoice lines."""
    start = now.astimezone(dt.UTC).date() - dt.timedelta(days=DEMO_DAYS)
    return generate(folder, Arguments(_SEED, start, DEMO_DAYS, _EVENTS, invoice_lines=_INVOICE_LINES, merchants=6), progress)
