"""One piece of work on hourly CSV files of clicks in a fresh process: `ours FOLDER PLACE`, `bare FOLDER PLACE`, `marts FOLDER PLACE`.

`ours`: the dataset `clickstream` as the registry has it, files to raw to clean. `marts`: its marts, published in the lake that `ours` made.
`bare`: what a person would write who only wants the table: read every file, make times of the epochs, drop equal rows, sort, write a Parquet file
for each day.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from pathlib import Path

import measure
import polars as pl

FIRST_DAY = dt.date(2017, 10, 1)
TIME = "click_timestamp"
NAMES = (
    "user_id", "session_id", "session_start", "session_size", "click_article_id", TIME, "click_environment",
    "click_deviceGroup", "click_os", "click_country", "click_region", "click_referrer_type",
)  # fmt: skip
DATASET = "clickstream"
_LONGEST_START = 300  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ours", "bare", "marts"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("place", type=Path)
    parser.add_argument("--files", type=int, help="only the first so many")
    told = parser.parse_args()
    files = sorted(told.folder.glob("*.csv.gz"))[: told.files]
    {"ours": ours, "bare": bare, "marts": marts}[told.what](files, told.place)


def ours(files: list[Path], place: Path) -> None:
    """Ingest all files, build all days."""
    from lakehouse.datasets.registry import find_dataset  # isort: skip  as in every process of ours, before the libraries that have threads
    import pandera.polars  # noqa: F401  imported before the clock starts, as the libraries of the bare script are

    from lakehouse.accounts.books import total
    from lakehouse.engines import polars_engine  # noqa: F401
    from lakehouse.settings import DatasetSettings, LakeSettings, open_lake
    from lakehouse.steps.build import build_days, stale_days
    from lakehouse.steps.ingest import ingest

    dataset = find_dataset(DATASET)
    lake = open_lake(place).with_settings(LakeSettings(datasets={DATASET: DatasetSettings(start=FIRST_DAY)}))
    meter = measure.Meter()
    ingest(lake, dataset, [str(file) for file in files]).raise_for_errors()
    landed = meter.cost()
    with build_days(lake, dataset, [stale.day for stale in stale_days(lake, dataset)]) as builds:
        days = [build() for build in builds]
    books = total(day.books for day in days)
    facts = {"kept": books.kept, "lines": books.lines, "balanced": books.balanced(), "days": len(days)}
    measure.report(meter.cost(raw_wall=landed.wall, raw_cpu=landed.cpu, **facts))


def bare(files: list[Path], place: Path) -> None:
    """The same rows, nothing else."""
    meter = measure.Meter()
    every = pl.concat(pl.read_csv(file, schema=dict.fromkeys(NAMES, pl.Int64)) for file in files)
    rows = every.with_columns(event_time=pl.from_epoch(TIME, "ms").dt.replace_time_zone("UTC")).drop(TIME).unique().sort("event_time")
    for (day,), of_day in rows.group_by(pl.col("event_time").dt.date()):
        of_day.write_parquet(place / f"{day}.parquet")
    measure.report(meter.cost(kept=rows.height))


def marts(files: list[Path], place: Path) -> None:  # noqa: ARG001  they are in the lake
    """Publish all marts. dbt is started and has parsed its project before that, which is told apart. CPU and memory are with the dbt process's."""
    import duckdb

    from lakehouse.datasets.registry import find_dataset
    from lakehouse.marts.build import builds_ahead
    from lakehouse.marts.publish import published_path
    from lakehouse.settings import open_lake
    from lakehouse.steps.publish import publish_marts

    dataset, lake = find_dataset(DATASET), open_lake(place)
    meter = measure.Meter()
    with builds_ahead(lake):
        _wait_for_parsed(place)
        began, dbt_before = meter.cost(), measure.children()
        report = publish_marts(lake, dataset)
        done, dbt = meter.cost(), measure.children()
    path = published_path(lake, dataset)
    with duckdb.connect(str(path), read_only=True) as con:
        events = con.execute("SELECT sum(events) FROM clickstream_daily_events").fetchall()[0][0]
    cost = measure.Cost(done.wall - began.wall, done.cpu - began.cpu + dbt.cpu - dbt_before.cpu, done.peak_mb + dbt.peak_mb)
    facts = {"events": int(events), "marts": len(report.rebuilt), "tests": len(report.tests), "start_wall": began.wall, "start_cpu": dbt_before.cpu}
    measure.report(measure.Cost(cost.wall, cost.cpu, cost.peak_mb, {**facts, "start_mb": began.peak_mb + dbt_before.peak_mb}))


def _wait_for_parsed(place: Path) -> None:
    """Until dbt has left its parsed project in the lake: it does so in one rename, at the end of its start."""
    until = time.monotonic() + _LONGEST_START
    while not list((place / "marts" / ".parsed").glob("*.msgpack")):
        if time.monotonic() > until:
            raise RuntimeError(f"dbt has not parsed its project within {_LONGEST_START} s")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
