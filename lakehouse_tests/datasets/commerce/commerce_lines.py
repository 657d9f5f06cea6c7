"""Lines of both feeds through the kernel, without a lake; and records to begin with."""

from __future__ import annotations

import datetime as dt

from dataset_lines import Record, run_lines

from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.rows import BlockResult

DATASET = find_dataset("commerce")
DAY = dt.date(2026, 11, 20)

RETAIL: Record = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "WHITE HANGING HEART",
    "Quantity": "6",
    "InvoiceDate": "2026-11-20 08:26:00",
    "UnitPrice": "2.555",
    "CustomerID": "17850.0",
    "Country": "United Kingdom",
}
FIRST: Record = {
    "schema_version": 1,
    "event_id": "e1",
    "event_type": "order_placed",
    "timestamp": "2026-11-20T10:00:00.500Z",
    "merchant_id": "merchant_7",
    "session_id": "s1",
    "user": {"id": "c1", "email": "Ada@Example.com"},
    "order": {
        "order_id": "o1",
        "currency": "EUR",
        "items": [{"product_id": "A", "name": "Cup", "qty": 2, "price": "1.255"}, {"product_id": "B", "qty": 1, "price": "3.1"}],
    },
    "model_scores": {"fraud": 0.25, "propensity": 1},
    "processing_flags": ["pii_contains", "consented"],
    "gdpr": {"region": "EU", "consent": True},
    "lineage": {"producer": "shop", "trace_id": "t1"},
}
SECOND: Record = {
    "schema_version": 2,
    "event_id": "e1",
    "event_type": "order_placed",
    "event_time": "2026-11-20T10:00:00.500Z",
    "tenant_id": "merchant_7",
    "session_id": "s1",
    "customer": {"id": "c1", "email": "Ada@Example.com"},
    "order": {
        "order_id": "o1",
        "currency": "EUR",
        "lines": [{"sku": "A", "name": "Cup", "quantity": 2, "unit_price": "1.255"}, {"sku": "B", "quantity": 1, "unit_price": "3.1"}],
    },
    "ml_context": {"model_scores": {"fraud": 0.25, "propensity": 1}},
    "processing_flags": ["pii_contains", "consented"],
    "gdpr": {"region": "EU", "consent": True},
    "lineage": {"producer": "shop", "trace_id": "t1"},
}
START = {"retail": RETAIL, "first": FIRST, "second": SECOND}


def run(*records: Record | bytes, day: dt.date = DAY) -> BlockResult:
    """The records as one block of one part."""
    return run_lines(DATASET, *records, day=day, order=("_line", "line_index"))
