"""`commerce` as the house knows it."""

from __future__ import annotations

from lakehouse.datasets.commerce.contract import CONTRACT
from lakehouse.datasets.commerce.transform import transform
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, JsonLines

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    source=FileSource(feeds=(Feed("retail", ("**/*.csv",), Csv()), Feed("events", ("**/*.jsonl", "**/*.ndjson"), JsonLines()))),
    showcase=("commerce_overview", "commerce_conversion", "commerce_products"),
)
