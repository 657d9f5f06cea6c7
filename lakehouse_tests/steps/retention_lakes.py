"""A lake whose raw grows old."""

from __future__ import annotations

import datetime as dt

from build_lakes import CLOCK, BuildLake, event

from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef

LANDED = CLOCK.date()
LATER = CLOCK + dt.timedelta(days=5)
TWICE = event(1, 2)


def parts(made: BuildLake) -> list[str]:
    return sorted(e.path for e in made.lake.store.entries("raw/workspace_audit") if e.path.endswith(".zst"))


def where(made: BuildLake, grain: str, number: int, part: int = 0) -> LineRef:
    return LineRef(load_ledger(made.lake, "workspace_audit").parts[grain][part].part.path, number)
