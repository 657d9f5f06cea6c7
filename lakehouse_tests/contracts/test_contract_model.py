"""A contract that contradicts itself is refused where it is written."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from lakehouse.contracts.extra import extra_text
from lakehouse.contracts.model import PROVENANCE, Column, Contract, JsonField, JsonInt, JsonObject, ListType, RecordTime
from lakehouse.contracts.policies import LatenessBy
from lakehouse.datasets.registry import all_datasets

HOUR = dt.timedelta(hours=1)
GOOD = Contract(
    name="plays",
    title="",
    description="",
    grain="hour",
    record=JsonObject((JsonField("id"), JsonField("at", JsonObject((JsonField("time"), JsonField("n", JsonInt())))))),
    columns=(Column("event_time", "timestamp", "", nullable=False), Column("id", "string", ""), Column("revision", "int64", "")),
    key=("event_time", "id"),
    event_time="event_time",
    times=(RecordTime("at.time"),),
    version=1,
    transform_version=1,
    owners=(),
)


def column(name: str, **more: Any) -> tuple[Column, ...]:
    return (*GOOD.columns, Column(name, more.pop("type", "string"), "", **more))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": column("id")}, "declared twice"),
        ({"columns": column("ID")}, "declared twice"),
        ({"columns": column("_line")}, "every table has"),
        ({"columns": column("event_date")}, "every table has"),
        ({"columns": column("_extra")}, "every table has"),
        ({"columns": column("mail", type=ListType("string"), pii="email")}, "personal data"),
        ({"columns": column("mail", type="int64", pii="identity")}, "personal data"),
        ({"key": ("event_time", "missing")}, "missing"),
        ({"id_columns": ("nothing",)}, "nothing"),
        ({"version_column": "release"}, "release"),
        ({"ingest_time": "taken_in"}, "taken_in"),
        ({"ingest_time": "id"}, "ingest time 'id' must be a timestamp"),
        ({"tags": (("pii", "names stay"),)}, "none for a catalogue"),
        ({"allowed_lateness_by": LatenessBy("nothing", ())}, "'nothing', which is no string column"),
        ({"allowed_lateness_by": LatenessBy("revision", ())}, "'revision', which is no string column"),
        ({"allowed_lateness_by": LatenessBy("id", (("a", None), ("a", HOUR)))}, "a value of 'id' twice"),
        ({"columns": column("kind", allowed=("a", "b")), "allowed_lateness_by": LatenessBy("kind", (("c", HOUR),))}, "the column cannot have"),
        ({"key": ("id",)}, "must be in the key"),
        ({"event_time": "id", "key": ("id",)}, "must be a timestamp"),
        ({"times": (RecordTime("time"),)}, "lead to no text"),
        ({"times": (RecordTime("at"),)}, "lead to no text"),
        ({"times": ()}, "lead to no text"),
        ({"times": (RecordTime("id.time"),)}, "lead to no text"),
    ],
)
def test_a_contradiction_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GOOD, **change)


@pytest.mark.parametrize(
    ("usual", "by", "holds", "told"),
    [
        (None, None, False, "any"),
        (HOUR, None, True, "1:00:00"),
        (None, (("a", None),), False, "any (a: any)"),
        (None, (("a", 2 * HOUR),), True, "any (a: 2:00:00)"),
        (HOUR, (("a", None), ("b", 3 * HOUR)), True, "1:00:00 (a: any, b: 3:00:00)"),
    ],
)
def test_a_contract_says_how_late_rows_may_be(usual: dt.timedelta | None, by: Any, holds: bool, told: str) -> None:
    contract = replace(GOOD, allowed_lateness=usual, allowed_lateness_by=by and LatenessBy("id", by))
    assert (contract.holds_late, contract.lateness_told) == (holds, told)


def test_a_good_contract_knows_its_columns() -> None:
    assert replace(GOOD, version_column="revision").version_column == "revision"
    assert [c.name for c in GOOD.table_columns] == ["event_time", "id", "revision", "_extra", *(c.name for c in PROVENANCE), "event_date"]
    assert GOOD.content_columns == ("event_time", "id", "revision", "_extra")
    assert GOOD.column("_line").type == "int64"
    with pytest.raises(KeyError, match="nowhere"):
        GOOD.column("nowhere")


def test_every_dataset_of_the_house_has_described_its_columns() -> None:
    for dataset in all_datasets():
        assert all(c.description for c in dataset.contract.table_columns)
        assert not dataset.contract.column(dataset.contract.event_time).nullable
        assert dataset.contract.owners


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        ({}, b"{}"),
        ({"a": b"7.0", "b": {"c": [{}, {"d": b"null"}]}}, b'{"a":7.0,"b":{"c":[{},{"d":null}]}}'),
        ({'quo"te\n': b'"x"', "é": b"1"}, '{"quo\\"te\\n":"x","é":1}'.encode()),
        (b"1e5", b"1e5"),
    ],
)
def test_extra_is_written_from_raw_text(tree: Any, text: bytes) -> None:
    assert extra_text(tree) == text
