"""`listening` as the house knows it."""

from __future__ import annotations

import datetime as dt

from lakehouse.datasets.listening.contract import CONTRACT
from lakehouse.datasets.listening.songs import SONGS
from lakehouse.datasets.listening.transform import transform
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, JsonLines, Trend

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    engine="polars",
    source=FileSource(
        feeds=(Feed("json", ("**/*.json", "**/*.jsonl"), JsonLines()), Feed("csv", ("**/*.csv",), Csv())),
        lateness=dt.timedelta(hours=24),
    ),
    showcase=("listening_overview", "listening_top_songs", "listening_quality_rules"),
    dimensions=(SONGS,),
    top_values=("page", "level", "artist", "song", "browser", "os"),
    trends=(
        Trend("Plays by level", "listening_session_days", "sum(plays)", "level"),
        Trend("Events by page", "listening_pages", "sum(events)", "page"),
        Trend("Records with something odd, by rule", "listening_quality_rules", "sum(records)", "rule", "outcome = 'noted'"),
    ),
)
