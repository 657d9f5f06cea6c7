"""What the producers of events changed from one version to the next, as pure functions (see `contracts.versions`).

2: in the payload, `geo` is `location`, `eta` is `estimated_delivery_at`; `carrier_code`, `exception_code` and `driver_*` moved into `carrier`,
   `exception` and `driver`; `carrier.service` and `exception.note` are new.
"""

from __future__ import annotations

import polars as pl

from lakehouse.contracts.versions import Upgrade

_RENAMED = {"geo": "location", "eta": "estimated_delivery_at"}
_MOVED = ("carrier_code", "exception_code", "driver_id", "driver_phone", "driver_email")


def from_1_to_2(records: pl.DataFrame) -> pl.DataFrame:
    """Records of version 1 in the layout of version 2."""
    payload = pl.col("payload").struct
    nothing = pl.lit(None, dtype=pl.String)
    changed = payload.with_fields(
        *(payload.field(old).alias(new) for old, new in _RENAMED.items()),
        _of(("carrier_code",), pl.struct(payload.field("carrier_code").alias("code"), nothing.alias("service"))).alias("carrier"),
        _of(("exception_code",), pl.struct(payload.field("exception_code").alias("code"), nothing.alias("note"))).alias("exception"),
        _of(
            ("driver_id", "driver_phone", "driver_email"),
            pl.struct(payload.field(f"driver_{name}").alias(name) for name in ("id", "phone", "email")),
        ).alias("driver"),
    )
    emptied = changed.struct.with_fields(pl.when(pl.lit(value=False)).then(changed.struct.field(old)).alias(old) for old in (*_RENAMED, *_MOVED))
    return records.with_columns(pl.when(pl.col("payload").is_not_null()).then(emptied).alias("payload"))


def _of(fields: tuple[str, ...], made: pl.Expr) -> pl.Expr:
    """What was made of fields of the payload, or null where none of them is there."""
    return pl.when(pl.any_horizontal(pl.col("payload").struct.field(name).is_not_null() for name in fields)).then(made)


UPGRADES: tuple[Upgrade, ...] = (from_1_to_2,)
