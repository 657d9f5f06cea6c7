"""Lines of both feeds through the kernel, without a lake; and records to begin with."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block
from lakehouse.settings import TokenKey

DATASET = find_dataset("commerce")
KEY = TokenKey(b"a key for tests that is long enough")
DAY = dt.date(2026, 11, 20)
LANDED = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
Record = dict[str, Any]

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


def changed(record: Record, changes: Record) -> Record:
    """The record with some fields set, by dotted path; `null` takes one out."""
    found: Record = json.loads(json.dumps(record))
    for path, value in changes.items():
        *way, name = path.split(".")
        place = found
        for step in way:
            place = place[step]
        if value is None:
            del place[name]
        else:
            place[name] = value
    return found


def run(*records: Record | bytes, day: dt.date = DAY) -> BlockResult:
    """The records as one block of one part, on the fast path and on the slow one, which must say the same."""
    texts = [r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode() for r in records]
    pieces = [Piece(PartContext(Grain(day), "raw/part", "fetch-1", "events", LANDED, LANDED), 1, len(texts))]
    block = b"\n".join(texts) + b"\n"
    fast, slow = (process_block(block, pieces, contract=DATASET.contract, transform=DATASET.transform, key=KEY, fast=path) for path in (True, False))
    order = ["_line", "line_index"]
    assert fast.rows.sort(order).equals(slow.rows.sort(order))
    assert fast.quarantine.sort("line", "row").equals(slow.quarantine.sort("line", "row"))
    assert fast.books == slow.books
    assert fast.books.balanced()
    return fast


def fates(result: BlockResult) -> list[tuple[int, str, str | None]]:
    """(line, rule, field) of what was refused."""
    return sorted(result.quarantine.select("line", "rule", "field").rows())


def table_of(*records: Record) -> pa.Table:
    """The records as the decoder gives them to a transform."""
    from lakehouse.contracts.types import decode_schema

    return pa.Table.from_pylist(list(records), schema=decode_schema(DATASET.contract))
