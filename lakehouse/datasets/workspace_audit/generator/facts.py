"""The facts of every row that a sample tells of: `facts.parquet`, from which the truth at any clock is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from lakehouse.datasets.workspace_audit.generator.people import HOUR
from lakehouse.datasets.workspace_audit.generator.records import Activities
from lakehouse.datasets.workspace_audit.generator.served import Served

FACTS_FILE = "facts.parquet"
_TIME = pl.Datetime("us", "UTC")

# One row per row of a record, and one for a line that is no JSON. `line`: line of the hour's file, from 1.
# `outcome`: kept, duplicate (in clean), re_read (at landing: equal but for the etag), quarantined, unreadable.
# `time`: the server's; `event_time`: what the record says (null: unreadable). `activity`: number of the activity in its application, the same
# for its copies. `copy`: an earlier line tells of the same. `placed`: whether its time puts it into a grain.
# `user`: index in the population, -1 without e-mail. `unknown`: path of a field that the contract lacks.
SCHEMA: dict[str, pl.DataType] = {
    "application": pl.String(),
    "hour": _TIME,
    "line": pl.UInt32(),
    "row": pl.UInt8(),
    "time": _TIME,
    "visible": _TIME,
    "event_time": _TIME,
    "activity": pl.Int64(),
    "outcome": pl.String(),
    "rule": pl.String(),
    "placed": pl.Boolean(),
    "copy": pl.Boolean(),
    "collides": pl.Boolean(),
    "late": pl.Boolean(),
    "displaced": pl.Boolean(),
    "defect": pl.String(),
    "unknown": pl.String(),
    "user": pl.Int32(),
    "ip": pl.Boolean(),
    "name": pl.String(),
    "method": pl.String(),
    "app": pl.String(),
    "collector": pl.Boolean(),
    "typed": pl.Boolean(),
    "suspicious": pl.Boolean(),
    "external": pl.Boolean(),
    "scopes": pl.UInt8(),
    "buckets": pl.UInt8(),
    "bytes": pl.Int64(),
}
_PLACE = ("item", "copy_number", "row")


def merge(application: str, activities: Activities, lines: pl.Series, served: Mapping[int, Sequence[Served]]) -> tuple[pl.Series, pl.DataFrame]:
    """(lines as bytes, each with its newline; facts): both in the order of the files."""
    texts = lines.cast(pl.Binary)
    plain = _plain(activities)
    if served:
        carriers = pl.Series(list(served), dtype=pl.UInt32)
        texts = _merge_lines(texts, served)
        odd = pl.DataFrame(_odd(served), schema=plain.schema)
        plain = pl.concat([plain.filter(~pl.col("item").is_in(carriers.implode())), odd]).sort(*_PLACE)
    first = pl.col("row") == 0
    hour = pl.col("time") // HOUR * HOUR
    facts = plain.with_columns(application=pl.lit(application), hour=hour, line=first.cum_sum().cast(pl.UInt32))
    facts = facts.with_columns(line=pl.col("line") - pl.col("line").first().over("hour") + 1)
    return texts, facts.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def _plain(activities: Activities) -> pl.DataFrame:
    """The facts of activities without defects."""
    names = ("time", "visible", "event_time", "activity", "user", "ip", "collides", "late", "displaced")
    items = activities.items.select(names)
    if len(activities.rows) > len(items):
        items = items[activities.rows["item"]]
    return activities.rows.hstack(items).with_columns(
        copy_number=pl.lit(0, pl.UInt8),
        outcome=pl.lit("kept"),
        rule=pl.lit(None, pl.String),
        placed=pl.lit(value=True),
        copy=pl.lit(value=False),
        unknown=pl.lit(None, pl.String),
        defect=pl.lit(None, pl.String),
    )


def _odd(served: Mapping[int, Sequence[Served]]) -> list[dict[str, object]]:
    return [
        {"item": item, "copy_number": number, **one.item, **row}
        for item, several in served.items()
        for number, one in enumerate(several)
        for row in one.rows
    ]


def _merge_lines(texts: pl.Series, served: Mapping[int, Sequence[Served]]) -> pl.Series:
    """The served lines in place of those of their items."""
    counts = np.ones(len(texts), dtype=np.int64)
    for item, several in served.items():
        counts[item] = len(several)
    order = np.repeat(np.arange(len(texts)), counts)
    ends = np.cumsum(counts)
    extra: list[bytes] = []
    for item, several in served.items():
        for number, one in enumerate(several):
            order[ends[item] - len(several) + number] = len(texts) + len(extra)
            extra.append(one.line + b"\n")
    return pl.concat([texts, pl.Series(extra, dtype=pl.Binary)]).gather(pl.Series(order))
