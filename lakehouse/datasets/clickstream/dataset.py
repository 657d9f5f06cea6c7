"""`clickstream` as the house knows it."""

from __future__ import annotations

import datetime as dt

from lakehouse.datasets.clickstream.contract import CONTRACT
from lakehouse.datasets.clickstream.transform import transform
from lakehouse.datasets.model import CombinedLog, Csv, Dataset, Feed, FileSource, JsonLines, Trend

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    engine="polars",
    source=FileSource(
        feeds=(
            Feed("events", ("*.jsonl", "**/*.jsonl"), JsonLines()),
            Feed("globo", ("clicks_*.csv", "**/clicks_*.csv"), Csv()),
            Feed("access_log", ("*.log", "**/*.log"), CombinedLog()),
        ),
        lateness=dt.timedelta(hours=24),
    ),
    showcase=("clickstream_sessions", "clickstream_funnel", "clickstream_devices"),
    top_values=("feed", "event_type", "browser", "os", "device_type"),
    trends=(
        Trend("Sessions by feed", "clickstream_daily_sessions", "sum(sessions)", "feed"),
        Trend("Active users by feed", "clickstream_daily_users", "sum(active_users)", "feed"),
        Trend("Sessions that reached a step", "clickstream_funnel", "sum(sessions)", "step"),
    ),
)
