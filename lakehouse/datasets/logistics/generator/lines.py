"""Events to the lines that are written of them: each with its defect, when it came, and what must become of it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from lakehouse.datasets.logistics.contract import CONTRACT, STATUS_CHANGED
from lakehouse.datasets.logistics.contract import CREATED as CREATED_TYPE
from lakehouse.datasets.logistics.contract import POSITION as POSITION_TYPE
from lakehouse.datasets.logistics.contract import SCAN as SCAN_TYPE
from lakehouse.datasets.logistics.generator.options import Arguments
from lakehouse.datasets.logistics.generator.shipments import DAY, HOUR, SCAN, STATUS, Numbers, epoch

DEFECTS = (
    "malformed", "wrong_type", "missing_key", "unknown_version", "bad_time", "bad_status", "held", "unknown_field", "duplicate", "retold", "resent",
    "same_id", "late",
)  # fmt: skip
RULES = {
    "malformed": "unreadable_json", "wrong_type": "changed_type", "missing_key": "missing_required", "unknown_version": "unknown_version",
    "bad_time": "time_unreadable", "bad_status": "not_allowed",
}  # fmt: skip
NOT_PLACED = ("malformed", "bad_time")
_NONE = len(DEFECTS)
_OF_KIND = {"bad_status": STATUS, "resent": STATUS, "same_id": SCAN}
_STRAGGLERS = 0.02  # share of the events that take up to half an hour to arrive


def make_lines(rng: np.random.Generator, arguments: Arguments, events: pl.DataFrame, first: int) -> pl.DataFrame:
    """The lines of events: their columns and `number` (of the id, from `first`), `resent`, `version`, `ingest` (ms), `defect` (a name or null),
    `late` (which file) and `fate` (kept, duplicate, held, quarantined or unreadable).
    """
    count, end = events.height, epoch(arguments.dates[-1]) + DAY
    at, kind = events["at"].to_numpy(), events["kind"].to_numpy()
    place = np.searchsorted(np.cumsum([getattr(arguments.defects, name) for name in DEFECTS]), rng.random(count), side="right")
    for name, only in _OF_KIND.items():
        place[(place == DEFECTS.index(name)) & (kind != only)] = _NONE
    place[(place == DEFECTS.index("same_id")) & (at + 1_000 >= end)] = _NONE
    allowed = _allowed(kind)
    held, late = place == DEFECTS.index("held"), np.isin(place, [DEFECTS.index("late"), DEFECTS.index("retold")])
    too_late = at + allowed + rng.integers(HOUR, 3 * HOUR, count)
    place[held & (too_late > end + DAY)] = _NONE  # it has not come yet
    held = place == DEFECTS.index("held")
    straggles = rng.random(count) < _STRAGGLERS
    ingest = at + rng.integers(400, 20_000, count) + np.where(straggles, rng.integers(0, HOUR // 2, count), 0)
    ingest = np.where(held, too_late, np.where(late, at + allowed // 2, ingest))
    third = events["shipment"].to_numpy() % 3
    version = np.where((third == 1) | ((third == 2) & (at < epoch(arguments.half))), 1, 2)
    names = pl.Series("defect", [*DEFECTS, None], dtype=pl.String).gather(place)
    told = events.with_columns(
        names, pl.Series("number", first + np.arange(count)), pl.Series("version", version), pl.Series("ingest", ingest), resent=pl.lit(value=False)
    )
    defect = pl.col("defect")
    fate = (
        pl.when(defect == "malformed").then(pl.lit("unreadable"))
        .when(defect.is_in(list(RULES))).then(pl.lit("quarantined"))
        .when(defect == "held").then(pl.lit("held"))
        .otherwise(pl.lit("kept"))
    )  # fmt: skip
    told = told.with_columns(late=defect.is_in(["late", "held"]).fill_null(value=False), fate=fate)
    return pl.concat([told, *_again(told)])


def _again(told: pl.DataFrame) -> list[pl.DataFrame]:
    """The lines that are there beside the first telling of an event."""
    copy, plain = pl.lit("duplicate").alias("fate"), pl.lit(None, dtype=pl.String).alias("defect")
    having = {name: told.filter(pl.col("defect") == name) for name in ("duplicate", "retold", "resent", "same_id")}
    return [
        having["duplicate"].with_columns(copy, plain),
        having["retold"].with_columns(copy, plain, (3 - pl.col("version")).alias("version"), pl.lit(value=True).alias("late")),
        having["resent"].with_columns(copy, plain, pl.lit(value=True).alias("resent")),
        having["same_id"].with_columns(plain, pl.col("at") + 1_000, pl.col("ingest") + 1_000),
    ]


def _allowed(kind: Numbers) -> Numbers:
    """The allowed lateness of each event, in milliseconds, as the contract says."""
    by = dict(CONTRACT.allowed_lateness_by.allowed) if CONTRACT.allowed_lateness_by is not None else {}
    usual = CONTRACT.allowed_lateness
    told = [by.get(name, usual) or dt.timedelta.max for name in (CREATED_TYPE, STATUS_CHANGED, SCAN_TYPE, POSITION_TYPE)]
    milliseconds: Numbers = np.array([allowed // dt.timedelta(milliseconds=1) for allowed in told])
    return milliseconds[kind]
