"""JSON Lines, JSON documents, access logs: what each line of a file becomes, whatever the size of the blocks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from files_helpers import Lines, found, packed, raw
from hypothesis import given
from hypothesis import strategies as st

import lakehouse
from lakehouse.datasets.model import CombinedLog, FileFormat, JsonDocument, JsonLines
from lakehouse.errors import TerminalError
from lakehouse.sources.files import content, json_text
from lakehouse.sources.files.access_log import read_access_log
from lakehouse.sources.files.json_text import read_json_document, read_json_lines

LOG = (
    b'192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "http://example.com/\\"q\\"" "Mozilla/4.08 [en]"',
    b'host - - [10/Oct/2000:13:55:36 -0700] "GET /b HTTP/1.0" 304 -',
    b'host - John Doe [10/Oct/2000:13:55:36 -0700] "-" 408 0 "-" "-"',
)
LOG_RECORDS = [
    {
        "host": "192.0.2.7", "ident": "-", "user": "frank", "time": "10/Oct/2000:13:55:36 -0700", "request": "GET /a HTTP/1.0",
        "status": "200", "size": "2326", "referer": 'http://example.com/\\"q\\"', "agent": "Mozilla/4.08 [en]",
    },
    {"host": "host", "ident": "-", "user": "-", "time": "10/Oct/2000:13:55:36 -0700", "request": "GET /b HTTP/1.0", "status": "304", "size": "-"},
    {
        "host": "host", "ident": "-", "user": "John Doe", "time": "10/Oct/2000:13:55:36 -0700", "request": "-",
        "status": "408", "size": "0", "referer": "-", "agent": "-",
    },
]  # fmt: skip


def read(folder, name: str, data: bytes, form: FileFormat) -> Lines:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(packed(name, data))
    source = content.Content(found(path, form))
    told = Lines()
    if isinstance(form, JsonLines):
        batches = read_json_lines(source)
    elif isinstance(form, JsonDocument):
        batches = read_json_document(source, form)
    else:
        batches = read_access_log(source, wanted=("time",))
    for one in batches:
        told.add(one)
    return told


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.jsonl.zst", "packed but not named so"])
def test_json_lines_land_as_they_stand_with_their_numbers(tmp_path, name):
    text = b'\xef\xbb\xbf{"a": 1}\n\n  {"a":\xff}\r\nno json\n{"a":2}'
    if name.startswith("packed"):
        text = gzip.compress(text)
    told = read(tmp_path, name, text, JsonLines())
    assert told.lines == [b'{"a": 1}', b"", b'  {"a":\xff}', b"no json", b'{"a":2}']
    assert told.numbers == [1, 2, 3, 4, 5]


def test_a_gz_of_several_members_is_read_to_its_end_and_one_that_is_cut_names_the_file(tmp_path):
    two = gzip.compress(b"1\n2") + gzip.compress(b"3\n4\n")
    assert read(tmp_path, "x", two, JsonLines()).lines == [b"1", b"23", b"4"]
    with pytest.raises(TerminalError, match=r"x is damaged or cut short: .*Nothing of it landed"):
        read(tmp_path, "x", two[:-3], JsonLines())
    with pytest.raises(TerminalError, match="is damaged or cut short"):
        read(tmp_path, "x", two + b"garbage", JsonLines())


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\r", b'{"b":1}', b"\xff"]), max_size=30).map(b"".join), st.integers(1, 20))
def test_the_size_of_a_block_changes_nothing(tmp_path_factory, text, size):
    folder = tmp_path_factory.mktemp("blocks")
    if text.startswith(b"\xff"):
        text = b"x" + text
    whole = read(folder, "x.jsonl", text, JsonLines())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "_CHUNK_BYTES", 1)
        patch.setattr(content.Content.blocks, "__defaults__", (size,))
        assert read(folder, "x.jsonl", text, JsonLines()) == whole
    ended = text if text.endswith(b"\n") or not text else text + b"\n"
    assert whole.lines == ended.replace(b"\r\n", b"\n").split(b"\n")[:-1]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "LONGEST_LINE", 1000)
    monkeypatch.setattr(content, "_CHUNK_BYTES", 100)
    monkeypatch.setattr(content.Content.blocks, "__defaults__", (100,))
    with pytest.raises(TerminalError, match="has a line of more than 0 MiB"):
        read(tmp_path, "x.jsonl", b"x" * 5000, JsonLines())


@pytest.mark.parametrize("first", [b'[{"a":1}]', b'[{"a":1}', b"{", b"[", b"[1]", b'{"a":1', b'["a",', b"[]"])
def test_a_bad_line_at_the_beginning_is_a_line_and_the_others_go_on(tmp_path, first):
    assert read(tmp_path, "x.jsonl", first + b'\n{"a":2}\n{"a":3}\n', JsonLines()).lines == [first, b'{"a":2}', b'{"a":3}']


@pytest.mark.parametrize(
    "text", [b'[{"a":1}]', b'\n [ {"a":1} ]\n\n', b'[{"a":1},\n{"a":2}]\n', b'[{\n"a": [\n1]}]\n', b'[\r\n  {"a":1}\r\n]', b'{\r\n  "a": 1\r\n}\r\n']
)
def test_a_document_is_no_file_of_lines(tmp_path, text):
    with pytest.raises(TerminalError, match="is a JSON document, expected JSON Lines"):
        read(tmp_path, "x.jsonl", text, JsonLines())


DOCUMENTS = {
    "an array": (b'[{"a": 1}, 2,\n {"b": [1,\n2]}]', "", [b'{"a": 1}', b"2", b'{"b": [1,2]}']),
    "an array at a path": (b'{"x":[9],"r":{"n":1,"items":[{"a":"]"}]}}', "r.items", [b'{"a":"]"}']),
    "an empty array": (b"[]", "", []),
    "an item that is none": (b'[{"a":1},{"a":NaN},{"a":2}]', "", [b'{"a":1}', b'{"a":NaN}', b'{"a":2}']),
    "an item that is none, at a path": (b'{"x":1,"r":[{"a":1,},{"a":2}]}', "r", [b'{"a":1,}', b'{"a":2}']),
    "a line break in a string": (b'[{"a":"x\ny"},{"a":2}]', "", [raw('{"a":"x\ny"}'), b'{"a":2}']),
    "cut": (b'[{"a":1},{"a":', "", [raw('[{"a":1},{"a":')]),
    "cut behind the array": (b'{"r":[1]', "r", [raw('{"r":[1]')]),
    "no array at the path": (b'{"r":{"a":1}}', "r", [raw('{"r":{"a":1}}')]),
    "nothing at the path": (b'{"a":1}', "r.s", [raw('{"a":1}')]),
    "no document": (b"<html>", "", [raw("<html>")]),
    "two documents": (b"[1][2]", "", [raw("[1][2]")]),
    "no utf-8": (b"caf\xe9", "", [raw("caf\\xe9")]),
    "blank": (b" \n", "", []),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_records_of_a_document_land_as_they_stand_numbered_by_their_place(tmp_path, name):
    text, path, lines = DOCUMENTS[name]
    told = read(tmp_path, "x.json", text, JsonDocument(path))
    assert told.lines == lines
    assert told.numbers == list(range(1, len(lines) + 1))


def test_of_a_document_that_is_none_only_the_beginning_lands_and_one_too_large_is_refused(tmp_path, monkeypatch):
    (line,) = read(tmp_path, "x.json", b"x" * 1_000_000, JsonDocument()).lines
    assert line == raw("x" * (1 << 16))
    monkeypatch.setattr(json_text, "LARGEST_DOCUMENT", 1000)
    with pytest.raises(TerminalError, match="Write it as JSON Lines"):
        read(tmp_path, "x.json", b"[" + b"1," * 1000 + b"1]", JsonDocument())


def test_lines_of_an_access_log_become_objects_of_their_fields(tmp_path):
    told = read(tmp_path, "x.log", b"\n".join((*LOG, b"", b"no line", b"caf\xe9", LOG[0] + b"\r")), CombinedLog())
    assert [json.loads(line) for line in told.lines[:3]] == LOG_RECORDS
    assert told.lines[3:6] == [b"", raw("no line"), raw("caf\\xe9")]
    assert json.loads(told.lines[6]) == LOG_RECORDS[0]
    assert told.numbers == [1, 2, 3, 4, 5, 6, 7]
    assert told.columns[0] == ("10/Oct/2000:13:55:36 -0700",)
    assert told.columns[3:6] == [(None,)] * 3


def test_every_line_of_a_recorded_access_log_is_one(tmp_path):
    file = Path(lakehouse.__file__).parents[2] / "shared" / "realdata" / "clickstream" / "apache_access_first5000.log.gz"
    if not file.is_file():
        pytest.skip(f"no recorded access log at {file}")
    text = gzip.decompress(file.read_bytes())
    told = read(tmp_path, "x.log", text, CombinedLog())
    assert len(told.lines) == 5000
    for line, one in zip(text.splitlines(), told.lines, strict=True):
        r = json.loads(one)
        whole = f'{r["host"]} {r["ident"]} {r["user"]} [{r["time"]}] "{r["request"]}" {r["status"]} {r["size"]} "{r["referer"]}" "{r["agent"]}"'
        assert whole.encode() == line
