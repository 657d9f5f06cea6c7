"""The contract of `logistics`: three feeds, one clean table of events; `event_type` says which columns a row fills."""

from __future__ import annotations

import datetime as dt

from lakehouse.contracts.model import Column, Contract, RecordTime
from lakehouse.contracts.policies import DriftPolicy, LatenessBy
from lakehouse.datasets.logistics.layout import RECORD

EVENTS, ORDERS, FLIGHTS = "events", "olist", "flights"
CREATED, STATUS_CHANGED, SCAN, POSITION = "shipment.created", "shipment.status.changed", "facility.scan", "driver.position"
STATUS_EXPORTED, LEG_EXPORTED = "shipment.status.exported", "flight.leg.exported"
EVENT_TYPES = (CREATED, STATUS_CHANGED, SCAN, POSITION, STATUS_EXPORTED, LEG_EXPORTED)
STATUSES = ("created", "approved", "picked_up", "in_transit", "out_for_delivery", "delivered", "exception")
SCAN_TYPES = ("arrival", "sort", "departure")
# How far an order had come when it was exported, from the beginning to the end.
ORDER_STATUSES = ("created", "approved", "invoiced", "processing", "shipped", "unavailable", "canceled", "delivered")

COLUMNS = (
    Column(
        "event_time", "timestamp", "When it happened. Orders write UTC; a flight's is its planned departure, local time of the origin as written.",
        "event_time; olist: order_*; flights: FlightDate, CRSDepTime", nullable=False,
    ),
    Column("event_type", "string", "What happened, and so which columns are filled.", "event_type", nullable=False, allowed=EVENT_TYPES),
    Column(
        "dedupe_key", "string",
        "What, beside type and time, makes two rows the same: shipment and status where a status is told, else the event id. Made by us.",
        nullable=False,
    ),
    Column("event_id", "string", "Id of the event; olist: order and status; flights: day, carrier, number, airports.", "event_id", nullable=False),
    Column("feed", "string", "Feed that told it.", nullable=False, allowed=(EVENTS, ORDERS, FLIGHTS)),
    Column("record_version", "int64", "Version that the event was written in; null for what has no envelope.", "event_version"),
    Column(
        "telling", "int64",
        "Of two tellings of the same event the higher is kept. events: the version; olist: 10 x how far the order had come (1 created to 8 "
        "delivered, 0 unknown) + steps with a time, so that a later export wins; flights: 1.",
        "event_version; olist: order_status", nullable=False, minimum=0,
    ),
    Column("producer_time", "timestamp", "When the producer sent it.", "producer_time"),
    Column("ingest_time", "timestamp", "When the producer's platform took it in; null in exports.", "ingest_time"),
    Column("source", "string", "Producer; olist and flights name themselves.", "source", nullable=False),
    Column("trace_id", "string", "Trace of the request that made it.", "trace_id"),
    Column("tenant_id", "string", "Shipper.", "tenant_id"),
    Column("schema_hash", "string", "Hash of the producer's schema.", "schema_hash"),
    Column("shipment_id", "string", "Shipment; an order, in the olist feed.", "payload.shipment_id; olist: order_id"),
    Column("status", "string", "Step of its life.", "payload.status; created for shipment.created; olist: which time it is", allowed=STATUSES),
    Column("order_status", "string", "Status of the order when it was exported.", "order_status", allowed=ORDER_STATUSES, open_vocabulary=True),
    Column("promised_at", "timestamp", "When delivery was promised.", "payload.promised_at; olist: order_estimated_delivery_date"),
    Column("estimated_at", "timestamp", "When delivery is expected by now.", "payload.estimated_delivery_at; v1: payload.eta"),
    Column("exception_code", "string", "What went wrong.", "payload.exception.code; v1: payload.exception_code"),
    Column("facility_id", "string", "Where; flights: the origin.", "payload.facility_id; flights: Origin"),
    Column("origin_facility_id", "string", "Where a shipment or leg begins.", "payload.origin_facility_id; flights: Origin"),
    Column("destination_facility_id", "string", "Where it ends.", "payload.destination_facility_id; flights: Dest"),
    Column("lane_id", "string", "Lane; flights: origin-destination.", "payload.lane_id"),
    Column("carrier_code", "string", "Carrier.", "payload.carrier.code; v1: payload.carrier_code; flights: Carrier"),
    Column("carrier_service", "string", "Service of the carrier, since version 2.", "payload.carrier.service"),
    Column("scan_type", "string", "Kind of scan.", "payload.scan_type", allowed=SCAN_TYPES),
    Column("weight_kg", "float64", "Weight.", "payload.weight_kg", minimum=0, unit="kg"),
    Column("latitude", "float64", "Latitude.", "payload.location.lat; v1: payload.geo.lat", minimum=-90, maximum=90, unit="degrees"),
    Column("longitude", "float64", "Longitude.", "payload.location.lon; v1: payload.geo.lon", minimum=-180, maximum=180, unit="degrees"),
    Column("driver_id", "string", "Driver, an opaque id.", "payload.driver.id; v1: payload.driver_id", pii="identity"),
    Column("driver_phone", "string", "Phone of the driver: the token of its digits.", "payload.driver.phone; v1: payload.driver_phone", pii="email"),
    Column("driver_email", "string", "E-mail address of the driver.", "payload.driver.email; v1: payload.driver_email", pii="email"),
    Column("speed_kmh", "float64", "Speed.", "payload.speed_kmh", minimum=0, maximum=400, unit="km/h"),
    Column("harsh_brakes", "int64", "Harsh brakes since the position before.", "payload.harsh_brakes", minimum=0),
    Column("vehicle_id", "string", "Tail number of the aircraft.", "TailNum"),
    Column("departure_delay_minutes", "int64", "After the plan; below 0 before it. Null where it did not depart.", "DepDelay", unit="minutes"),
    Column("arrival_delay_minutes", "int64", "After the plan. Null where it did not arrive as planned.", "ArrDelay", unit="minutes"),
    Column("is_cancelled", "bool", "Whether the flight was cancelled.", "Cancelled"),
    Column("is_diverted", "bool", "Whether it went elsewhere.", "Diverted"),
    Column("distance_miles", "int64", "Distance.", "Distance", minimum=0, unit="miles"),
)  # fmt: skip

