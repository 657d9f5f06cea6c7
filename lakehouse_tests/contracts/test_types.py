"""One declaration, several type systems: they must agree."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from lakehouse.contracts.model import (
    ColumnType,
    DecimalType,
    JsonBool,
    JsonField,
    JsonFloat,
    JsonInt,
    JsonList,
    JsonObject,
    JsonText,
    ListType,
    StructType,
)
from lakehouse.contracts.types import arrow_type, decode_schema, frame_schema, json_arrow_type, polars_type, table_schema, type_name
from lakehouse.datasets.registry import find_dataset

NESTED = ListType(StructType((("scope", "string"), ("sizes", ListType("int64")))))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("string", "string"),
        ("int64", "int64"),
        ("float64", "float64"),
        ("bool", "bool"),
        ("date", "date"),
        ("timestamp", "timestamp"),
        (DecimalType(18, 3), "decimal(18,3)"),
        (ListType("string"), "list<string>"),
        (NESTED, "list<struct<scope: string, sizes: list<int64>>>"),
    ],
)
def test_arrow_and_polars_mean_the_same(kind: ColumnType, name: str) -> None:
    empty = pl.Series("x", [], dtype=polars_type(kind))
    assert pl.Series("x", pa.array([], arrow_type(kind))).dtype == empty.dtype
    assert type_name(kind) == name


def test_json_types_are_read_as_arrow() -> None:
    kind = JsonObject(
        (JsonField("t"), JsonField("i", JsonInt()), JsonField("f", JsonFloat()), JsonField("b", JsonBool()), JsonField("l", JsonList(JsonText())))
    )
    told = pa.struct([("t", pa.string()), ("i", pa.int64()), ("f", pa.float64()), ("b", pa.bool_()), ("l", pa.list_(pa.string()))])
    assert json_arrow_type(kind) == told


def test_a_contract_has_one_schema_in_every_system() -> None:
    contract = find_dataset("workspace_audit").contract
    schema = table_schema(contract)
    assert schema.names == [c.name for c in contract.table_columns]
    assert schema.field("event_time").type == pa.timestamp("us", "UTC")
    assert schema.names[-1] == "event_date"
    assert list(frame_schema(contract)) == [c.name for c in contract.columns]
    assert decode_schema(contract).names == [f.name for f in contract.record.fields]
