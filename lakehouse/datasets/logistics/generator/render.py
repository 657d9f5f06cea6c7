"""Events as JSON, by columns: fragments are chosen and put together, no record is looked at by itself."""

from __future__ import annotations

import polars as pl

from lakehouse.datasets.logistics.contract import CREATED as CREATED_TYPE
from lakehouse.datasets.logistics.contract import POSITION as POSITION_TYPE
from lakehouse.datasets.logistics.contract import SCAN as SCAN_TYPE
from lakehouse.datasets.logistics.contract import STATUS_CHANGED
from lakehouse.datasets.logistics.generator.shipments import CREATED, POSITION, SCAN, STATUS, STATUSES
from lakehouse.datasets.logistics.generator.world import CARRIERS, CODES, FACILITIES, SCANS, SERVICES, facility_name, position_of

_CUT_OFF = 100  # letters that are left of a malformed line
_TYPES = (CREATED_TYPE, STATUS_CHANGED, SCAN_TYPE, POSITION_TYPE)
_SOURCES = ("tms", "handheld", "scanner", "telematics")


def event_lines(lines: pl.DataFrame) -> pl.Series:
    """The text of each line of `make_lines`, in its order, without a newline."""
    placed = lines.with_row_index("_place")
    parts = [_of_kind(rows, kind) for kind in (CREATED, STATUS, SCAN, POSITION) if (rows := placed.filter(pl.col("kind") == kind)).height]
    return pl.concat(parts).sort("_place")["line"]


def _of_kind(rows: pl.DataFrame, kind: int) -> pl.DataFrame:
    payload = {CREATED: _created, STATUS: _status, SCAN: _scan, POSITION: _position}[kind]()
    # Defects are few: an expression would render every line in both ways to choose among them.
    plain = pl.concat_str(_envelope(kind), pl.lit(',"payload":{'), payload, pl.lit("}}"))
    odd = rows.filter(pl.col("defect").is_in(list(_SPOIL)))
    even = rows.filter(~pl.col("defect").is_in(list(_SPOIL)).fill_null(value=False))
    made = [even.select("_place", plain.alias("line"))]
    for (name,), some in odd.group_by("defect"):
        made.append(some.select("_place", plain.alias("line")).with_columns(_SPOIL[str(name)](pl.col("line"))))
    return pl.concat(made)


_SPOIL = {
    "malformed": lambda line: line.str.head(_CUT_OFF),
    "wrong_type": lambda line: line.str.replace(r'"payload":.*$', '"payload":"lost"}'),
    "missing_key": lambda line: line.str.replace('"event_id":', '"note":', literal=True),
    "unknown_version": lambda line: line.str.replace(r'"event_version":[12]', '"event_version":3'),
    "bad_time": lambda line: line.str.replace(r'"event_time":"[^"]*"', '"event_time":"yesterday"'),
    "bad_status": lambda line: line.str.replace(r'"status":"[a-z_]*"', '"status":"teleported"'),
    "unknown_field": lambda line: line.str.replace(r"\}$", ',"mood":{"level":7,"by":"ada@example.com"}}'),
}


def _by_version(first: str | pl.Expr, second: str | pl.Expr) -> pl.Expr:
    one, two = (pl.lit(text) if isinstance(text, str) else text for text in (first, second))
    return pl.when(pl.col("version") == 1).then(one).otherwise(two)


def _choose(texts: list[str] | tuple[str, ...], by: str) -> pl.Expr:
    """The text at the place that a column says, an empty one for -1."""
    return pl.lit(pl.Series([*texts, ""])).gather(pl.when(pl.col(by) < 0).then(len(texts)).otherwise(pl.col(by)))


