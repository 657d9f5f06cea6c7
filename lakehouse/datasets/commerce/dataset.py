"""`commerce` as the house knows it."""

from __future__ import annotations

import datetime as dt

from lakehouse.datasets.commerce.contract import CONTRACT
from lakehouse.datasets.commerce.transform import transform
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, JsonLines, Trend

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    engine="polars",
    source=FileSource(
        feeds=(Feed("retail", ("**/*.csv",), Csv()), Feed("events", ("**/*.jsonl", "**/*.ndjson"), JsonLines())),
        lateness=dt.timedelta(hours=24),
    ),
    showcase=("commerce_overview", "commerce_conversion", "commerce_products"),
    top_values=("tenant", "feed", "event_type", "description", "currency"),
    trends=(
        Trend("Revenue by currency", "commerce_revenue", "sum(revenue)", "currency"),
        Trend("Orders by tenant", "commerce_orders", "sum(orders)", "tenant"),
        Trend("Visits with an order by tenant", "commerce_conversion", "sum(visits_with_order)", "tenant"),
    ),
)
