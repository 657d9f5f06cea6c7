"""Blocks as lines: what is joined is what was there, and the guesses at bad lines find each kind of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.contracts.model import JsonBool, JsonField, JsonFloat, JsonInt, JsonList, JsonObject, JsonText
from lakehouse.engines.kernel.lines import Lines, suspicious
from lakehouse.engines.kernel.typed import misfits

texts = st.lists(st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=["Cs"]), max_size=6).map(str.encode), max_size=8)
RECORD = JsonObject(
    (
        JsonField("s"),
        JsonField("t", JsonText(numbers=True)),
        JsonField("i", JsonInt()),
        JsonField("f", JsonFloat()),
        JsonField("b", JsonBool()),
        JsonField("o", JsonObject((JsonField("inner", JsonInt()), JsonField("twice")))),
        JsonField("l", JsonList(JsonObject((JsonField("deep", JsonBool()), JsonField("twice", JsonInt()))))),
    )
)
FITTING = b'{"s":"a", "t": 1.5, "i":-7,"f":1e3,"b":true,"o":{"inner":1,"twice":"x"},"l":[{"deep":false,"twice":3}],"unknown":{"s":"b"}}'


@given(texts, st.data(), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_any_selection_of_lines_is_joined_as_it_was_and_read_as_texts(rows: list[bytes], data: st.DataObject, newline: bytes, ended: bool) -> None:
    lines = Lines.split(newline.join(rows) + (newline if ended and rows else b""), 1)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines))), bool)
    chosen = lines.take(kept)
    expected = [lines.text(i) for i in np.flatnonzero(kept)]
    joined = chosen.joined()
    assert [joined[s:e] for s, e in zip(Lines.split(joined, 1).starts, Lines.split(joined, 1).ends, strict=True)] == expected
    assert [t.rstrip("\r\n").encode() for t in chosen.texts()] == expected


@pytest.mark.parametrize("text", [b"", b"a", b'{"_raw":', b"longer than any line"])
def test_lines_are_told_by_what_they_begin_with(text: bytes) -> None:
    lines = Lines.split(b'a\n\n{"_raw":1}\n{"_ra\nab', 1)
    assert lines.beginning(text).tolist() == [lines.text(i).startswith(text) for i in range(len(lines))]


@pytest.mark.parametrize(
    ("line", "odd"),
    [
        (b'{"s":"a"}', False),
        ('{"s":"ä"}'.encode(), False),
        (b'{"s":"a"', True),
        (b'"s":"a"}', True),
        (b'{"o":{"s":"a"}', True),
        (b'{"s":"a\x01"}', True),
        (b'{"s":"a\x00"}', True),
        (b'{"s":"\xff"}', True),
        (b'{"s":"\xe4"}', True),
    ],
)
@pytest.mark.parametrize("neighbours", [(b"", b""), (b'{"s":"before"}\n', b'\n{"s":"\xc3\xa4"}\n')])
def test_bytes_that_speak_against_a_line_are_seen(line: bytes, odd: bool, neighbours: tuple[bytes, bytes]) -> None:
    found = suspicious(Lines.split(line.join(neighbours), 1))
    assert found[1 if neighbours[0] else 0] == odd
    assert found.sum() == odd


MISFITS = """"s":1  "s": {}  "s":[]  "s":true  "t":true  "t":[1]  "i":"7"  "i": 1.0  "i":1e2  "i":9223372036854775808  "f":"1"  "b":1  "b":"true"
"o":[]  "o":"x"  "o":{"inner":"x"}  "l":{}  "l":[{"deep":1}]"""


@pytest.mark.parametrize("value", [m.encode() for line in MISFITS.splitlines() for m in line.split("  ")])
def test_a_field_of_another_type_is_seen_among_lines_that_fit(value: bytes) -> None:
    block = FITTING + b'\n{"before":0,' + value + b"}\n" + FITTING + b"\n"
    assert misfits(Lines.split(block, 1), RECORD).tolist() == [False, True, False]


FITS = r'''"s":null  "t":-1  "i":0  "f":7  "b":null  "o":null  "l":null  "o":{"twice":7}  "s":"\"i\":\"x\""'''


@pytest.mark.parametrize("value", [m.encode() for m in FITS.split("  ")])
def test_what_fits_is_no_misfit_nor_is_a_name_that_has_two_types(value: bytes) -> None:
    assert misfits(Lines.split(b"{" + value + b"}", 1), RECORD).tolist() == [False]


def test_a_record_without_a_name_of_one_type_has_no_misfits() -> None:
    both = JsonObject((JsonField("a"), JsonField("o", JsonObject((JsonField("a", JsonInt()), JsonField("o")))))).fields
    assert misfits(Lines.split(b'{"a":1,"o":2}', 1), JsonObject(both)).tolist() == [False]
