"""The shipments that are created on a day, as arrays: their steps and scans over the days after it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.datasets.logistics.generator.options import Arguments
from lakehouse.datasets.logistics.generator.world import CARRIERS, CODES, FACILITIES

EVENTS_PER_SHIPMENT = 10.5
CREATED, STATUS, SCAN, POSITION = range(4)
STATUSES = ("created", "picked_up", "in_transit", "out_for_delivery", "delivered", "exception")
EXCEPTION = STATUSES.index("exception")
HOUR, DAY = 3_600_000, 86_400_000  # milliseconds
_HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 8, 12, 13, 13, 12, 11, 11, 12, 12, 12, 11, 9, 7, 5, 4, 3, 2], float)
_FAILED = 0.06
Numbers = npt.NDArray[np.int64]
# What every event says, a row each: `at` and `ingest` in milliseconds since 1970; `driver`, `code`, `status` and `scan` -1 for none.
COLUMNS = (
    "kind", "at", "shipment", "status", "facility", "origin", "destination", "carrier", "driver", "promised", "weight", "scan", "code", "latitude",
    "longitude", "speed", "brakes",
)  # fmt: skip


def epoch(day: dt.date) -> int:
    """Milliseconds since 1970 at the beginning of a day (UTC)."""
    return (day - dt.date(1970, 1, 1)).days * DAY


def make_shipments(rng: np.random.Generator, arguments: Arguments, day: dt.date, first: int, count: int) -> pl.DataFrame:
    """The events of so many shipments that are created on a day, numbered from `first`; those after the last day of the sample are left out."""
    base, end = epoch(day), epoch(arguments.dates[-1]) + DAY
    hour = rng.choice(24, count, p=_HOURS / _HOURS.sum())
    created = base + hour * HOUR + rng.integers(600_000, HOUR, count)  # after the first ten minutes: clocks that are behind stay in the sample
    origin = rng.integers(0, FACILITIES, count)
    destination = (origin + rng.integers(1, FACILITIES, count)) % FACILITIES
    hub = (origin + destination) % FACILITIES
    promised = base + (2 + (origin + destination) % 2) * DAY + np.where(destination % 2 == 0, 0, 18 * HOUR)
    defects = arguments.defects
    odd = rng.random(count)
    behind, swapped = odd < defects.clock_behind, (odd >= defects.clock_behind) & (odd < defects.clock_behind + defects.steps_swapped)
    picked = np.where(behind, created - 300_000, created + rng.integers(HOUR, 8 * HOUR, count))
    first_leg = np.maximum(picked, created) + rng.integers(HOUR, 6 * HOUR, count)
    second_leg = first_leg + rng.integers(3 * HOUR, 20 * HOUR, count)
    failed = rng.random(count) < _FAILED
    trouble = second_leg + rng.integers(HOUR, 4 * HOUR, count)
    out = second_leg + np.where(failed, 24 * HOUR, 0) + rng.integers(5 * HOUR, 24 * HOUR, count)
    delivered = np.where(swapped, out - 600_000, out + rng.integers(HOUR // 2, 8 * HOUR, count))
    driver = (destination * 7 + rng.integers(0, 5, count)) % arguments.drivers
    every, twice = np.ones(count, bool), rng.random(count) < 0.6
    steps = [
        (CREATED, 0, created, origin, every, -1, -1),
        (STATUS, 1, picked, origin, every, driver, -1),
        (STATUS, 2, first_leg, hub, every, -1, -1),
        (STATUS, 2, second_leg, destination, twice, -1, -1),
        (STATUS, EXCEPTION, trouble, hub, failed, -1, -1),
        (STATUS, 3, out, destination, every, driver, -1),
        (STATUS, 4, delivered, destination, every, driver, -1),
        (SCAN, -1, np.maximum(picked, created) + HOUR // 2, origin, every, -1, 0),
        (SCAN, -1, first_leg - 60_000, origin, every, -1, 2),
        (SCAN, -1, first_leg + HOUR, hub, every, -1, 0),
        (SCAN, -1, second_leg - HOUR, hub, every, -1, 1),
        (SCAN, -1, second_leg + HOUR // 4, destination, every, -1, 0),
    ]
    every_one = pl.DataFrame(
        {
            "shipment": first + np.arange(count), "origin": origin, "destination": destination, "promised": promised,
            "carrier": (origin * 5 + destination) % len(CARRIERS), "weight": rng.integers(1, 400, count), "code": rng.integers(0, len(CODES), count),
        }
    )  # fmt: skip
    parts = []
    for kind, status, at, facility, where, who, scan in steps:
        none = pl.lit(-1)
        told = every_one.with_columns(
            kind=pl.lit(kind), status=pl.lit(status), scan=pl.lit(scan), at=pl.Series(at), facility=pl.Series(facility),
            driver=pl.Series(who) if isinstance(who, np.ndarray) else none, code=pl.col("code") if status == EXCEPTION else none,
            latitude=none, longitude=none, speed=none, brakes=none,
        )  # fmt: skip
        parts.append(told.filter(pl.Series(where & (at < end))).select(pl.col(COLUMNS).cast(pl.Int64)))
    return pl.concat(parts)


def make_positions(rng: np.random.Generator, arguments: Arguments, day: dt.date, count: int) -> pl.DataFrame:
    """So many positions of drivers on a day, between 5:00 and 19:00, each driver around a facility."""
    driver = rng.integers(0, arguments.drivers, count)
    speed = (rng.beta(2, 3, count) * 130).astype(np.int64) + np.where(driver % 7 == 0, 15, 0)
    frame = pl.DataFrame(
        {
            "at": epoch(day) + rng.integers(5 * HOUR, 19 * HOUR, count),
            "driver": driver,
            "latitude": 47_500 + driver * 77 % 6_000 + rng.integers(0, 400, count),  # thousandths of a degree
            "longitude": 6_500 + driver * 131 % 8_000 + rng.integers(0, 400, count),
            "speed": speed,
            "brakes": rng.poisson(0.05 + 0.15 * (driver % 7 == 0), count),
        }
    )
    # A driver is in one place at a time: of two positions of the same instant one is drawn.
    frame = frame.unique(["driver", "at"], keep="first", maintain_order=True)
    rest = {name: -1 for name in COLUMNS if name not in frame.columns} | {"kind": POSITION}
    return frame.with_columns(pl.lit(value, dtype=pl.Int64).alias(name) for name, value in rest.items()).select(pl.col(COLUMNS).cast(pl.Int64))
