"""The reader of blocks is told of few fields, and says the same as if it were told of all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.contracts.model import JsonField, JsonInt, JsonList, JsonObject, JsonText
from lakehouse.contracts.types import json_arrow_type
from lakehouse.engines.kernel import reader, unknown
from lakehouse.engines.kernel.reader import read_block

INNER = JsonObject((JsonField("n"), JsonField("rare"), JsonField("deep", JsonObject((JsonField("x"), JsonField("y", JsonInt()))))))
RECORD = JsonObject((JsonField("s"), JsonField("i", JsonInt()), JsonField("t", JsonText(numbers=True)), JsonField("l", JsonList(INNER))))
USUAL = {"s": "a", "l": [{"n": "b"}]}
LATE = 3_000  # lines, so that the head of the block does not tell


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    """As in a new process."""
    reader._seen.cache_clear()
    yield
    reader._seen.cache_clear()


def text(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def read(rows: list[dict[str, Any]]) -> Any:
    block = text(rows)
    return read_block(block, RECORD, longest=max(map(len, block.splitlines())))


def declared(rows: list[dict[str, Any]]) -> Any:
    """The declared part of a block, with all fields in their types."""
    table = unknown.declared_part(read(rows), RECORD)
    assert table.schema.types == [json_arrow_type(f.type) for f in RECORD.fields]
    table.validate(full=True)
    return table.to_pylist()


def expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_filled(row, RECORD) for row in rows]


def _filled(value: Any, kind: Any) -> Any:
    if isinstance(kind, JsonObject) and value is not None:
        return {f.name: _filled(value.get(f.name), f.type) for f in kind.fields}
    if isinstance(kind, JsonList) and value is not None:
        return [_filled(item, kind.item) for item in value]
    return value


def test_fields_that_no_record_has_are_not_told_and_are_null() -> None:
    rows = [USUAL] * 3
    assert read(rows).schema.names == ["s", "l"]
    assert reader._seen(RECORD).paths == {("s",), ("l",), ("l", "n")}
    assert declared(rows) == expected(rows)


@pytest.mark.parametrize(
    "late",
    [
        {"i": 7},
        {"t": "2026-01-01T00:00:00Z"},
        {"t": "7"},
        {"t": None},
        {"l": [{"rare": "r"}, {"n": None}]},
        {"l": [{"deep": {"y": 1}}, {"deep": {}}]},
        {"l": []},
    ],
    ids=str,
)
def test_a_field_that_turns_up_late_has_its_declared_type(late: dict[str, Any]) -> None:
    rows = [USUAL] * LATE + [late]
    assert len(text([USUAL] * LATE)) > reader._HEAD
    assert declared(rows) == expected(rows)


def test_a_field_that_turned_up_is_told_from_then_on() -> None:
    read([USUAL] * 3)
    read([USUAL, {"i": 7}])
    assert ("i",) in reader._seen(RECORD).paths
    assert declared([USUAL]) == expected([USUAL])


def test_a_declared_field_of_another_type_makes_the_reader_give_up_however_late_it_comes() -> None:
    assert read([USUAL] * LATE + [{"i": "no number"}]) is None
    assert read([USUAL] * LATE + [{"s": 7}]) is None
    assert read([USUAL] * LATE + [{"l": {"n": "x"}}]) is None


def test_undeclared_fields_stand_beside_the_declared_ones() -> None:
    rows = [USUAL, {"u": 1, "l": [{"v": True}]}]
    tree, holders = unknown.unknown_fields(read(rows), RECORD)
    assert (tree, holders.tolist()) == ({"l": {"v": None}, "u": None}, [1])
    assert declared(rows) == expected(rows)


words = st.text("ab7", max_size=3)
deep = st.fixed_dictionaries({}, optional={"x": words, "y": st.integers(-9, 9)})
items = st.fixed_dictionaries({}, optional={"n": words, "rare": st.sampled_from(["r", "2026-01-01", None]), "deep": st.none() | deep})
records = st.fixed_dictionaries(
    {},
    optional={"s": words, "i": st.none() | st.integers(-9, 9), "t": st.sampled_from(["1", "2026-01-01 00:00:00"]), "l": st.lists(items, max_size=3)},
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(records, min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_block_reads_the_same_whatever_blocks_came_before(blocks: list[list[dict[str, Any]]]) -> None:
    for rows in blocks:
        table = read([USUAL, *rows])
        if table is not None:  # of some lists of nulls the reader makes broken arrays, and gives up
            assert declared([USUAL, *rows]) == expected([USUAL, *rows])
