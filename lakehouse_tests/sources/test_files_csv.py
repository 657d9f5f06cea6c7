"""CSV files: every odd row has a defined place, and the fast path says what the exact one says."""

from __future__ import annotations

import json

import pytest
from files_helpers import csv_lines, raw
from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse.datasets.model import Csv
from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.sources.files import content, csv_rows

HEADER = b"a,b,time\n"


def row(*values: str, names: tuple[str, ...] = ("a", "b", "time")) -> bytes:
    return json.dumps(dict(zip(names, values, strict=True)), separators=(",", ":"), ensure_ascii=False).encode()


CASES = {
    "plain": (b"1,2,t\n3,4,u\n", [row("1", "2", "t"), row("3", "4", "u")], [2, 3]),
    "last line without newline": (b"1,2,t\n3,4,u", [row("1", "2", "t"), row("3", "4", "u")], [2, 3]),
    "crlf": (b"1,2,t\r\n3,4,u\r\n", [row("1", "2", "t"), row("3", "4", "u")], [2, 3]),
    "crlf, last line without": (b"1,2,t\r\n3,4,u\r", [row("1", "2", "t"), row("3", "4", "u")], [2, 3]),
    "a return inside": (b"1,x\ry,t\n", [row("1", "x\ry", "t")], [2]),
    "empty fields": (b",,\n1,,\n", [row("", "", ""), row("1", "", "")], [2, 3]),
    "blanks stay": (b" 1 ,2,t \n", [row(" 1 ", "2", "t ")], [2]),
    "an empty line": (b"1,2,t\n\n3,4,u\n", [row("1", "2", "t"), b"", row("3", "4", "u")], [2, 3, 4]),
    "too few fields": (b"1,2\n3,4,u\n", [raw("1,2"), row("3", "4", "u")], [2, 3]),
    "too many fields": (b"1,2,t,9\r\n3,4,u\n", [raw("1,2,t,9"), row("3", "4", "u")], [2, 3]),
    "quoted": (b'"1","2, and","t"\n', [row("1", "2, and", "t")], [2]),
    "a quoted newline": (b'1,"x\ny",t\n3,4,u\n', [row("1", "x\ny", "t"), row("3", "4", "u")], [2, 4]),
    "a quoted crlf stays": (b'1,"x\r\ny",t\r\n3,4,u\r\n', [row("1", "x\r\ny", "t"), row("3", "4", "u")], [2, 4]),
    "doubled quotes": (b'1,"say ""x""",""\n', [row("1", 'say "x"', "")], [2]),
    "a quote inside a field": (b'1,5" disk,t\n', [row("1", '5" disk', "t")], [2]),
    "text behind a quote": (b'1,"x"y,t\n3,4,u\n', [raw('1,"x"y,t'), row("3", "4", "u")], [2, 3]),
    "a quote that is not closed": (b'1,"x,t\n3,4,u\n5,6,v\n', [raw('1,"x,t'), row("3", "4", "u"), row("5", "6", "v")], [2, 3, 4]),
    "closed by the next quote": (b'1,"x,t\n3,"y",u\n5,6,v\n', [raw('1,"x,t'), row("3", "y", "u"), row("5", "6", "v")], [2, 3, 4]),
    "a long record of wrong length": (b'1,"x\ny"\n3,4,u\n', [raw('1,"x\ny"'), row("3", "4", "u")], [2, 4]),
    "a backslash": (b"1,x\\n,t\n", [row("1", "x\\n", "t")], [2]),
    "a tab and a nul": (b"1,x\ty,\0\n", [row("1", "x\ty", "\0")], [2]),
    "no utf-8": (b"1,caf\xe9,t\n3,caf\xc3\xa9,u\n", [raw("1,caf\\xe9,t"), row("3", "café", "u")], [2, 3]),
    "header only": (b"", [], []),
    "a mark in the text": (b"\xef\xbb\xbf1,2,t\n", [row("\ufeff1", "2", "t")], [2]),
    "a line separator": ("1,x\u2028y\x85,t\n".encode(), [row("1", "x\u2028y\x85", "t")], [2]),
}


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_each_odd_row_has_its_line_and_its_number(tmp_path, name, fast):
    text, lines, numbers = CASES[name]
    (tmp_path / "x.csv").write_bytes(HEADER + text)

    told = csv_lines(tmp_path / "x.csv", fast=fast)

    decoded = [json.loads(line) if line else line for line in told.lines]
    assert decoded == [json.loads(line) if line else line for line in lines]
    assert told.numbers == numbers
    assert told.columns == [(record["time"] if record and "time" in record else None,) for record in decoded]


