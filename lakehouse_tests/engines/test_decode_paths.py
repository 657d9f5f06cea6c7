"""The fast path and the slow path say the same of any bytes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse.contracts.model import Column, Contract, JsonBool, JsonField, JsonFloat, JsonInt, JsonList, JsonObject, JsonText, RecordTime
from lakehouse.engines.kernel.decode import Decoded, decode

NESTED = JsonObject((JsonField("n", required=True), JsonField("v", JsonText(numbers=True))))
RECORD = JsonObject(
    (
        JsonField("s"),
        JsonField("i", JsonInt()),
        JsonField("f", JsonFloat()),
        JsonField("b", JsonBool()),
        JsonField("t", JsonText(numbers=True)),
        JsonField("o", JsonObject((JsonField("x"), JsonField("y", JsonInt()))), on_conflict="extra"),
        JsonField("l", JsonList(NESTED)),
        JsonField("m", JsonList(JsonText())),
    )
)
CONTRACT = Contract(
    name="probe",
    title="",
    description="",
    grain="hour",
    record=RECORD,
    columns=(Column("s", "timestamp", ""),),
    key=("s",),
    event_time="s",
    times=(RecordTime("s"),),
    version=1,
    transform_version=1,
    owners=(),
)


def told(decoded: Decoded) -> object:
    """All that a decoding says, comparable. Records come in any order."""
    table, extra = decoded.records.table.to_pylist(), decoded.records.extra
    read = {n: (table[i], decoded.records.line(i), extra.get(i)) for i, n in enumerate(decoded.numbers.tolist())}
    assert len(read) == len(table) == len(decoded.numbers)
    return (
        read,
        sorted((f.number, f.rule, f.field, f.is_record) for f in decoded.faults),
        decoded.lines,
        decoded.blank.tolist(),
    )


def same(block: bytes) -> Decoded:
    fast, slow = decode(block, 1, CONTRACT), decode(block, 1, CONTRACT, fast=False)
    assert told(fast) == told(slow)
    assert len(fast.numbers) + len(fast.faults) + len(fast.blank) == fast.lines
    return fast


scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
keys = st.sampled_from(["t", "s", "i", "f", "b", "t", "o", "l", "m", "x", "y", "n", "v", "u", "", "Ü", "a.b"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12)
records = st.dictionaries(keys, values, max_size=6)
fitting = st.fixed_dictionaries(
    {},
    optional={
        "s": st.text(max_size=5),
        "i": st.integers(-(2**63), 2**63 - 1),
        "f": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000),
        "b": st.booleans(),
        "t": st.text(max_size=3) | st.integers(),
        "o": st.fixed_dictionaries({}, optional={"x": st.text(max_size=3), "y": st.integers(-9, 9) | st.text(max_size=1), "z": values}),
        "l": st.lists(st.fixed_dictionaries({}, optional={"n": st.text(max_size=2), "v": st.text(max_size=2), "w": values}), max_size=3),
        "m": st.none() | st.lists(st.text(max_size=2), max_size=3),
        "u": values,
    },
)
ODD = [
    b"",
    b"   ",
    b"\r",
    b"null",
    b"[]",
    b"7",
    b'{"s":"a"} {"s":"b"}',
    b'{"s":"a"}{"s":"b"}',
    b'{"s":',
    b'"b"}',
    b'{"s":"a","s":"b"}',
    b'{"u":{"z":null,"z":null}}',
    b'{"i":NaN}',
    b'{"u":NaN}',
    b'{"f":Infinity}',
    b'{"f":1e999}',
    b'{"u":-1e999}',
    b'{"s":"a\x01"}',
    b'{"s":"a\x00"}',
    b'{"s":"\\ud800"}',
    b'{"s":"\xff"}',
    b'{"s":"a",}',
    b'{"i":01}',
    b'{"i":1.0}',
    b'{"i":1e2}',
    b'{"i":-0}',
    b'{"f":-0}',
    b'{"i":9223372036854775808}',
    b'{"u":18446744073709551616}',
    b'{"u":"2026-01-01 00:00:00"}',
    b'{"l":[null]}',
    b'{"l":[{"n":null}]}',
    b'{"l":[{"n":"a","n2":1},null]}',
    b'{"o":{"y":"x"}}',
    b'{"o":[]}',
    b'{"o":{}}',
    b'{"u":{}}',
    b'{"u":[]}',
    b'{"u":[{}]}',
    b'{"u":[null]}',
    b'{"m":[1]}',
    b'{"m":[null,"a"]}',
    b'{"t":1.50}',
    b'{"t":true}',
    b"\xef\xbb\xbf{}",
    b"{} // c",
    b"{ }",
    b' {"s":"a"}',
    b'{"s":"a"} ',
    b'{"s":"a"}\t',
    b'{"s":"}{"}',
    b'{"s":"} {"}',
    b"[" * 2000 + b"]" * 2000,
    b'{"u":' + b"[" * 200000 + b"]" * 200000 + b"}",
    b'{"u":' + b"[" * 98 + b"]" * 98 + b"}",
    b'{"u":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"u":' + b"[" * 1000 + b"]" * 1000 + b"}",
]


TOKENS = [b"{", b"}", b"}{", b"} {", b'"', b'"s":', b'"l":[', b"]", b",", b":", b"\\", b"null", b"1", b" ", b"\t", b"\x00", b"\r", b'"a"']


def dumped(record: object, compact: bool, ascii_only: bool) -> bytes:
    return json.dumps(record, separators=(",", ":") if compact else None, ensure_ascii=ascii_only).encode(errors="surrogatepass")


lines = (
    st.builds(dumped, records | fitting, st.booleans(), st.booleans())
    | st.sampled_from(ODD)
    | st.binary(max_size=12).map(lambda b: b.replace(b"\n", b""))
)


@pytest.mark.parametrize("line", ODD, ids=lambda b: repr(b[:30]))
def test_odd_lines_alone_and_among_good_ones(line: bytes) -> None:
    same(line)
    same(line + b"\n")
    same(b'{"s":"a","u":1}\n' + line + b'\n{"s":"b","l":[{"n":"q"}]}\n')


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(dumped, fitting, st.booleans(), st.booleans()), max_size=8), st.booleans())
def test_records_that_fit_read_the_same_on_both_paths(rows: list[bytes], ended: bool) -> None:
    same(b"\n".join(rows) + (b"\n" if ended else b""))


@settings(max_examples=500, deadline=None)
@example([b'{"s":"}', b'{"}', b"{} {}"], b"\n")
@given(st.lists(lines, max_size=8), st.sampled_from([b"\n", b"\r\n"]))
def test_any_lines_read_the_same_on_both_paths(rows: list[bytes], newline: bytes) -> None:
    same(newline.join(rows))


@settings(max_examples=300, deadline=None)
@example(rows=[b'{"l":[{"n":"a"}', b'{"n":"b"}]}', b"{} {}"])
@example(rows=[b'{"s":"a"}\x00}', b'{"s":"c"}{}'])
@example(rows=[b"{}null{}", b"{}"])
@given(rows=st.lists(st.lists(st.sampled_from(TOKENS), max_size=8).map(lambda tokens: b"{" + b"".join(tokens) + b"}"), max_size=5))
def test_lines_between_braces_read_the_same_on_both_paths(rows: list[bytes]) -> None:
    """Only the count of records proves that each of them is one: objects that share a line, or that would go on in the next, are told apart by it."""
    same(b"\n".join(rows))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_read_the_same_on_both_paths(block: bytes) -> None:
    same(block)


def test_many_conflicts_are_found_by_halving() -> None:
    rows = [b'{"i":%d,"s":"x"}' % n if n % 97 else b'{"i":"no","s":"x"}' for n in range(1, 1000)]
    decoded = same(b"\n".join(rows))
    assert [f.number for f in decoded.faults] == [n for n in range(1, 1000) if n % 97 == 0]
    assert {(f.rule, f.field) for f in decoded.faults} == {("changed_type", "i")}


def test_superseded_lines_are_not_looked_at() -> None:
    decoded = decode(b'{"s":"a"}\n{broken\n{"s":"c"}\n', 11, CONTRACT, skip=frozenset({12}))
    assert decoded.numbers.tolist() == [11, 13]
    assert decoded.faults == ()
    assert decoded.lines == 2


def test_extra_fields_keep_their_raw_text() -> None:
    block = b'{"s":"a","u":7.0,"big":123456789012345678901234567890,"o":{"x":"1","z":[1.10,2]},"l":[{"n":"p"},{"n":"q","w":1e5}]}\n{"u":1.5}\n'
    decoded = same(block)
    assert decoded.records.extra == {
        0: {"u": b"7.0", "big": b"123456789012345678901234567890", "o": {"z": b"[1.10,2]"}, "l": [{}, {"w": b"1e5"}]},
        1: {"u": b"1.5"},
    }


REQUIRING = JsonObject(
    (
        JsonField("o", JsonObject((JsonField("n", required=True), JsonField("k", JsonInt()))), on_conflict="extra"),
        JsonField("l", JsonList(JsonObject((JsonField("n", required=True),))), on_conflict="extra"),
        JsonField("q", JsonList(JsonObject((JsonField("v", JsonInt(), on_conflict="extra"),)))),
    )
)


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        (b'{"o":{"k":1}}', ("missing_required", "o.n")),
        (b'{"o":{"n":null}}', ("missing_required", "o.n")),
        (b'{"l":[{}]}', ("missing_required", "l[].n")),
        (b'{"l":[{"n":"a"},null]}', ("missing_required", "l[].n")),
        (b'{"o":{"n":5}}', {"o": b'{"n":5}'}),
        (b'{"o":{"n":"a","k":"x"}}', {"o": b'{"n":"a","k":"x"}'}),
        (b'{"o":[]}', {"o": b"[]"}),
        (b'{"l":"x"}', {"l": b'"x"'}),
        (b'{"q":[{"v":"x"},{}]}', {"q": [{"v": b'"x"'}, {}]}),
    ],
)
@pytest.mark.parametrize("neighbour", [b"", b'\n{"o":7}', b'\n{"z":[null,null]}'])
def test_the_fate_of_a_record_does_not_hang_on_its_neighbours(line: bytes, fate: object, neighbour: bytes) -> None:
    contract = replace(CONTRACT, record=JsonObject((*RECORD.fields[:1], *REQUIRING.fields)))
    fast, slow = decode(line + neighbour, 1, contract), decode(line + neighbour, 1, contract, fast=False)
    assert told(fast) == told(slow)
    if isinstance(fate, tuple):
        assert [(f.rule, f.field) for f in fast.faults if f.number == 1] == [fate]
    else:
        assert fast.records.extra[0] == fate


@pytest.mark.parametrize("value", [b"[null,null]", b"[[null,null],[null]]", b'{"a":[null,null,null]}', b'[{"b":[null,null]},{}]'])
def test_unknown_lists_of_nothing_but_nulls_are_read(value: bytes) -> None:
    """The block reader makes broken arrays of them."""
    decoded = same(b'{"s":"a","u":' + value + b'}\n{"s":"b","u":[1]}\n{"l":[{"n":"x","w":' + value + b"}]}")
    assert len(decoded.numbers) == 3
    assert decoded.records.extra[decoded.numbers.tolist().index(1)] == {"u": value}
