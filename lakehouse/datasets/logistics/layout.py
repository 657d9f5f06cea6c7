"""The JSON of the three feeds of `logistics`: events in an envelope (payload version 1 and 2), orders as rows of a CSV, flights."""

from __future__ import annotations

from lakehouse.contracts.model import JsonField, JsonFloat, JsonInt, JsonList, JsonObject, JsonText

_GEO = JsonObject((JsonField("lat", JsonFloat()), JsonField("lon", JsonFloat())))

ENVELOPE_TEXTS = (
    "event_id",
    "event_type",
    "event_time",
    "producer_time",
    "ingest_time",
    "source",
    "trace_id",
    "tenant_id",
    "schema_hash",
    "dedupe_key",
)

PAYLOAD = JsonObject(
    (
        # both versions
        *(JsonField(name) for name in ("shipment_id", "status", "facility_id", "lane_id", "scan_type")),
        *(JsonField(name) for name in ("origin_facility_id", "destination_facility_id", "promised_at")),
        JsonField("weight_kg", JsonFloat()),
        JsonField("speed_kmh", JsonFloat()),
        JsonField("harsh_brakes", JsonInt()),
        # version 1
        JsonField("geo", _GEO),
        *(JsonField(name) for name in ("carrier_code", "eta", "exception_code", "driver_id", "driver_phone", "driver_email")),
        # version 2
        JsonField("location", _GEO),
        JsonField("estimated_delivery_at"),
        JsonField("carrier", JsonObject((JsonField("code"), JsonField("service")))),
        JsonField("exception", JsonObject((JsonField("code"), JsonField("note")))),
        JsonField("driver", JsonObject((JsonField("id"), JsonField("phone"), JsonField("email")))),
    )
)

ORDER_STEPS = {  # the status that each time of an order tells of
    "created": "order_purchase_timestamp",
    "approved": "order_approved_at",
    "picked_up": "order_delivered_carrier_date",
    "delivered": "order_delivered_customer_date",
}
ORDER_FIELDS = ("order_id", "customer_id", "order_status", *ORDER_STEPS.values(), "order_estimated_delivery_date")

FLIGHT_TEXTS = ("FlightDate", "Carrier", "TailNum", "Origin", "Dest", "CancellationCode")
FLIGHT_NUMBERS = ("FlightNum", "CRSDepTime", "DepDelay", "ArrDelay", "Cancelled", "Diverted", "Distance")
# What no column takes stays in raw. It is told here, so that a field that is new to us shows as one.
_FLIGHT_REST_TEXTS = (
    "UniqueCarrier", "OriginCityName", "OriginState", "OriginStateName", "DestCityName", "DestState", "DestStateName", "DepTimeBlk", "ArrTimeBlk",
)  # fmt: skip
_FLIGHT_REST_NUMBERS = (
    "DaysSinceEpoch", "Year", "Quarter", "Month", "DayofMonth", "DayOfWeek", "AirlineID", "OriginAirportID", "OriginAirportSeqID",
    "OriginCityMarketID", "OriginStateFips", "OriginWac", "DestAirportID", "DestAirportSeqID", "DestCityMarketID", "DestStateFips", "DestWac",
    "DepTime", "DepDelayMinutes", "DepDel15", "DepartureDelayGroups", "TaxiOut", "WheelsOff", "WheelsOn", "TaxiIn", "CRSArrTime", "ArrTime",
    "ArrDelayMinutes", "ArrDel15", "ArrivalDelayGroups", "CRSElapsedTime", "ActualElapsedTime", "AirTime", "Flights", "DistanceGroup", "CarrierDelay",
    "WeatherDelay", "NASDelay", "SecurityDelay", "LateAircraftDelay", "FirstDepTime", "TotalAddGTime", "LongestAddGTime", "DivAirportLandings",
    "DivReachedDest", "DivActualElapsedTime", "DivArrDelay", "DivDistance",
)  # fmt: skip
_FLIGHT_TEXT_LISTS = ("DivAirports", "DivTailNums", "RandomAirports")
_FLIGHT_NUMBER_LISTS = ("DivAirportIDs", "DivAirportSeqIDs", "DivWheelsOns", "DivTotalGTimes", "DivLongestGTimes", "DivWheelsOffs")

RECORD = JsonObject(
    (
        *(JsonField(name) for name in ENVELOPE_TEXTS),
        JsonField("event_version", JsonInt()),
        JsonField("payload", PAYLOAD),
        *(JsonField(name) for name in ORDER_FIELDS),
        *(JsonField(name) for name in (*FLIGHT_TEXTS, *_FLIGHT_REST_TEXTS)),
        *(JsonField(name, JsonInt()) for name in FLIGHT_NUMBERS),
        *(JsonField(name, JsonInt(), on_conflict="extra") for name in _FLIGHT_REST_NUMBERS),
        *(JsonField(name, JsonList(JsonText()), on_conflict="extra") for name in _FLIGHT_TEXT_LISTS),
        *(JsonField(name, JsonList(JsonInt()), on_conflict="extra") for name in _FLIGHT_NUMBER_LISTS),
    )
)
