"""The quarantine: lines and rows that did not make it, each with its file, line number and rule, never with its text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from lakehouse.contracts.quarantine import QUARANTINE
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


def of_rows(frame: pl.DataFrame, place: dict[str, Any]) -> pl.DataFrame:
    """Entries for rows. `frame` has `rule`, `field`, `line`, `row`, `event_time`."""
    constants = [pl.lit(value, dtype=SCHEMA[name]).alias(name) for name, value in place.items()]
    full = frame.with_columns(pl.lit("row").alias("level"), pl.lit(None, pl.String).alias("detail"), *constants)
    return full.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
