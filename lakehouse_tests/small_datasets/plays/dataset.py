"""`plays`: contract, transform and source."""

from __future__ import annotations

import datetime as dt

import polars as pl

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, RecordTime
from lakehouse.contracts.times import parse_times
from lakehouse.datasets.model import Dataset, Feed, FileSource, JsonLines, Records

CONTRACT = Contract(
    name="plays",
    title="Plays",
    description="Who played which song.",
    grain="day",
    record=JsonObject((JsonField("at", required=True), JsonField("id", required=True), JsonField("song"))),
    columns=(
        Column("event_time", "timestamp", "When.", "at", nullable=False),
        Column("play_id", "string", "Id of the play.", "id", nullable=False),
        Column("song", "string", "Title.", "song"),
    ),
    key=("event_time", "play_id"),
    event_time="event_time",
    times=(RecordTime("at"),),
    version=1,
    transform_version=1,
    owners=("team:tests",),
    history=dt.timedelta(days=30),
)


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """One row per record."""
    frame = pl.DataFrame({name: pl.Series(name, records.table[name].combine_chunks(), dtype=pl.String) for name in ("at", "id", "song")})
    return frame.select(
        parse_times(frame["at"]).alias("event_time"),
        pl.col("id").alias("play_id"),
        "song",
        pl.lit(None, dtype=pl.String).alias("_extra"),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("_record"),
    )


SOURCE = FileSource(feeds=(Feed("logs", ("*.jsonl",), JsonLines()),), lateness=dt.timedelta(hours=12))
DATASET = Dataset(contract=CONTRACT, transform=transform, source=SOURCE)
