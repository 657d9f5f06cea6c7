"""Lines of the three feeds through the kernel, without a lake; and records to begin with."""

from __future__ import annotations

import datetime as dt

from dataset_lines import Record, run_lines

from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.rows import BlockResult

DATASET = find_dataset("logistics")
DAY = dt.date(2026, 11, 20)

_ENVELOPE: Record = {
    "event_id": "e1",
    "event_type": "shipment.status.changed",
    "event_time": "2026-11-20T10:00:00.500Z",
    "producer_time": "2026-11-20T10:00:01Z",
    "ingest_time": "2026-11-20T10:00:02Z",
    "source": "handheld",
    "trace_id": "t1",
    "tenant_id": "shipper_1",
    "schema_hash": "a17",
}
FIRST: Record = {
    **_ENVELOPE,
    "event_version": 1,
    "payload": {
        "shipment_id": "S1",
        "status": "picked_up",
        "facility_id": "F01",
        "geo": {"lat": 52.5, "lon": 13},
        "carrier_code": "NORD",
        "eta": "2026-11-22T00:00:00Z",
        "driver_id": "D1",
        "driver_phone": "+49 (170) 55-0001",
        "driver_email": "Ada@Example.com",
    },
}
SECOND: Record = {
    **_ENVELOPE,
    "event_version": 2,
    "payload": {
        "shipment_id": "S1",
        "status": "picked_up",
        "facility_id": "F01",
        "location": {"lat": 52.5, "lon": 13},
        "carrier": {"code": "NORD", "service": "express"},
        "estimated_delivery_at": "2026-11-22T00:00:00Z",
        "driver": {"id": "D1", "phone": "+49170550001", "email": "ada@example.com"},
    },
}
CREATED: Record = {
    **_ENVELOPE,
    "event_type": "shipment.created",
    "event_version": 2,
    "payload": {
        "shipment_id": "S1",
        "origin_facility_id": "F01",
        "destination_facility_id": "F02",
        "lane_id": "F01-F02",
        "promised_at": "2026-11-22T00:00:00Z",
        "weight_kg": 3.5,
        "carrier": {"code": "NORD"},
    },
}
SCAN: Record = {
    **_ENVELOPE, "event_type": "facility.scan", "event_version": 1, "payload": {"shipment_id": "S1", "facility_id": "F01", "scan_type": "sort"},
}  # fmt: skip
POSITION: Record = {
    **_ENVELOPE,
    "event_type": "driver.position",
    "event_version": 2,
    "payload": {"driver": {"id": "D1"}, "location": {"lat": 52.5, "lon": 13.4}, "speed_kmh": 88, "harsh_brakes": 1},
}
ORDER: Record = {
    "order_id": "o1",
    "customer_id": "c1",
    "order_status": "delivered",
    "order_purchase_timestamp": "2026-11-20 08:26:00",
    "order_approved_at": "2026-11-20 09:00:00",
    "order_delivered_carrier_date": "2026-11-22 10:00:00",
    "order_delivered_customer_date": "2026-11-25 12:00:00",
    "order_estimated_delivery_date": "2026-11-25 00:00:00",
}
FLIGHT: Record = {
    "FlightDate": "2026-11-20", "Carrier": "AA", "FlightNum": 7, "Origin": "JFK", "Dest": "LAX", "CRSDepTime": 905, "DepDelay": 14, "ArrDelay": -3,
    "Cancelled": 0, "Diverted": 0, "Distance": 2475, "TailNum": "N338AA", "Year": 2026, "OriginState": "NY", "DivAirports": [],
}  # fmt: skip
START = {
    "first": FIRST, "second": SECOND, "created": CREATED, "scan": SCAN, "position": POSITION, "order": ORDER, "flight": FLIGHT,
}  # fmt: skip


def run(*records: Record | bytes, day: dt.date = DAY) -> BlockResult:
    """The records as one block of one part."""
    return run_lines(DATASET, *records, day=day, order=("_line", "event_id"))
