"""`listening` as the house knows it."""

from __future__ import annotations

from lakehouse.datasets.listening.contract import CONTRACT
from lakehouse.datasets.listening.songs import SONGS
from lakehouse.datasets.listening.transform import transform
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, JsonLines

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    source=FileSource(feeds=(Feed("json", ("**/*.json", "**/*.jsonl"), JsonLines()), Feed("csv", ("**/*.csv",), Csv()))),
    showcase=("listening_overview", "listening_top_songs", "listening_quality_rules"),
    dimensions=(SONGS,),
)
