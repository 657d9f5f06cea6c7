"""Records of a dimension: one row for each thing, whatever the order; what is refused says why."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.contracts.model import Column, DecimalType
from lakehouse.datasets.model import Csv, Dimension
from lakehouse.engines.kernel.dimension import DimensionRows, dimension_rows
from lakehouse.settings import TokenKey

KEY = TokenKey(b"a key for tests that is long enough")
COLUMNS = (
    Column("facility_id", "string", "Id.", "id", nullable=False),
    Column("valid_from", "date", "From.", "from", nullable=False),
    Column("name", "string", "Name.", "name"),
    Column("docks", "int64", "Docks.", "docks", minimum=0),
    Column("open", "bool", "Whether it is open.", "open"),
    Column("rent", DecimalType(10, 2), "Rent.", "rent"),
    Column("built_at", "timestamp", "When it was built.", "built"),
    Column("keeper", "string", "Who keeps it.", "keeper", pii="email"),
)
FACILITIES = Dimension("facilities", "Facilities.", ("facilities/*.csv",), Csv(), COLUMNS, key=("facility_id", "valid_from"), valid_from="valid_from")
GOOD = {
    "id": "F1",
    "from": "2026-01-01",
    "name": "North",
    "docks": 3,
    "open": True,
    "rent": "12.50",
    "built": "2020-01-01T00:00:00Z",
    "keeper": "ada@example.com",
}


def rows(*records: dict[str, Any] | bytes, dimension: Dimension = FACILITIES) -> DimensionRows:
    """The rows of records, all of one file."""
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    return dimension_rows([("f.csv", number, line) for number, line in enumerate(lines, 1)], dimension, KEY)


def test_a_record_is_typed_and_knows_its_place() -> None:
    made = rows(GOOD)
    assert made.aside.height == 0
    row = made.rows.row(0, named=True)
    assert row.pop("keeper").startswith("tok_")
    assert {name: str(value) for name, value in row.items()} == {
        "facility_id": "F1", "valid_from": "2026-01-01", "name": "North", "docks": "3", "open": "True", "rent": "12.50",
        "built_at": "2020-01-01 00:00:00+00:00", "valid_to": "None", "_file": "f.csv", "_line": "1",
    }  # fmt: skip


def test_texts_of_csv_are_the_same_as_json() -> None:
    texts = {name: "true" if value is True else str(value) for name, value in GOOD.items()}
    assert rows(texts).rows.equals(rows(GOOD).rows)


def test_each_row_holds_until_the_next_of_the_same_thing() -> None:
    made = rows(*(GOOD | {"id": i, "from": f} for i, f in (("F1", "2026-03-01"), ("F2", "2026-02-01"), ("F1", "2026-01-01"))))
    found = made.rows.select("facility_id", "valid_from", "valid_to").rows()
    first, second = dt.date(2026, 1, 1), dt.date(2026, 3, 1)
    assert found == [("F1", first, second), ("F1", second, None), ("F2", dt.date(2026, 2, 1), None)]


@pytest.mark.parametrize(
    ("record", "rule", "field"),
    [
        (b"{", "unreadable_json", None),
        (b"[1]", "not_an_object", None),
        (b'{"id":"F1","id":"F2"}', "unreadable_json", None),
        (b'{"_raw":"a;b"}', "unsplittable", None),
        (GOOD | {"id": ""}, "null_in_required_column", "facility_id"),
        (GOOD | {"from": "soon"}, "time_unreadable", "valid_from"),
        (GOOD | {"built": "1.54224E+12"}, "time_unreadable", "built_at"),
        (GOOD | {"docks": "1.5"}, "not_a_number", "docks"),
        (GOOD | {"docks": -1}, "out_of_range", "docks"),
        (GOOD | {"rent": "much"}, "not_a_number", "rent"),
        (GOOD | {"open": "yes"}, "changed_type", "open"),
        (GOOD | {"name": ["North"]}, "changed_type", "name"),
    ],
)
def test_what_is_refused_says_why(record: dict[str, Any] | bytes, rule: str, field: str | None) -> None:
    made = rows(record, GOOD | {"id": "F9"})
    assert made.rows["facility_id"].to_list() == ["F9"]
    assert made.aside.rows() == [("f.csv", 1, rule, field)]


def test_of_equal_keys_one_stays_and_the_others_are_counted() -> None:
    made = rows(GOOD, GOOD, GOOD | {"name": "South"})
    assert (made.rows.height, made.aside["rule"].to_list(), made.conflicts) == (1, ["duplicate"] * 2, 1)


def test_the_highest_version_wins_before_content_does() -> None:
    columns = (
        Column("id", "string", "Id.", "id", nullable=False),
        Column("edition", "int64", "Edition.", "edition"),
        Column("name", "string", "Name.", "name"),
    )
    editions = Dimension("things", "Things.", ("*.csv",), Csv(), columns, key=("id",), version_column="edition")
    told = [{"id": "1", "edition": e, "name": n} for e, n in ((1, "a"), (3, "z"), (None, "b"), (2, "c"))]
    assert rows(*told, dimension=editions).rows["name"].to_list() == ["z"]


record = st.fixed_dictionaries(
    {"id": st.sampled_from(["F1", "F2", ""]), "from": st.sampled_from(["2026-01-01", "2026-02-01", "x"]), "name": st.sampled_from(["a", "b", None])}
)


@given(st.lists(record, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter_and_the_books_close(records: list[dict[str, Any]], rng: Any) -> None:
    one = rows(*records)
    shuffled = list(records)
    rng.shuffle(shuffled)
    other = rows(*shuffled)
    assert one.rows.drop("_line").equals(other.rows.drop("_line"))
    assert (one.rows.height + one.aside.height, one.conflicts) == (len(records), other.conflicts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": ("nothing",)}, "are not columns"),
        ({"key": ()}, "no key"),
        ({"key": ("name",), "valid_from": None}, "must not be nullable"),
        ({"key": ("facility_id",)}, "must be a date or timestamp of the key"),
    ],
)
def test_a_dimension_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    fields = {
        "name": "facilities",
        "description": "",
        "patterns": ("*",),
        "format": Csv(),
        "columns": COLUMNS,
        "key": FACILITIES.key,
        "valid_from": "valid_from",
    }
    with pytest.raises(ValueError, match=message):
        Dimension(**(fields | changes))
