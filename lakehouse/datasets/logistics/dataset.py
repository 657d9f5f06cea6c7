"""`logistics` as the house knows it."""

from __future__ import annotations

import datetime as dt

from lakehouse.datasets.logistics.contract import CONTRACT, EVENTS, FLIGHTS, ORDERS
from lakehouse.datasets.logistics.dimensions import DIMENSIONS
from lakehouse.datasets.logistics.transform import transform
from lakehouse.datasets.logistics.windows import WINDOWS
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, JsonLines, Trend

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    engine="polars",
    source=FileSource(
        feeds=(
            # Of an export of the shop the orders alone: customers, items and sellers tell of no step of a shipment.
            Feed(ORDERS, ("**/olist_orders_dataset*.csv",), Csv()),
            Feed(FLIGHTS, ("**/airlineStats_*.jsonl", "**/airlineStats_*.json", "flights/**/*.jsonl"), JsonLines()),
            Feed(EVENTS, ("**/*.jsonl", "**/*.ndjson"), JsonLines()),
        ),
        lateness=dt.timedelta(hours=24),
    ),
    dimensions=DIMENSIONS,
    windows=WINDOWS,
    shown=("event_type", "shipment_id", "status", "facility_id"),
    showcase=("logistics_on_time", "logistics_exceptions", "logistics_driver_behavior_daily"),
    top_values=("feed", "event_type", "status", "facility_id", "carrier_code", "exception_code"),
    trends=(
        Trend("Events by type", "logistics_events_daily", "sum(events)", "event_type"),
        Trend("Shipments by feed", "logistics_shipments_daily", "sum(shipments)", "feed"),
        Trend("Late deliveries by feed, against the promised day", "logistics_shipments_daily", "sum(late_by_day)", "feed"),
        Trend("Exceptions by code", "logistics_exceptions", "sum(occurrences)", "code"),
    ),
)
