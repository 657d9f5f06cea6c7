"""The quarantine: lines and rows that did not make it, and rows that are held, each with its file, line number and rule, never with its text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import polars as pl

from lakehouse.contracts.quarantine import HELD_LATE, HELD_LEVEL, QUARANTINE
from lakehouse.contracts.types import polars_type
from lakehouse.engines.kernel.decode import Fault
from lakehouse.engines.kernel.origin import Origin

SCHEMA: dict[str, Any] = {c.name: polars_type(c.type) for c in QUARANTINE}


@lru_cache(maxsize=1)
def empty() -> pl.DataFrame:
    """No entries."""
    return pl.DataFrame(schema=SCHEMA)


def of_faults(faults: Sequence[Fault], origin: Origin) -> pl.DataFrame:
    """Entries for lines that are no record ("line") and records that could not be rows ("row"). `Fault.number`: the line's place in its block."""
    if not faults:
        return empty()
    told = [{"rule": f.rule, "field": f.field, "level": "row" if f.is_record else "line", "_place": f.number, "detail": f.detail} for f in faults]
    schema = {"rule": pl.String, "field": pl.String, "level": pl.String, "_place": pl.Int64, "detail": pl.String}
    return _entries(pl.DataFrame(told, schema=schema), origin)


def of_rows(frame: pl.DataFrame, origin: Origin, *, level: str = "row") -> pl.DataFrame:
    """Entries for rows. `frame` has `rule`, `field`, `_place`, `_row`, `event_time`."""
    if not frame.height:
        return empty()
    return _entries(frame.rename({"_row": "row"}).with_columns(pl.lit(level).alias("level")), origin)


def of_held(frame: pl.DataFrame, time_column: str, origin: Origin) -> pl.DataFrame:
    """Entries for rows that came too late. `frame` has `_place`, `_row` and the event time."""
    if not frame.height:
        return empty()
    facts = frame.select("_place", "_row", rule=pl.lit(HELD_LATE), field=pl.lit(time_column), event_time=time_column)
    return of_rows(facts, origin, level=HELD_LEVEL)


def _entries(frame: pl.DataFrame, origin: Origin) -> pl.DataFrame:
    """Entries of the table of the quarantine, what is not told left null."""
    places = frame["_place"].to_numpy()
    told = frame.with_columns(
        pl.lit(origin.grain.date).alias("day"),
        pl.lit(origin.grain.key).alias("grain"),
        origin.lines(places).alias("line"),
        *(origin.column(name, places) for name in ("part", "fetch_id", "landed_at", "application")),
    )
    missing = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in told.columns]
    return told.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def rule_counts(entries: pl.DataFrame) -> dict[str, int]:
    """How many lines and rows each rule refused, by name. Held rows are not refused."""
    refused = entries.filter(pl.col("level") != HELD_LEVEL)
    return dict(sorted(refused["rule"].value_counts().iter_rows()))
