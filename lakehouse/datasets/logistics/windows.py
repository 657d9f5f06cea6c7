"""The windows of the platform's notes: key figures every five minutes, throughput of facilities by the minute, days."""

from __future__ import annotations

import datetime as dt

from lakehouse.contracts.windows import EventWindows, Measure
from lakehouse.datasets.logistics.contract import CREATED, POSITION, SCAN, STATUS_CHANGED

_MINUTE = dt.timedelta(minutes=1)
_STREAMED = (CREATED, STATUS_CHANGED, SCAN, POSITION)  # exports come after all is over: no window waits for them
_EVENTS = Measure("events")
_DELIVERED = Measure("delivered", where=("status", "delivered"))
_EXCEPTIONS = Measure("exceptions", where=("status", "exception"))

KPIS = EventWindows(
    name="logistics_kpis_5m",
    size=5 * _MINUTE,
    keys=("event_type", "carrier_code"),
    measures=(_EVENTS, _DELIVERED, _EXCEPTIONS),
    only=("event_type", (CREATED, STATUS_CHANGED)),
    early=_MINUTE,
)
THROUGHPUT = EventWindows(
    name="logistics_facility_throughput",
    size=5 * _MINUTE,
    every=_MINUTE,
    panes="logistics_facility_minutes",
    keys=("facility_id",),
    measures=(
        Measure("scans"),
        *(Measure(name, where=("scan_type", kind)) for name, kind in (("arrivals", "arrival"), ("sorts", "sort"), ("departures", "departure"))),
    ),
    only=("event_type", (SCAN,)),
    early=_MINUTE,
)
DAILY = EventWindows(
    name="logistics_kpis_daily",
    size=dt.timedelta(days=1),
    keys=("event_type",),
    measures=(_EVENTS, _DELIVERED, _EXCEPTIONS, Measure("harsh_brakes", "sum", "harsh_brakes"), Measure("top_speed_kmh", "max", "speed_kmh")),
    only=("event_type", _STREAMED),
    early=dt.timedelta(minutes=15),
)
WINDOWS = (KPIS, THROUGHPUT, DAILY)
