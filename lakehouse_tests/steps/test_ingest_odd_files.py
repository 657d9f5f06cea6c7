"""Odd files: each has an outcome, and none is lost or hides the others."""

from __future__ import annotations

import json

import pytest
from file_lakes import csv, json_lines, visit

from lakehouse.errors import TerminalError

LOG = b'192.0.2.1 - - [17/Nov/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla"\n'
LONG = "x" * 10_000_000  # of one line


ODD = {
    "bom.csv": (b"\xef\xbb\xbf" + csv(visit(16, 1)), ["1"], []),
    "crlf.csv": (csv(visit(16, 1), visit(16, 2), end="\r\n"), ["1", "2"], []),
    "no newline.csv": (csv(visit(16, 1))[:-1], ["1"], []),
    "header only.csv": (csv(), [], []),
    "nothing.csv": (b"", [], []),
    "a row too short.csv": (csv(visit(16, 1), {"at": "short"}, visit(16, 2)), ["1", "2"], [("unsplittable", "line", 1)]),
    "no time.csv": (csv({**visit(16, 1), "at": "yesterday"}), [], [("time_unreadable", "row", 1)]),
    "before the start.csv": (csv({**visit(16, 1), "at": "2020-01-01T00:00:00Z"}), [], [("before_start", "row", 1)]),
    "bom.jsonl": (b"\xef\xbb\xbf" + json_lines(visit(16, 1)), ["1"], []),
    "crlf.jsonl": (json_lines(visit(16, 1), visit(16, 2)).replace(b"\n", b"\r\n"), ["1", "2"], []),
    "no newline.jsonl": (json_lines(visit(16, 1))[:-1], ["1"], []),
    "blank.jsonl": (b"\n" + json_lines(visit(16, 1)) + b"\r\n", ["1"], []),
    "a web page.json": (b"<!DOCTYPE html>\n<html></html>\n", [], [("unreadable_json", "line", 1), ("unreadable_json", "line", 2)]),
    "a pointer.json": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        [],
        [("unreadable_json", "line", 1), ("unreadable_json", "line", 2)],
    ),
    "a web page.doc.json": (b"<!DOCTYPE html>\n<html></html>\n", [], [("unsplittable", "line", 1)]),
    "a pointer.doc.json": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", [], [("unsplittable", "line", 1)]),
    "cut.doc.json": (b'{"result":{"items":[{"at":"2026-11-16T12:00:00Z","id":"1"},{"at":', [], [("unsplittable", "line", 1)]),
    "one bad item.doc.json": (
        b'{"result":{"items":[{"at":"2026-11-16T12:00:00Z","id":"1"},{"id":NaN}]}}',
        ["1"],
        [("unreadable_json", "line", 1)],
    ),
    "nothing.doc.json": (b"", [], []),
    "no line of a log.log": (b"hello\n" + LOG, ["192.0.2.1"], [("unsplittable", "line", 1)]),
    "blank.log": (b"\n" + LOG[:-1], ["192.0.2.1"], []),
    "a long line.jsonl": (json_lines(visit(16, 1), visit(16, 2, LONG), visit(16, 3)), ["1", "2", "3"], []),
    "a long cell.csv": (csv(visit(16, 1), visit(16, 2, LONG), visit(16, 3)), ["1", "2", "3"], []),
    "a long line that is none.jsonl": (
        json_lines(visit(16, 1)) + LONG.encode() + b"\n" + json_lines(visit(16, 2)),
        ["1", "2"],
        [("unreadable_json", "line", 1)],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_each_odd_file_has_an_outcome_and_the_books_close(files, name):
    content, ids, refused = ODD[name]
    files.put(name, content)

    files.ingest().raise_for_errors()

    files.build()
    assert files.ids() == ids
    assert files.quarantine() == refused
    assert {len(note or "") for *_, note in files.rows()} <= {0, 1, len(LONG)}  # whole, however long
    assert [o.skipped for o in files.ingest().outcomes] == ["read already"]


REFUSED = {
    "without header.csv": (
        b"2026-11-16T12:00:00Z,1,x\n2026-11-16T13:00:00Z,2,y\n",
        "a first line that is no header: some names are numbers or times",
    ),
    "also without.csv": (b"x,y\nz,w\n", "none of its names is declared by the contract"),
    "semicolons.csv": (b"at;id;note\n1;2;3\n", "(split at ',' it has 1, expected some such as"),
    "an array.jsonl": (json.dumps([visit(16, 1), visit(17, 2)]).encode(), "is a JSON document, expected JSON Lines"),
    "an open array.jsonl": (b"[\n" + json_lines(visit(16, 1)).rstrip() + b",\n" + json_lines(visit(17, 2)) + b"]\n", "is a JSON document"),
    "indented.jsonl": (json.dumps(visit(16, 1), indent=1).encode(), "is a JSON document"),
    "twice.csv": (b"at,at,id\n1,2,3\n", "names are empty or come twice"),
    "empty name.csv": (b",at,id\n1,2,3\n", "names are empty or come twice"),
    "a web page.csv": (b"<!DOCTYPE html>\n<html></html>\n", "none of its names is declared"),
    "a pointer.csv": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "none of its names is declared"),
    "wide.csv": ("at,id,note\n".encode("utf-16"), "is UTF-16, expected UTF-8"),
    "no zst.jsonl.zst": (b"{}\n", "is named .zst but does not begin as such a file does"),
    "empty.csv.gz": (b"", "is named .gz but does not begin as such a file does"),
    "open.csv": (b'at,"id\n1,2\n', "cannot be split into names"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_what_its_feed_says_is_refused_by_name_and_nothing_of_it_lands(files, name):
    content, told = REFUSED[name]
    files.put(name, content)

    (outcome,) = files.ingest().outcomes

    assert isinstance(outcome.error, TerminalError)
    assert told in str(outcome.error)
    assert name in str(outcome.error)
    assert files.ledger.last_number == 0
