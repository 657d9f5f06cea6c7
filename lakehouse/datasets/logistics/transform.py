"""Records of the three feeds to rows: an event or a flight is a row, an order is as many as it tells times of."""

from __future__ import annotations

from typing import Any

import polars as pl

from lakehouse.contracts.extra import extra_column
from lakehouse.contracts.model import Contract
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import frame_schema
from lakehouse.contracts.versions import UNKNOWN_VERSION, upgrade
from lakehouse.datasets.logistics.contract import (
    CREATED,
    EVENTS,
    FLIGHTS,
    LEG_EXPORTED,
    ORDER_STATUSES,
    ORDERS,
    POSITION,
    SCAN,
    STATUS_CHANGED,
    STATUS_EXPORTED,
)
from lakehouse.datasets.logistics.layout import FLIGHT_NUMBERS, FLIGHT_TEXTS, ORDER_FIELDS, ORDER_STEPS
from lakehouse.datasets.logistics.upgrades import UPGRADES
from lakehouse.datasets.model import Records

_RECORD, _PLACE, _STEP = "_record", "_place_of_order", "_step"
_EVENT_FIELDS = ("event_id", "event_type", "event_version", "source", "trace_id", "tenant_id", "schema_hash", "payload")
_TIMES = ("event_time", "producer_time", "ingest_time")
_PAYLOAD_TIMES = ("promised_at", "estimated_delivery_at")
_MIDNIGHT = 2400  # some plans write it for 0:00 of the next day


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """The rows of a block of records (see `Transform`)."""
    table = records.table
    is_order, is_flight = _any_of(table, ORDER_FIELDS), _any_of(table, ("FlightDate", "Carrier", "FlightNum"))
    ways = (
        (_orders, ORDER_FIELDS, is_order),
        (_flights, (*FLIGHT_TEXTS, *FLIGHT_NUMBERS), is_flight & ~is_order),
        (_events, (*_EVENT_FIELDS, *_TIMES), ~is_order & ~is_flight),
    )
    made: list[pl.DataFrame] = []
    for way, fields, mask in ways:
        if mask.any() or not (len(mask) or made):
            found: Any = pl.from_arrow(table.select(fields))
            frame = found.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias(_RECORD))
            made.append(_typed(way(frame if mask.all() else frame.filter(mask)), contract))
    rows = made[0] if len(made) == 1 else pl.concat(made).sort(_RECORD, maintain_order=True)
    return rows.with_columns(extra_column(records.extra, rows[_RECORD]))


def _any_of(table: Any, fields: tuple[str, ...]) -> pl.Series:
    there: Any = pl.from_arrow(table.select(fields))
    found: pl.Series = there.select(pl.any_horizontal(pl.all().is_not_null()).alias("any"))["any"]
    return found


