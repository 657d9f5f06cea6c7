"""One run over hourly CSV files of clicks in a fresh process: `ours FOLDER LAKE` (files to raw to clean) or `bare FOLDER OUT` (Polars only).

The bare run does what a person would write who only wants the table: read every file, make times of the epochs, drop equal rows, sort, and write a
Parquet file for each day.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

import measure
import polars as pl

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, RecordTime
from lakehouse.contracts.times import parse_times
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, Records
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake

TIME = "click_timestamp"
NUMBERS = (
    "user_id", "session_id", "session_start", "session_size", "click_article_id", "click_environment",
    "click_deviceGroup", "click_os", "click_country", "click_region", "click_referrer_type",
)  # fmt: skip
NAMES = ("user_id", "session_id", "session_start", "session_size", "click_article_id", TIME, *NUMBERS[5:])
CONTRACT = Contract(
    name="clicks",
    title="Clicks",
    description="For the benchmark.",
    grain="day",
    record=JsonObject(tuple(JsonField(name) for name in NAMES)),
    columns=(Column("event_time", "timestamp", "When.", nullable=False), *(Column(name, "int64", name, nullable=False) for name in NUMBERS)),
    key=("event_time", "session_id", "click_article_id"),
    event_time="event_time",
    times=(RecordTime(TIME, "epoch_ms"),),
    version=1,
    transform_version=1,
    owners=("team:benchmarks",),
)


def transform(records: Records, contract: Contract) -> pl.DataFrame:  # noqa: ARG001  as the kernel calls it
    """A row per click."""
    table = pl.from_arrow(records.table)
    return table.select(
        parse_times(table[TIME], "epoch_ms").alias("event_time"),
        *(pl.col(name).cast(pl.Int64, strict=False) for name in NUMBERS),
        pl.lit(None, pl.String).alias("_extra"),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("_record"),
    )


def ours(folder: Path, url: Path) -> None:
    """Ingest all files, build all days."""
    from lakehouse.accounts.books import total
    from lakehouse.steps.build import build_day, stale_days
    from lakehouse.steps.ingest import ingest

    dataset = Dataset(CONTRACT, transform, FileSource((Feed("clicks", ("*.csv",), Csv()),)))
    lake = open_lake(url).with_settings(LakeSettings(datasets={"clicks": DatasetSettings(start=dt.date(2017, 1, 1))}))
    meter = measure.Meter()
    ingest(lake, dataset, [str(folder)]).raise_for_errors()
    landed = meter.cost()
    days = [build_day(lake, dataset, stale.day) for stale in stale_days(lake, dataset)]
    books = total(a.books for day in days for a in day.accounts.values())
    measure.report(meter.cost(kept=books.kept, lines=books.lines, balanced=books.balanced(), raw_wall=landed.wall, raw_cpu=landed.cpu))


def bare(folder: Path, out: Path) -> None:
    """The same rows, nothing else."""
    meter = measure.Meter()
    every = pl.concat(pl.read_csv(file, schema=dict.fromkeys(NAMES, pl.Int64)) for file in sorted(folder.glob("*.csv.gz")))
    rows = every.with_columns(event_time=pl.from_epoch(TIME, "ms").dt.replace_time_zone("UTC")).drop(TIME).unique().sort("event_time")
    for (day,), of_day in rows.group_by(pl.col("event_time").dt.date()):
        of_day.write_parquet(out / f"{day}.parquet")
    measure.report(meter.cost(kept=rows.height))


if __name__ == "__main__":
    os.environ.setdefault("LAKEHOUSE_TOKEN_KEY", "a key for benchmarks, long enough to be one")
    {"ours": ours, "bare": bare}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
