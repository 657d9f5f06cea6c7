"""The feeds without envelopes: two overlapping exports of a shop's orders, and flights."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from lakehouse.accounts.books import Books
from lakehouse.datasets.logistics.generator.options import Arguments
from lakehouse.datasets.logistics.generator.shipments import DAY, HOUR, epoch
from lakehouse.datasets.logistics.layout import ORDER_FIELDS, ORDER_STEPS

HEADER = ",".join(ORDER_FIELDS)
AIRLINES = ("AA", "DL", "UA", "WN", "B6")
_AIRPORTS = ("JFK", "LAX", "ORD", "DFW", "ATL", "SEA", "BOS", "DEN", "MIA", "PHX")
_STEPS = tuple(ORDER_STEPS)


class Orders:
    """Orders and their two exports: one in the middle of the last day, one after its end that begins at a quarter of the sample.

    The second tells more of the orders that were under way, and corrects the time of the carrier of every 50th. Of the first, every 300th order has
    a delivery time that is none, or a line cut off.
    """

    def __init__(self, rng: np.random.Generator, arguments: Arguments) -> None:
        self.start = arguments.start
        count, begin = arguments.orders, epoch(arguments.start)
        self.end = epoch(arguments.dates[-1]) + DAY
        created = np.sort(begin + rng.integers(0, self.end - begin, count)) // 1_000 * 1_000
        picked = created + rng.integers(HOUR, 30 * HOUR, count) // 1_000 * 1_000
        approved = np.where(rng.random(count) < 0.02, picked + HOUR, created + rng.integers(60_000, HOUR, count) // 1_000 * 1_000)
        delivered = picked + rng.integers(6 * HOUR, 60 * HOUR, count) // 1_000 * 1_000
        promised = (created // DAY + 2 + rng.integers(0, 3, count)) * DAY
        times = dict(zip(_STEPS, (created, approved, picked, delivered), strict=True))
        self.frame = pl.DataFrame({"order": np.arange(count), **times, "promised": promised})

    def exports(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Both exports: a row per order with the times that were known then (null: not yet)."""
        middle = self.end - DAY // 2
        begin = epoch(self.start)
        quarter = begin + (self.end - begin) // 4
        corrected = pl.when(pl.col("order") % 50 == 3).then(pl.col("picked_up") + 600_000).otherwise(pl.col("picked_up"))
        again = self.frame.filter(pl.col("created") >= quarter).with_columns(corrected.alias("picked_up"))
        first, second = _known(self.frame, middle), _known(again, self.end)
        nth = pl.col("order") % 300
        fault = pl.when(nth == 7).then(pl.lit("bad_time")).when(nth == 150).then(pl.lit("unsplittable"))
        return first.with_columns(fault.alias("fault")), second.with_columns(pl.lit(None, dtype=pl.String).alias("fault"))


def _known(frame: pl.DataFrame, until: int) -> pl.DataFrame:
    told = frame.filter(pl.col("created") < until)
    return told.with_columns(pl.when(pl.col(name) < until).then(pl.col(name)).alias(name) for name in _STEPS)


def order_lines(export: pl.DataFrame) -> pl.Series:
    """The lines of an export, without its header."""
    status = (
        pl.when(pl.col("delivered").is_not_null()).then(pl.lit("delivered"))
        .when(pl.col("picked_up").is_not_null()).then(pl.lit("shipped"))
        .when(pl.col("approved").is_not_null()).then(pl.lit("approved"))
        .otherwise(pl.lit("created"))
    )  # fmt: skip
    times = {name: _written(pl.col(name)) for name in (*_STEPS, "promised")}
    times["delivered"] = pl.when((pl.col("fault") == "bad_time").fill_null(value=False)).then(pl.lit("soon")).otherwise(times["delivered"])
    number = pl.col("order").cast(pl.String).str.zfill(6)
    line = pl.concat_str(pl.concat_str(pl.lit("o"), number), pl.concat_str(pl.lit("c"), number), status, *times.values(), separator=",")
    cut = (pl.col("fault") == "unsplittable").fill_null(value=False)
    return export.select(pl.when(cut).then(pl.concat_str(pl.lit("o"), number, pl.lit(",cut off"))).otherwise(line).alias("line"))["line"]


def order_steps(export: pl.DataFrame) -> pl.DataFrame:
    """The steps that the sound parts of an export tell: `order`, `status`, `at`."""
    sound = export.filter((pl.col("fault") != "unsplittable").fill_null(value=True))
    spoilt = pl.when((pl.col("fault") == "bad_time").fill_null(value=False)).then(None).otherwise(pl.col("delivered")).alias("delivered")
    return sound.with_columns(spoilt).unpivot(list(_STEPS), index="order", variable_name="status", value_name="at").drop_nulls("at")


def order_books(export: pl.DataFrame) -> Books:
    """What becomes of the lines of an export that is read alone."""
    cut, bad = (int((export["fault"] == fault).sum()) for fault in ("unsplittable", "bad_time"))
    kept = order_steps(export).height
    return Books(lines=export.height, unreadable=cut, records=export.height - cut, rows=kept + bad, quarantined=bad, kept=kept)


def flight_lines(rng: np.random.Generator, day: dt.date, count: int) -> tuple[pl.Series, pl.DataFrame]:
    """(lines of the flights of a day, their facts: `carrier`, `origin`, `cancelled`)."""
    carrier, origin = rng.integers(0, len(AIRLINES), count), rng.integers(0, len(_AIRPORTS), count)
    destination, cancelled = (origin + rng.integers(1, len(_AIRPORTS), count)) % len(_AIRPORTS), rng.random(count) < 0.03
    delay, hour = rng.integers(-15, 90, count), rng.integers(5, 23, count)
    frame = pl.DataFrame(
        {
            "carrier": pl.Series(AIRLINES).gather(carrier), "number": 100 + np.arange(count), "origin": pl.Series(_AIRPORTS).gather(origin),
            "destination": pl.Series(_AIRPORTS).gather(destination), "plan": hour * 100 + rng.integers(0, 60, count), "delay": delay,
            "cancelled": cancelled,
        }
    )  # fmt: skip
    told = pl.when(pl.col("cancelled")).then(pl.lit("null")).otherwise(pl.col("delay").cast(pl.String))
    line = pl.concat_str(
        pl.lit(f'{{"FlightDate": "{day}", "Carrier": "'), "carrier", pl.lit('", "FlightNum": '), pl.col("number").cast(pl.String),
        pl.lit(', "Origin": "'), "origin", pl.lit('", "Dest": "'), "destination", pl.lit('", "CRSDepTime": '), pl.col("plan").cast(pl.String),
        pl.lit(', "DepDelay": '), told, pl.lit(', "ArrDelay": '), told, pl.lit(', "Cancelled": '), pl.col("cancelled").cast(pl.Int8).cast(pl.String),
        pl.lit(', "Diverted": 0, "Distance": 700, "TailNum": null, "DivAirports": []}'),
    )  # fmt: skip
    return frame.select(line.alias("line"))["line"], frame.select("carrier", "origin", "cancelled")


def _written(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%d %H:%M:%S").fill_null("")
