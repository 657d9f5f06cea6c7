"""Records of three feeds to rows of one table: one row each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.extra import extra_text
from lakehouse.contracts.model import EXTRA, Contract
from lakehouse.contracts.types import frame_schema
from lakehouse.datasets.clickstream.contract import CATEGORIES, CLICK_TIME, LOG_TIME, LOW_VALUE
from lakehouse.datasets.clickstream.feeds import FEEDS, REQUIRED
from lakehouse.datasets.model import Records

_RECORD, _BOT = "_record", "is_bot"


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """The rows of a block of records (see `Transform`).

    Rows are filtered by the rule `bot` (a program asked, no visitor) and `heartbeat` (the page is still open, nothing happened).
    """
    table = records.table
    repeats = records.repeats if records.repeats is not None else np.ones(table.num_rows, np.int64)
    rows = [FEEDS[feed](_at(table, places), repeats[places]).with_columns(_of(feed, places)) for feed, places in _feeds(table)]
    schema = frame_schema(contract)
    empty = pl.DataFrame(schema={**schema, _RECORD: pl.UInt32(), _BOT: pl.Boolean()}).select(pl.all())
    frame = rows[0] if len(rows) == 1 else pl.concat(rows, how="diagonal").sort(_RECORD) if rows else empty
    frame = frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in empty.schema.items() if name not in frame.columns)
    frame = frame.with_columns(pl.col("event_type").replace_strict(CATEGORIES, default="other", return_dtype=pl.String).alias("event_category"))
    numbers = {name: frame[name] for name, kind in schema.items() if kind == pl.Int64() and frame.schema[name] == pl.String()}
    typed = frame.with_columns(text.cast(pl.Int64, strict=False) for text in numbers.values())
    bad = {name: text.is_not_null() & typed[name].is_null() for name, text in numbers.items()}
    return typed.select(
        *(pl.col(name).cast(kind) for name, kind in schema.items()),
        _extra(records).alias(EXTRA.name),
        _faults(typed, bad),
        _filtered(),
        _RECORD,
    )


def _feeds(table: pa.Table) -> Iterator[tuple[str, np.ndarray]]:
    """The feeds that have records here, and the places of those. A record is told by the field that its time stands in."""
    clicks = pc.is_valid(table[CLICK_TIME]).to_numpy()
    lines = pc.is_valid(table[LOG_TIME]).to_numpy() & ~clicks
    for feed, mask in (("events", ~(clicks | lines)), ("globo", clicks), ("access_log", lines)):
        if mask.any():
            yield feed, np.flatnonzero(mask)


def _at(table: pa.Table, places: np.ndarray) -> pa.Table:
    return table if len(places) == table.num_rows else table.take(pa.array(places))


def _of(feed: str, places: np.ndarray) -> list[pl.Series]:
    return [pl.Series("feed", [feed], dtype=pl.String).new_from_index(0, len(places)), pl.Series(_RECORD, places, dtype=pl.UInt32)]


def _filtered() -> pl.Expr:
    return (
        pl.when(pl.col(_BOT))
        .then(pl.lit("bot"))
        .when(pl.col("event_type").is_in(LOW_VALUE))
        .then(pl.lit("heartbeat"))
        .otherwise(None)
        .alias("_filtered")
    )


def _faults(frame: pl.DataFrame, bad: dict[str, pl.Series]) -> pl.Series:
    """Per row the rules that its values broke before Pandera could see them: "rule:column"."""
    told = {"time_unreadable:event_time": frame["event_time"].is_null(), **{f"not_a_number:{name}": mask for name, mask in bad.items()}}
    for feed, names in REQUIRED.items():
        of_feed = frame["feed"] == feed
        for name in names if of_feed.any() else ():
            rule = f"missing_required:{name}"
            told[rule] = told.get(rule, pl.Series([False])) | (of_feed & frame[name].is_null())
    told = {rule: mask for rule, mask in told.items() if mask.any()}
    if not told:
        return pl.Series("_faults", [None], dtype=pl.List(pl.String)).new_from_index(0, frame.height)
    lists = pl.concat_list(pl.when(mask).then(pl.lit(rule)).otherwise(None) for rule, mask in told.items()).list.drop_nulls()
    return pl.select(lists.alias("_faults")).to_series()


def _extra(records: Records) -> pl.Series:
    """`_extra` per record: the unknown fields, as they stand in the raw text."""
    if not records.extra:
        return pl.Series([None], dtype=pl.String).new_from_index(0, records.table.num_rows)
    found = {index: extra_text(fields).decode() for index, fields in records.extra.items() if fields}
    places = pl.DataFrame({"at": list(found), "text": list(found.values())}, schema={"at": pl.UInt32(), "text": pl.String()})
    rows = pl.DataFrame({"at": pl.int_range(records.table.num_rows, dtype=pl.UInt32, eager=True)})
    return rows.join(places, on="at", how="left", maintain_order="left")["text"]
