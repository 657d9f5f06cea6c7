"""Rows of records as they are: one row per record, each column read from the place that the contract names, as the type that it wants."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.decimals import parse_decimals
from lakehouse.contracts.extra import extra_text
from lakehouse.contracts.model import EXTRA, Column, Contract, DecimalType
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import frame_schema, whole
from lakehouse.datasets.model import Records

_PATTERNS = {"int64": r"^[+-]?[0-9]{1,19}$", "float64": r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"}
_RULES = {"date": "time_unreadable", "timestamp": "time_unreadable", "bool": "not_a_boolean"}


def plain_rows(records: Records, contract: Contract, *, times: Mapping[str, str] | None = None, nothing: Collection[str] = ("",)) -> pl.DataFrame:
    """The rows of a block of records (see `Transform`), one for each. A column without a `path` is null, for the caller to fill.

    `times`: column -> format of the times in it (`contracts.times`; default `rfc3339`). `nothing`: texts that stand for no value in columns that
    are no text; the empty text is none anywhere. A text that is not what its column wants is null and a fault: `time_unreadable`, `not_a_number`,
    `not_a_boolean`.
    """
    schema, rows = frame_schema(contract), records.table.num_rows
    columns: list[pl.Series] = []
    faults: list[tuple[str, pl.Series]] = []
    for column in contract.columns:
        if column.path is None:
            columns.append(pl.Series(column.name, [None], dtype=schema[column.name]).new_from_index(0, rows))
            continue
        told = _without(leaf(records.table, column.path), [""] if column.type == "string" else ["", *nothing])
        read = _read(told, column, (times or {}).get(column.name, "rfc3339")).cast(schema[column.name])
        columns.append(read.alias(column.name))
        faults.append((f"{_rule(column)}:{column.name}", told.is_not_null() & read.is_null()))
    return pl.DataFrame(
        [
            *columns,
            _extra(records),
            _listed({rule: mask for rule, mask in faults if mask.any()}, rows).alias("_faults"),
            pl.int_range(rows, dtype=pl.UInt32, eager=True).alias("_record"),
        ]
    )


def leaf(table: pa.Table, path: str) -> pl.Series:
    """The values at a dotted path of the records: a field of that very name, or one of an object."""
    if path in table.column_names:
        return pl.Series(path, whole(table[path]))
    first, *inner = path.split(".")
    values: Any = whole(table[first])
    for name in inner:
        values = pc.struct_field(values, name)
    return pl.Series(path, values)


def line_hashes(records: Records) -> pl.Series:
    """For records without an id: the hash (BLAKE2b, 32 hex digits) of each one's line. With `Records.repeats` it makes a key."""
    return pl.Series([hashlib.blake2b(records.line(i), digest_size=16).hexdigest() for i in range(records.table.num_rows)], dtype=pl.String)


def repeat_numbers(records: Records) -> pl.Series:
    """For each record which of the identical lines of its file it is, from 1."""
    return pl.Series(np.ones(records.table.num_rows) if records.repeats is None else records.repeats, dtype=pl.Int64)


def _without(values: pl.Series, nothing: Collection[str]) -> pl.Series:
    return values.set(values.is_in(list(nothing)), None) if values.dtype == pl.String else values


def _read(values: pl.Series, column: Column, fmt: str) -> pl.Series:
    """The values as what the column wants; null where they are no such thing."""
    if column.type == "timestamp":
        return parse_times(values.cast(pl.String), fmt)
    if values.dtype != pl.String or column.type == "string":
        return values
    if isinstance(column.type, DecimalType):
        return parse_decimals(values, column.type)
    match column.type:
        case "date":
            return values.str.to_date("%Y-%m-%d", strict=False)
        case "bool":
            return values.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        case "int64" | "float64":
            plain = pl.select(pl.when(values.str.contains(_PATTERNS[column.type])).then(values)).to_series()
            return plain.cast(pl.Int64 if column.type == "int64" else pl.Float64, strict=False)
        case _:
            return values


def _rule(column: Column) -> str:
    return _RULES.get(column.type, "not_a_number") if isinstance(column.type, str) else "not_a_number"


def _extra(records: Records) -> pl.Series:
    texts = (
        [extra_text(records.extra[i]).decode() if i in records.extra else None for i in range(records.table.num_rows)] if records.extra else [None]
    )
    found = pl.Series(EXTRA.name, texts, dtype=pl.String)
    return found if records.extra else found.new_from_index(0, records.table.num_rows)


def _listed(told: Mapping[str, pl.Series], rows: int) -> pl.Series:
    """For each row the names of the masks that hold for it."""
    if not told:
        return pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, rows)
    return pl.select(pl.concat_list(pl.when(mask).then(pl.lit(rule)).otherwise(None) for rule, mask in told.items()).list.drop_nulls()).to_series()
