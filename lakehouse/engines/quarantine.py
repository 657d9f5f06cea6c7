"""The quarantine: lines and rows that did not make it, and rows that are held, each with its file, line number and rule, never with its text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from lakehouse.contracts.quarantine import HELD_LATE, HELD_LEVEL, QUARANTINE
from lakehouse.contracts.types import polars_type
from lakehouse.engines.kernel.decode import Fault

SCHEMA: dict[str, Any] = {c.name: polars_type(c.type) for c in QUARANTINE}


def empty() -> pl.DataFrame:
    """No entries."""
    return pl.DataFrame(schema=SCHEMA)


def of_faults(faults: Iterable[Fault], place: dict[str, Any]) -> pl.DataFrame:
    """Entries for lines that are no record ("line") and records that could not be rows ("row").

    `place`: day, grain, part, fetch_id, landed_at, application.
    """
    rows = [
        {"rule": f.rule, "field": f.field, "level": "row" if f.is_record else "line", "line": f.number, "detail": f.detail, **place} for f in faults
    ]
    return pl.DataFrame(rows, schema=SCHEMA) if rows else empty()


def of_rows(frame: pl.DataFrame, place: dict[str, Any], *, level: str = "row") -> pl.DataFrame:
    """Entries for rows. `frame` has `rule`, `field`, `line`, `row`, `event_time`."""
    constants = [pl.lit(value, dtype=SCHEMA[name]).alias(name) for name, value in place.items()]
    full = frame.with_columns(pl.lit(level).alias("level"), pl.lit(None, pl.String).alias("detail"), *constants)
    return full.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def of_held(frame: pl.DataFrame, time_column: str, place: dict[str, Any]) -> pl.DataFrame:
    """Entries for rows that came too late. `frame` has `_line`, `_row` and the event time."""
    facts = frame.select(rule=pl.lit(HELD_LATE), field=pl.lit(time_column), line="_line", row="_row", event_time=time_column)
    return of_rows(facts, place, level=HELD_LEVEL)


def rule_counts(entries: pl.DataFrame) -> dict[str, int]:
    """How many lines and rows each rule refused, by name. Held rows are not refused."""
    refused = entries.filter(pl.col("level") != HELD_LEVEL)
    return dict(sorted(refused["rule"].value_counts().iter_rows()))
