"""Types derived from a contract: Arrow (decode and table) and Polars."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from lakehouse.contracts.model import (
    ColumnType,
    Contract,
    DecimalType,
    HasColumns,
    JsonBool,
    JsonFloat,
    JsonInt,
    JsonList,
    JsonObject,
    JsonText,
    JsonType,
    ListType,
    StructType,
)

_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_POLARS: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
}


def json_arrow_type(kind: JsonType) -> pa.DataType:
    """The Arrow type that the decoder reads a JSON type into."""
    match kind:
        case JsonText():
            return pa.string()
        case JsonInt():
            return pa.int64()
        case JsonFloat():
            return pa.float64()
        case JsonBool():
            return pa.bool_()
        case JsonList(item):
            return pa.list_(json_arrow_type(item))
        case JsonObject(fields):
            return pa.struct([(f.name, json_arrow_type(f.type)) for f in fields])


def decode_schema(contract: Contract) -> pa.Schema:
    """The Arrow schema of a decoded record."""
    return pa.schema([(f.name, json_arrow_type(f.type)) for f in contract.record.fields])


def arrow_type(kind: ColumnType) -> pa.DataType:
    """The Arrow type of a column."""
    match kind:
        case DecimalType(precision, scale):
            return pa.decimal128(precision, scale)
        case ListType(item):
            return pa.list_(arrow_type(item))
        case StructType(fields):
            return pa.struct([(name, arrow_type(t)) for name, t in fields])
        case _:
            return _ARROW[kind]


def polars_type(kind: ColumnType) -> pl.DataType:
    """The Polars type of a column."""
    match kind:
        case DecimalType(precision, scale):
            return pl.Decimal(precision, scale)
        case ListType(item):
            return pl.List(polars_type(item))
        case StructType(fields):
            return pl.Struct({name: polars_type(t) for name, t in fields})
        case _:
            return _POLARS[kind]


def table_schema(contract: Contract) -> pa.Schema:
    """The Arrow schema of the clean table, partition column included (last)."""
    return pa.schema([pa.field(c.name, arrow_type(c.type)) for c in contract.table_columns])


def frame_schema(contract: HasColumns) -> dict[str, pl.DataType]:
    """The Polars schema of the own columns of a contract or dimension."""
    return {c.name: polars_type(c.type) for c in contract.columns}


def whole(column: pa.ChunkedArray[Any]) -> Any:
    """A column of an Arrow table as one array. `combine_chunks` copies, even what is one piece already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def type_name(kind: ColumnType) -> str:
    """How documentation writes a column type: `list<struct<scope: string>>`."""
    match kind:
        case DecimalType(precision, scale):
            return f"decimal({precision},{scale})"
        case ListType(item):
            return f"list<{type_name(item)}>"
        case StructType(fields):
            return "struct<" + ", ".join(f"{name}: {type_name(t)}" for name, t in fields) + ">"
        case _:
            return kind
