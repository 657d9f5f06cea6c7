"""Records as they are: each column is read as the type that it wants, and what is no such value is a fault."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.contracts.model import Column, Contract, DecimalType, JsonField, JsonInt, JsonObject, JsonText, RecordTime
from lakehouse.datasets.model import Records
from lakehouse.datasets.plain import line_hashes, plain_rows, repeat_numbers

CONTRACT = Contract(
    name="plain",
    title="Plain",
    description="For tests.",
    grain="day",
    record=JsonObject((JsonField("at", JsonText()), JsonField("in", JsonObject((JsonField("n", JsonInt()),))))),
    columns=(
        Column("event_time", "timestamp", "When.", "at", nullable=False),
        Column("whole", "int64", "A number.", "a.b"),
        Column("real", "float64", "A number.", "real"),
        Column("money", DecimalType(18, 2), "Money.", "money"),
        Column("flag", "bool", "Yes or no.", "flag"),
        Column("day", "date", "A day.", "day"),
        Column("note", "string", "Text.", "note"),
        Column("deep", "int64", "A number inside.", "in.n"),
        Column("own", "string", "Filled by the transform."),
    ),
    key=("event_time",),
    event_time="event_time",
    times=(RecordTime("at"),),
    version=1,
    transform_version=1,
    owners=("team:tests",),
)
SOUND = {"at": "1793527200", "a.b": "-7", "real": "1e3", "money": "2.50", "flag": "TRUE", "day": "2026-11-01", "note": "x", "in": {"n": 3}}


def rows_of(*records: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    told = Records(pa.Table.from_pylist([{**SOUND, **record} for record in records]), lambda i: b"line %d" % (i // 2), **{"extra": {}, **more})
    return plain_rows(told, CONTRACT, times={"event_time": "epoch_s"}, nothing=("NA",)).to_dicts()


def test_texts_and_values_become_what_their_column_wants() -> None:
    assert rows_of({}) == [
        {
            "event_time": dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC), "whole": -7, "real": 1000.0, "money": Decimal("2.50"), "flag": True,
            "day": dt.date(2026, 11, 1), "note": "x", "deep": 3, "own": None, "_extra": None, "_faults": [], "_record": 0,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("at", "soon", "time_unreadable:event_time"),
        ("a.b", "7.5", "not_a_number:whole"),
        ("a.b", "9" * 19, "not_a_number:whole"),
        ("real", "inf", "not_a_number:real"),
        ("money", "2.505", "not_a_number:money"),
        ("flag", "yes", "not_a_boolean:flag"),
        ("day", "2026-02-30", "time_unreadable:day"),
    ],
)
def test_what_is_no_such_value_is_null_and_a_fault_of_its_row_only(field: str, value: str, fault: str) -> None:
    bad, good = rows_of({field: value}, {})
    assert (bad["_faults"], bad[fault.split(":")[1]]) == ([fault], None)
    assert good["_faults"] == []


def test_nothing_is_null_and_no_fault_and_text_keeps_its_words() -> None:
    for nothing in ("", "NA"):
        (row,) = rows_of({"a.b": nothing, "real": nothing, "money": nothing, "flag": nothing, "day": nothing, "note": nothing})
        assert [row[name] for name in ("whole", "real", "money", "flag", "day")] == [None] * 5
        assert (row["note"], row["_faults"]) == (nothing or None, [])


def test_what_no_column_claims_is_extra_and_lines_make_ids() -> None:
    first, second = rows_of({}, {}, extra={1: {"more": b"[1]"}})
    assert (first["_extra"], second["_extra"]) == (None, '{"more":[1]}')
    told = Records(pa.Table.from_pylist([SOUND] * 3), lambda i: b"line %d" % (i // 2), {})
    hashes = line_hashes(told).to_list()
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 32
    assert repeat_numbers(told).to_list() == [1, 1, 1]