def _typed(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The contract's columns, typed; those that a feed does not know are null."""
    columns = (
        pl.col(name).cast(kind) if name in rows.columns else pl.lit(None, dtype=kind).alias(name) for name, kind in frame_schema(contract).items()
    )
    return rows.select(*columns, "_faults", _RECORD)


# --- events -----------------------------------------------------------------------------------------------------------


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    """Events in their envelope, in the newest version of the payload."""
    frame, unknown = upgrade(frame, frame["event_version"], UPGRADES)
    payload = pl.col("payload").struct
    kind, is_created = pl.col("event_type"), pl.col("event_type") == CREATED
    told = frame.select(
        *(pl.col(name) for name in (_RECORD, *_EVENT_FIELDS[:7], *_TIMES)),
        *(payload.field(name) for name in ("shipment_id", "facility_id", "lane_id", "scan_type", "origin_facility_id", "destination_facility_id")),
        *(payload.field(name) for name in (*_PAYLOAD_TIMES, "weight_kg", "speed_kmh", "harsh_brakes")),
        pl.lit(unknown).alias("_unknown"),
        status=pl.when(is_created).then(pl.lit("created")).otherwise(payload.field("status")),
        exception_code=payload.field("exception").struct.field("code"),
        carrier_code=payload.field("carrier").struct.field("code"),
        carrier_service=payload.field("carrier").struct.field("service"),
        latitude=payload.field("location").struct.field("lat"),
        longitude=payload.field("location").struct.field("lon"),
        driver_id=payload.field("driver").struct.field("id"),
        # However it is written, a phone number is one person's.
        driver_phone=payload.field("driver").struct.field("phone").str.replace_all(r"[^0-9+]", ""),
        driver_email=payload.field("driver").struct.field("email"),
    )
    texts = {name: told[name] for name in (*_TIMES, *_PAYLOAD_TIMES)}
    rows = told.with_columns(parse_times(text).alias(name) for name, text in texts.items())
    unread = {name: texts[name].is_not_null() & rows[name].is_null() for name in texts}
    rows = rows.rename({"estimated_delivery_at": "estimated_at"})
    return rows.with_columns(
        _event_faults(rows, unread),
        record_version="event_version",
        telling=pl.col("event_version").fill_null(0),
        feed=pl.lit(EVENTS),
        dedupe_key=pl.when(kind == STATUS_CHANGED).then(pl.concat_str("shipment_id", pl.lit("|"), "status")).otherwise(pl.col("event_id")),
    )


def _event_faults(rows: pl.DataFrame, unread: dict[str, pl.Series]) -> pl.Series:
    kind = pl.col("event_type")
    of_shipment, moves, drives = kind.is_in([CREATED, STATUS_CHANGED, SCAN]), kind == STATUS_CHANGED, kind == POSITION
    needed = {
        "shipment_id": of_shipment, "status": moves, "facility_id": kind == SCAN, "scan_type": kind == SCAN,
        "promised_at": (kind == CREATED) & ~pl.lit(unread["promised_at"]), "driver_id": drives, "latitude": drives, "longitude": drives,
    }  # fmt: skip
    faults = {
        f"{UNKNOWN_VERSION}:record_version": pl.col("_unknown"),
        "missing_required:record_version": pl.col("event_version").is_null(),
        **{f"missing_required:{name}": pl.col(name).is_null() for name in ("event_id", "event_type", "source")},
        "time_unreadable:event_time": pl.col("event_time").is_null(),
        "missing_required:ingest_time": pl.col("ingest_time").is_null() & ~pl.lit(unread["ingest_time"]),
        **{
            f"time_unreadable:{'estimated_at' if n == 'estimated_delivery_at' else n}": pl.lit(mask)
            for n, mask in unread.items()
            if n != "event_time"
        },
        **{f"missing_required:{name}": where & pl.col(name).is_null() for name, where in needed.items()},
    }
    return _faults(rows, faults)


# --- orders -----------------------------------------------------------------------------------------------------------


def _orders(frame: pl.DataFrame) -> pl.DataFrame:
    """Orders of a shop: every time that a row tells is a step of its shipment. CSV cannot say null, so an empty text is none."""
    texts = frame.with_columns(pl.col(ORDER_FIELDS).replace("", None))
    come = pl.col("order_status").replace_strict({name: nth for nth, name in enumerate(ORDER_STATUSES, 1)}, default=0, return_dtype=pl.Int64)
    steps = pl.sum_horizontal(pl.col(name).is_not_null() for name in ORDER_STEPS.values()).cast(pl.Int64)
    promised = parse_times(texts["order_estimated_delivery_date"])
    orders = texts.select(
        _RECORD,
        pl.int_range(pl.len()).alias(_PLACE),
        promised.alias("promised_at"),
        (promised.is_null() & texts["order_estimated_delivery_date"].is_not_null()).alias("_unpromised"),
        *(pl.col(name).alias(status) for status, name in ORDER_STEPS.items()),
        shipment_id="order_id",
        order_status="order_status",
        telling=10 * come + steps,
    )
    rows = orders.unpivot(
        list(ORDER_STEPS), index=[_RECORD, _PLACE, "promised_at", "_unpromised", "shipment_id", "order_status", "telling"], variable_name="status",
        value_name="_text",
    )  # fmt: skip
    # Without the time of its purchase an order has no place: it is one row, which says so.
    placed = pl.lit(parse_times(texts["order_purchase_timestamp"]).is_not_null()).gather(pl.col(_PLACE))
    rows = rows.filter((pl.col("status") == "created") | (pl.col("_text").is_not_null() & placed)).with_columns(
        pl.col("status").replace_strict({name: nth for nth, name in enumerate(ORDER_STEPS)}, return_dtype=pl.Int64).alias(_STEP)
    )
    rows = rows.sort(_RECORD, _STEP)
    rows = rows.with_columns(
        parse_times(rows["_text"]).alias("event_time"),
        event_type=pl.lit(STATUS_EXPORTED),
        feed=pl.lit(ORDERS),
        source=pl.lit(ORDERS),
        event_id=pl.concat_str("shipment_id", pl.lit(":"), "status"),
        dedupe_key=pl.concat_str("shipment_id", pl.lit("|"), "status"),
    )
    faults = {
        "missing_required:shipment_id": pl.col("shipment_id").is_null(),
        "missing_required:order_status": pl.col("order_status").is_null(),
        "time_unreadable:event_time": pl.col("event_time").is_null(),
        "time_unreadable:promised_at": pl.col("_unpromised"),
    }
    return rows.with_columns(_faults(rows, faults))


# --- flights ----------------------------------------------------------------------------------------------------------


def _flights(frame: pl.DataFrame) -> pl.DataFrame:
    """Flights: each is a leg from one facility to another, at its planned departure."""
    plan, day = pl.col("CRSDepTime"), parse_times(frame["FlightDate"], "%Y-%m-%d")
    legal = plan.is_between(0, _MIDNIGHT) & (plan % 100 < 60)
    departure = day.to_frame("day").with_columns(frame["CRSDepTime"]).select(
        pl.when(legal).then(pl.col("day") + pl.duration(minutes=plan // 100 * 60 + plan % 100)).alias("event_time")
    )["event_time"]  # fmt: skip
    name = pl.concat_str("FlightDate", pl.lit(":"), "Carrier", pl.col("FlightNum").cast(pl.String), pl.lit(":"), "Origin", pl.lit("-"), "Dest")
    needed = {"carrier_code": "Carrier", "event_id": "FlightNum", "origin_facility_id": "Origin", "destination_facility_id": "Dest"}
    faults = {f"missing_required:{ours}": pl.col(theirs).is_null() for ours, theirs in needed.items()}
    faults["time_unreadable:event_time"] = pl.col("event_time").is_null()
    timed = frame.with_columns(departure)
    return timed.select(
        _RECORD,
        "event_time",
        _faults(timed, faults),
        event_type=pl.lit(LEG_EXPORTED),
        feed=pl.lit(FLIGHTS),
        source=pl.lit(FLIGHTS),
        telling=pl.lit(1),
        event_id=name,
        dedupe_key=name,
        carrier_code="Carrier",
        facility_id="Origin",
        origin_facility_id="Origin",
        destination_facility_id="Dest",
        lane_id=pl.concat_str("Origin", pl.lit("-"), "Dest"),
        vehicle_id="TailNum",
        departure_delay_minutes="DepDelay",
        arrival_delay_minutes="ArrDelay",
        is_cancelled=pl.col("Cancelled") == 1,
        is_diverted=pl.col("Diverted") == 1,
        distance_miles="Distance",
    )


def _faults(rows: pl.DataFrame, told: dict[str, pl.Expr]) -> pl.Series:
    """Per row the rules that its values broke before Pandera could see them: "rule:column"; the first one counts."""
    masks = rows.select(mask.fill_null(value=False).alias(rule) for rule, mask in told.items())
    broken = [rule for rule in masks.columns if masks[rule].any()]
    if not broken:  # as nearly everywhere
        return pl.Series("_faults", [None], dtype=pl.List(pl.String)).new_from_index(0, rows.height)
    lists = pl.concat_list(pl.when(rule).then(pl.lit(rule)) for rule in broken).list.drop_nulls()
    return masks.select(pl.when(pl.any_horizontal(broken)).then(lists).alias("_faults"))["_faults"]