CONTRACT = Contract(
    name="logistics",
    title="Shipments, facilities and drivers",
    description="One row per event: step of a shipment, scan at a facility, position of a driver, flight as a leg. Steps out of order are kept.",
    grain="day",
    record=RECORD,
    columns=COLUMNS,
    key=("event_time", "event_type", "dedupe_key"),
    id_columns=("event_id",),
    event_time="event_time",
    times=(RecordTime("event_time"), RecordTime("order_purchase_timestamp"), RecordTime("FlightDate", "%Y-%m-%d")),
    version=1,
    transform_version=1,
    version_column="telling",
    allowed_lateness=dt.timedelta(hours=24),
    allowed_lateness_by=LatenessBy(
        "event_type",
        (
            (STATUS_CHANGED, dt.timedelta(hours=72)),  # drivers' devices are off line for a weekend
            (POSITION, dt.timedelta(hours=2)),
            (STATUS_EXPORTED, None),  # an export tells of what is over
            (LEG_EXPORTED, None),
        ),
    ),
    ingest_time="ingest_time",
    rows_span_days=True,
    owners=("team:logistics-data",),
    freshness=dt.timedelta(hours=26),
    history=dt.timedelta(days=7305),  # exports of orders and flights reach back to 2014
    drift=DriftPolicy(unknown_fields_error_share=1.0, quarantined_error_share=0.05),  # new fields are told of, and are no error
    tags=(("domain", "logistics"), ("pii", "tokenised")),
)
