"""Rows against the contract: every rule has a row-level reason, and what is no frame of the contract is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, RecordTime
from lakehouse.contracts.types import frame_schema
from lakehouse.engines.kernel.validate import breached, find_faults, pandera_schema, unknown_values

CONTRACT = Contract(
    name="probe",
    title="",
    description="",
    grain="hour",
    record=JsonObject((JsonField("time"),)),
    columns=(
        Column("at", "timestamp", "", nullable=False),
        Column("id", "string", "", nullable=False, pattern=r"[a-z]+-\d+"),
        Column("kind", "string", "", allowed=("play", "stop")),
        Column("colour", "string", "", allowed=("red", "blue"), open_vocabulary=True),
        Column("size", "int64", "", minimum=0, maximum=10),
        Column("share", "float64", "", minimum=0.0, maximum=1.0),
        Column("on", "bool", ""),
    ),
    key=("at", "id"),
    event_time="at",
    times=(RecordTime("time"),),
    version=1,
    transform_version=1,
    owners=(),
)
AT = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
GOOD: dict[str, Any] = {"at": AT, "id": "a-1", "kind": "play", "colour": "red", "size": 5, "share": 0.5, "on": True}


def frame(*rows: dict[str, Any], faults: list[list[str] | None] | None = None) -> pl.DataFrame:
    made = pl.DataFrame([GOOD | row for row in rows], schema=frame_schema(CONTRACT))
    return made.with_columns(pl.Series("_faults", faults, dtype=pl.List(pl.String))) if faults is not None else made


def faults_of(made: pl.DataFrame) -> list[tuple[int, str, str | None]]:
    return find_faults(made, CONTRACT).rows()


def test_good_rows_have_no_faults() -> None:
    assert faults_of(frame({}, {"kind": None, "size": None, "share": None, "on": None, "colour": "green"})) == []
    assert faults_of(frame({}).head(0)) == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ({"at": None}, "null_in_required_column"),
        ({"id": None}, "null_in_required_column"),
        ({"id": "A-1"}, "bad_format"),
        ({"id": "a-1\n"}, "bad_format"),
        ({"id": "xa-1y"}, "bad_format"),
        ({"id": "ä-1"}, "bad_format"),
        ({"kind": "pause"}, "not_allowed"),
        ({"kind": ""}, "not_allowed"),
        ({"size": -1}, "out_of_range"),
        ({"size": 11}, "out_of_range"),
        ({"share": 1.0000001}, "out_of_range"),
        ({"share": -0.1}, "out_of_range"),
        ({"share": float("nan")}, "out_of_range"),
        ({"share": float("inf")}, "out_of_range"),
    ],
)
def test_each_rule_names_its_row_and_column(value: dict[str, Any], rule: str) -> None:
    assert faults_of(frame({}, value, {})) == [(1, rule, next(iter(value)))]


def test_a_row_with_several_faults_has_one_reason() -> None:
    assert len(faults_of(frame({"id": None, "kind": "x", "size": 99}, {}))) == 1


def test_what_the_transform_found_comes_first() -> None:
    found = faults_of(frame({"size": 99}, {"size": 99}, {}, faults=[["not_a_number:size", "other:kind"], [], None]))
    assert found == [(0, "not_a_number", "size"), (1, "out_of_range", "size")]


def test_many_bad_rows_are_all_named() -> None:
    rows = [{"size": n} for n in range(-500, 500)]
    found = find_faults(frame(*rows), CONTRACT)
    assert found["row"].to_list() == [i for i, row in enumerate(rows) if not 0 <= row["size"] <= 10]
    assert found["rule"].unique().to_list() == ["out_of_range"]


def test_a_lazy_frame_is_refused() -> None:
    with pytest.raises(TypeError, match="eager"):
        find_faults(frame({"size": 99}).lazy(), CONTRACT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "broken",
    [
        pl.col("size").cast(pl.Int32),
        pl.col("size").cast(pl.Float64),
        pl.col("on").cast(pl.Int64),
        pl.col("at").cast(pl.Datetime("ms", "UTC")),
        pl.col("at").dt.replace_time_zone(None),
        pl.col("kind").cast(pl.Categorical),
    ],
)
def test_a_transform_that_breaks_its_promise_is_an_error_and_no_bad_data(broken: pl.Expr) -> None:
    with pytest.raises(TypeError, match="broke its promise"):
        find_faults(frame({}).with_columns(broken), CONTRACT)


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(TypeError, match="broke its promise"):
        find_faults(frame({}).drop("kind"), CONTRACT)


def test_nothing_is_coerced() -> None:
    made = frame({"size": 5})
    find_faults(made, CONTRACT)
    assert made.equals(frame({"size": 5}))


def test_values_outside_an_open_vocabulary_are_counted_and_kept() -> None:
    made = frame({"colour": "green"}, {"colour": "green"}, {"colour": "red"}, {"colour": None})
    assert unknown_values(made, CONTRACT) == {"colour=green": 2}
    assert faults_of(made) == []


def test_a_contract_without_rules_accepts_everything() -> None:
    plain = replace(CONTRACT, columns=tuple(Column(c.name, c.type, "") for c in CONTRACT.columns))
    made = frame({"at": None, "id": None, "size": -9})
    assert find_faults(made, plain).height == 0


ODD = {
    "at": st.sampled_from([AT, None]),
    "id": st.sampled_from(["a-1", "a-1\n", "\na-1", "A-1", "", "bb-22", None]),
    "kind": st.sampled_from(["play", "stop", "Play", "", None]),
    "colour": st.sampled_from(["red", "green", None]),
    "size": st.sampled_from([-1, 0, 5, 10, 11, None]),
    "share": st.sampled_from([-0.0, 0.5, 1.0, 1.0000001, -1e-300, float("nan"), float("inf"), float("-inf"), None]),
    "on": st.sampled_from([True, None]),
}


@given(st.lists(st.fixed_dictionaries({}, optional=ODD), max_size=3))
def test_pandera_is_asked_of_exactly_the_rows_that_it_would_refuse(rows: list[dict[str, Any]]) -> None:
    made = frame(*rows) if rows else frame({}).head(0)
    try:
        pandera_schema(CONTRACT).validate(made, lazy=True)
    except SchemaErrors as errors:
        refused = set(errors.failure_cases["index"])
    else:
        refused = set()
    any_bad, bad = breached(CONTRACT)
    assert bool(made.select(any_bad).item()) is bool(refused)
    assert set(made.with_row_index().filter(bad)["index"]) == refused
    assert set(find_faults(made, CONTRACT)["row"]) == refused