def _time(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ")


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def _envelope(kind: int) -> pl.Expr:
    return pl.concat_str(
        pl.lit('{"event_id":"e'), _number("number"), pl.when(pl.col("resent")).then(pl.lit("r")).otherwise(pl.lit("")),
        pl.lit(f'","event_type":"{_TYPES[kind]}","event_version":'), _number("version"), pl.lit(',"event_time":"'), _time(pl.col("at")),
        pl.lit('","producer_time":"'), _time(pl.col("at") + 250), pl.lit('","ingest_time":"'), _time(pl.col("ingest")),
        pl.lit(f'","source":"{_SOURCES[kind]}","tenant_id":"shipper_'), (pl.col("carrier").clip(0) + 1).cast(pl.String),
        pl.lit('","schema_hash":"'), _by_version(f"{kind}a17", f"{kind}b42"), pl.lit('"'),
    )  # fmt: skip


def _shipment() -> pl.Expr:
    return pl.concat_str(pl.lit('"shipment_id":"S'), _number("shipment"), pl.lit('"'))


def _facility() -> pl.Expr:
    return _choose([facility_name(n) for n in range(FACILITIES)], "facility")


def _carrier() -> pl.Expr:
    first = [f',"carrier_code":"{code}"' for code in CARRIERS]
    second = [f',"carrier":{{"code":"{code}","service":"{SERVICES[n % 2]}"}}' for n, code in enumerate(CARRIERS)]
    return _by_version(_choose(first, "carrier"), _choose(second, "carrier"))


def _created() -> pl.Expr:
    facilities = [facility_name(n) for n in range(FACILITIES)]
    return pl.concat_str(
        _shipment(), pl.lit(',"origin_facility_id":"'), _choose(facilities, "origin"), pl.lit('","destination_facility_id":"'),
        _choose(facilities, "destination"), pl.lit('","facility_id":"'), _facility(), pl.lit('","lane_id":"'), _choose(facilities, "origin"),
        pl.lit("-"), _choose(facilities, "destination"), pl.lit('","promised_at":"'), _time(pl.col("promised")), pl.lit('","weight_kg":'),
        (pl.col("weight") // 10).cast(pl.String), pl.lit("."), (pl.col("weight") % 10).cast(pl.String), _carrier(),
    )  # fmt: skip


def _status() -> pl.Expr:
    places = [f'"lat":{lat:.3f},"lon":{lon:.3f}}}' for lat, lon in map(position_of, range(FACILITIES))]
    codes = _by_version(
        _choose([f',"exception_code":"{code}"' for code in CODES], "code"), _choose([f',"exception":{{"code":"{code}"}}' for code in CODES], "code")
    )
    driver = pl.when(pl.col("driver") >= 0).then(pl.concat_str(pl.lit(","), _driver())).otherwise(pl.lit(""))
    expected = pl.concat_str(_by_version(',"eta":"', ',"estimated_delivery_at":"'), _time(pl.col("at") + 86_400_000), pl.lit('"'))
    return pl.concat_str(
        _shipment(), pl.lit(',"status":"'), _choose(STATUSES, "status"), pl.lit('","facility_id":"'), _facility(), pl.lit('"'), _carrier(),
        _by_version(',"geo":{', ',"location":{'), _choose(places, "facility"), codes, driver,
        pl.when(pl.col("status") == 2).then(expected).otherwise(pl.lit("")),
    )  # fmt: skip


def _scan() -> pl.Expr:
    return pl.concat_str(_shipment(), pl.lit(',"facility_id":"'), _facility(), pl.lit('","scan_type":"'), _choose(SCANS, "scan"), pl.lit('"'))


def _driver() -> pl.Expr:
    number = _number("driver")
    phone, email = pl.concat_str(pl.lit("+49 (170) 55-"), number.str.zfill(4)), pl.concat_str(pl.lit("driver."), number, pl.lit("@example.com"))
    return pl.concat_str(
        _by_version('"driver_id":"D', '"driver":{"id":"D'), number, _by_version('","driver_phone":"', '","phone":"'), phone,
        _by_version('","driver_email":"', '","email":"'), email, _by_version('"', '"}'),
    )  # fmt: skip


def _position() -> pl.Expr:
    def degrees(column: str) -> pl.Expr:
        value = pl.col(column)
        return pl.concat_str((value // 1_000).cast(pl.String), pl.lit("."), (value % 1_000).cast(pl.String).str.zfill(3))

    return pl.concat_str(
        _driver(), _by_version(',"geo":{"lat":', ',"location":{"lat":'), degrees("latitude"), pl.lit(',"lon":'), degrees("longitude"),
        pl.lit('},"speed_kmh":'), _number("speed"), pl.lit(',"harsh_brakes":'), _number("brakes"),
    )  # fmt: skip
