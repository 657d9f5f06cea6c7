"""`logistics` as the house knows it."""

from __future__ import annotations

from lakehouse.datasets.logistics.contract import CONTRACT, EVENTS, FLIGHTS, ORDERS
from lakehouse.datasets.logistics.dimensions import DIMENSIONS
from lakehouse.datasets.logistics.transform import transform
from lakehouse.datasets.logistics.windows import WINDOWS
from lakehouse.datasets.model import Csv, Dataset, Feed, FileSource, JsonLines

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    source=FileSource(
        feeds=(
            # Of an export of the shop the orders alone: customers, items and sellers tell of no step of a shipment.
            Feed(ORDERS, ("**/olist_orders_dataset*.csv",), Csv()),
            Feed(FLIGHTS, ("**/airlineStats_*.jsonl", "**/airlineStats_*.json", "flights/**/*.jsonl"), JsonLines()),
            Feed(EVENTS, ("**/*.jsonl", "**/*.ndjson"), JsonLines()),
        )
    ),
    dimensions=DIMENSIONS,
    windows=WINDOWS,
    shown=("event_type", "shipment_id", "status", "facility_id"),
    showcase=("logistics_on_time", "logistics_exceptions", "logistics_driver_behavior_daily"),
)
