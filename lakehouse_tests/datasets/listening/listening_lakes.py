"""Lakes of `listening`, filled through the real rooms."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from dataset_lakes import DatasetLake

START, DAYS = dt.date(2026, 3, 2), 4
CLOCK = dt.datetime(2026, 3, 20, tzinfo=dt.UTC)


def make_listening(folder: Path, start: dt.date = START, clock: dt.datetime = CLOCK) -> DatasetLake:
    """An empty lake, or the one that is there."""
    return DatasetLake.of("listening", folder, start, clock)