TEXTS = (
    st.lists(
        st.one_of(
            st.sampled_from(
                [b"1,2,3\n", b'1,"2",3\n', b'"', b"\n", b",", b"\r\n", b"\r", b"\xef\xbb\xbf", b"\xff", b"\\", b"\0", "é".encode(), b"x", b"\t"]
            ),
            st.binary(max_size=4),
        ),
        max_size=40,
    )
    .map(b"".join)
    .filter(lambda text: not text.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xfe\xff")))
)


@example(text=b"1,2,3\n\xef\xbb\xbf", columns=1, quote='"', delimiter=",", block=1, longest=8)
@example(text=b"1,2,3\n\xef\xbb\xbfx\n\xef\xbb\xbfy\n", columns=1, quote='"', delimiter=",", block=40, longest=60)
@given(TEXTS, st.sampled_from([1, 2, 3]), st.sampled_from(['"', "'", ""]), st.sampled_from([",", "\t", "|"]), st.integers(1, 40), st.integers(8, 60))
def test_both_paths_say_the_same_of_any_bytes_in_blocks_of_any_size(tmp_path_factory, text, columns, quote, delimiter, block, longest):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(text)
    form = Csv(delimiter, quote, header=("a", "b", "time")[-columns:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "LONGEST_RECORD", longest)
        patch.setattr(content.Content.blocks, "__defaults__", (1 << 20,))
        whole = csv_lines(path, form, fast=False)
        patch.setattr(content, "_CHUNK_BYTES", 1)
        patch.setattr(content.Content.blocks, "__defaults__", (block,))
        assert csv_lines(path, form, fast=True) == whole
        assert csv_lines(path, form, fast=False) == whole


def test_a_header_that_is_declared_makes_every_line_a_row_but_a_header_all_the_same(tmp_path):
    form = Csv(header=("a", "b"))
    (tmp_path / "x.csv").write_bytes(b"1,2\n\na,b\n")
    assert csv_lines(tmp_path / "x.csv", form).numbers == [1, 2, 3]
    (tmp_path / "x.csv").write_bytes(b'"a",b\n1,2\n')
    told = csv_lines(tmp_path / "x.csv", form)
    assert (told.lines, told.numbers) == ([row("1", "2", names=("a", "b"))], [2])


def test_a_header_may_be_quoted_and_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(content.Content.blocks, "__defaults__", (2,))
    monkeypatch.setattr(content, "_CHUNK_BYTES", 1)
    (tmp_path / "x.csv").write_bytes(b'\xef\xbb\xbf"a","two\nlines"\n1,2\n')
    told = csv_lines(tmp_path / "x.csv")
    assert (told.lines, told.numbers) == ([row("1", "2", names=("a", "two\nlines"))], [3])


def test_a_quote_that_is_never_closed_costs_one_line_however_long_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_rows, "LONGEST_RECORD", 100)
    (tmp_path / "x.csv").write_bytes(HEADER + b'1,"open,t\n' + b"3,4,u\n" * 1000)
    told = csv_lines(tmp_path / "x.csv")
    assert (told.lines[0], told.numbers) == (raw('1,"open,t'), list(range(2, 1003)))
    assert set(told.lines[1:]) == {row("3", "4", "u")}


@pytest.mark.parametrize("form", [Csv(",,"), Csv(""), Csv(",", ","), Csv("\n"), Csv("é"), Csv(quote="''")])
def test_what_is_no_dialect_is_refused(tmp_path, form):
    (tmp_path / "x.csv").write_bytes(HEADER)
    with pytest.raises(ConfigurationError, match="one ASCII character each"):
        csv_lines(tmp_path / "x.csv", form)


def test_a_declared_header_that_names_a_column_twice_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(HEADER)
    with pytest.raises(TerminalError, match="names a column twice"):
        csv_lines(tmp_path / "x.csv", Csv(header=("a", "a")))
