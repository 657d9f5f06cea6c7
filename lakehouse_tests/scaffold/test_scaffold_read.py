"""Sample files: each is read in its own format, and what is none is refused by name."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from lakehouse.datasets.model import CombinedLog, Csv, JsonDocument, JsonLines
from lakehouse.errors import ConfigurationError
from lakehouse.scaffold.read import read_sample

LOG = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "agent"\n'
CASES = {
    "lines.jsonl": (b'{"a":1}\n{"a":2}\n', JsonLines(), 2),
    "one.jsonl": (b'{"a":[{"b":1},{"b":2}]}\n', JsonLines(), 1),
    "broken.json": (b'{"a":\n{"a":1}\n{"a":2}\n{"a":3}\n', JsonLines(), 3),
    "array.json": (b'[{"a":1},{"a":2}]', JsonDocument(""), 2),
    "pretty.json": (b'{\n "kind": "x",\n "result": {"items": [\n  {"a": 1},\n  {"a": 2}\n ]}\n}\n', JsonDocument("result.items"), 2),
    "comma.csv": (b'a,b\n1,"x;y"\n2,z\n', Csv(), 2),
    "semicolon.csv": (b"a;b\n1,5;x\n2,5;y\n", Csv(";"), 2),
    "tabs.txt": (b"a\tb\n1\tx\n", Csv("\t"), 1),
    "bare.csv": (b"1,x\n2,y\n", Csv(header=("column_1", "column_2")), 2),
    "bare_local.csv": (
        b"31.12.2025 14:03;K;12,50\n01.11.2026 09:15;B;7,00\n",
        Csv(";", header=("column_1", "column_2", "column_3")),
        2,
    ),
    "bare_address.csv": (b"who@example.com,x\nother@example.com,y\n", Csv(header=("column_1", "column_2")), 2),
    "stamped.csv": (b"@timestamp,x\n2026-11-01,y\n", Csv(), 1),
    "access.log": (LOG + LOG.replace(b"GET", b"PUT"), CombinedLog(), 2),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_the_format_of_a_sample_is_told_by_what_is_in_it(name: str, packing: str, tmp_path: Path) -> None:
    data, form, records = CASES[name]
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[packing]
    path = tmp_path / (name + packing)
    path.write_bytes(pack(data))
    sample = read_sample([path])
    assert [feed.format for feed in sample.feeds] == [form]
    assert len(sample.records) == records
    assert sample.strings == isinstance(form, Csv | CombinedLog)
    assert sample.suffix == path.name.removesuffix(packing)[path.name.index(".") :]


def test_files_of_two_formats_are_two_feeds_and_identical_lines_are_one_record(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,x\n1,x\n")
    (tmp_path / "a.jsonl").write_bytes(b'{"a":"1","b":"y"}\n')
    sample = read_sample([tmp_path / "a.csv", tmp_path / "a.jsonl"])
    assert [(feed.name, feed.patterns) for feed in sample.feeds] == [("csv", ("**/*.csv",)), ("lines", ("**/*.jsonl",))]
    assert (sample.lines, len(sample.records), sample.strings) == (3, 2, False)


def test_a_name_without_a_telling_ending_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "access.log.1").write_bytes(LOG)
    assert read_sample([tmp_path / "access.log.1"]).feeds[0].patterns == ("**/access.log.1", "**/*.log")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.jsonl", b"\n\n", "is empty"),
        ("picture.csv", b"\x89PNG\0\0", "no text"),
        ("object.json", b'{\n "a": 1\n}\n', "neither one object per line"),
        ("cut.json", b'[{"a": 1}, {"a"', "cannot be read"),
        ("header.csv", b"a,b\n", "0 lines"),
        ("twice.csv", b"time,a,a\n2026-11-01,1,2\n", "names of columns that are empty or come twice: 'a'"),
        ("trailing.csv", b"time;a;\n2026-11-01;1;\n", "names of columns that are empty or come twice: ''"),
    ],
)
def test_what_is_no_sample_is_refused(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigurationError, match=said):
        read_sample([tmp_path / name])


def test_two_formats_with_one_ending_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,x\n")
    (tmp_path / "b.csv").write_bytes(b"a;b\n1;x\n")
    with pytest.raises(ConfigurationError, match="two formats"):
        read_sample([tmp_path / "a.csv", tmp_path / "b.csv"])
    with pytest.raises(ConfigurationError, match="no file"):
        read_sample([tmp_path / "c.csv"])
