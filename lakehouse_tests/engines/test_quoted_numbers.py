"""Numbers in quotes for the reader of blocks: just those of the fields that take them, and nothing inside texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse.contracts.model import Column, Contract, JsonField, JsonInt, JsonObject, JsonText, RecordTime
from lakehouse.engines.kernel import decode as decoding
from lakehouse.engines.kernel.decode import decode
from lakehouse.engines.kernel.numbers import has_numbers, quote_numbers

NUMBER = JsonText(numbers=True)
RECORD = JsonObject(
    (
        JsonField("ts", NUMBER),
        JsonField("n", NUMBER),
        JsonField("s"),
        JsonField("o", JsonObject((JsonField("n", JsonInt()), JsonField("ts", NUMBER)))),
    )
)
CONTRACT = Contract(
    name="probe", title="", description="", grain="day", record=RECORD, columns=(Column("t", "timestamp", ""),), key=("t",), event_time="t",
    times=(RecordTime("ts"),), version=1, transform_version=1, owners=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        (b'{"ts":1541377992796,"s":"x"}', b'{"ts":"1541377992796","s":"x"}'),
        (b'{"ts" : -0.50 }', b'{"ts" : "-0.50" }'),
        (b'{"ts":1.54224E+12}', b'{"ts":"1.54224E+12"}'),
        (b'{"o":{"ts":7}}', b'{"o":{"ts":"7"}}'),
        (b'{"ts":"7","s":"8"}', None),
        (b'{"ts":null}', None),
        (b'{"n":7}', None),  # the name is a number's elsewhere
        (b'{"s":"\\"ts\\":7"}', None),
        (b'{"a\\"ts":7}', None),
        (b'\xff{"ts":7}', None),
    ],
)
def test_a_line(line: bytes, quoted: bytes | None) -> None:
    assert quote_numbers(line, RECORD) == (quoted or line)


@pytest.mark.parametrize("number", ["01", "1.", "1e999", "12345678901234567890", "1.5.2", "0x1", "1 2", "-", "--1", "1e+", "NaN"])
def test_what_is_no_plain_number_reads_the_same_on_both_paths(number: str) -> None:
    block = f'{{"ts":{number},"s":"a"}}\n{{"ts":5,"s":"b"}}\n'.encode()
    fast, slow = decode(block, 1, CONTRACT), decode(block, 1, CONTRACT, fast=False)
    assert sorted(map(str, fast.records.table.to_pylist())) == sorted(map(str, slow.records.table.to_pylist()))
    assert [(f.number, f.rule) for f in fast.faults] == [(f.number, f.rule) for f in slow.faults]


scalars = (
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8) | st.sampled_from(['"ts":7', "\\", '\\"n":'])
)
records = st.dictionaries(
    st.sampled_from(["ts", "n", "s", "o", 'x"ts', "\\"]), scalars | st.dictionaries(st.sampled_from(["ts", "n"]), scalars), max_size=5
)


@example([{"ts": 1, "s": '"ts":7'}, {"n": "\\", "ts": 2.5}])
@given(st.lists(records, max_size=6))
def test_any_records_read_the_same_on_both_paths(rows: list[object]) -> None:
    block = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    fast, slow = decode(block, 1, CONTRACT), decode(block, 1, CONTRACT, fast=False)

    def told(one: decoding.Decoded) -> object:
        lines = {int(n): (one.records.table.slice(i, 1).to_pylist(), one.records.extra.get(i)) for i, n in enumerate(one.numbers)}
        return lines, sorted((f.number, f.rule, f.field) for f in one.faults)

    assert told(fast) == told(slow)


def test_a_block_of_numbers_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    block = b"".join(b'{"ts":%d,"s":"a"}\n' % n for n in range(100))
    assert has_numbers(block, RECORD)
    monkeypatch.setattr(decoding, "_read_one_by_one", None)  # not asked
    assert decode(block, 1, CONTRACT).records.table["ts"].to_pylist() == [str(n) for n in range(100)]
