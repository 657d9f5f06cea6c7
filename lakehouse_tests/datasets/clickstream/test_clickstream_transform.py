"""Records of the three feeds to rows, case by case, through the kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clickstream_lakes import kernel, rows_of

CASES = json.loads((Path(__file__).parent / "cases" / "records.json").read_text())
LINE = {"host": "1.2.3.4", "ident": "-", "user": "-", "time": "17/Nov/2026:10:05:03 +0000", "request": "GET / HTTP/1.1", "status": "200", "size": "7"}
CLICK = {"user_id": "1", "session_id": "2", "click_article_id": "3", "click_timestamp": "1794909600020"}


def case(name: str) -> dict[str, Any]:
    """The record of a case."""
    return next(c["record"] for c in CASES if c["name"] == name)


@pytest.mark.parametrize("told", CASES, ids=lambda c: c["name"])
def test_case(told: dict[str, Any]) -> None:
    result = kernel(told["record"])
    assert dict(result.filtered_rules) == ({("events", told["filtered"]): 1} if "filtered" in told else {})
    assert result.quarantine.select("rule", "field").rows() == ([tuple(told["fate"])] if "fate" in told else [])
    assert result.rows.height == ("row" in told)
    if "row" in told:
        row = result.rows.row(0, named=True)
        assert {name: str(row[name]) if name in ("event_time", "session_start") and row[name] else row[name] for name in told["row"]} == told["row"]


def test_the_feeds_of_one_block_keep_the_order_of_their_lines() -> None:
    names = ("a page of the log", "the event of the notes", "a click on an article", "a bot is filtered", "a form that is sent is a request")
    result = kernel(*(case(name) for name in names), b"{broken")
    assert result.rows.select("_line", "feed").rows() == [(1, "access_log"), (2, "events"), (3, "globo"), (5, "access_log")]
    assert (result.books.filtered, result.books.unreadable) == (1, 1)


def test_an_unknown_type_of_events_is_reported() -> None:
    assert dict(kernel(case("an unknown type is kept")).unknown_values) == {"event_type=hover": 1}


@pytest.mark.parametrize("record", [LINE, CLICK], ids=["log line", "click"])
def test_identical_lines_of_one_file_are_rows_of_their_own_and_the_same_file_again_is_the_same_rows(record: dict[str, str]) -> None:
    ids = rows_of([record, record, record, record], [1, 2, 1, 2])["event_id"].to_list()
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("field", sorted(LINE))
def test_log_lines_that_differ_anywhere_have_different_ids(field: str) -> None:
    other = {**LINE, field: "18/Nov/2026:10:05:03 +0000" if field == "time" else "201"}
    assert rows_of([LINE, other], [1, 1])["event_id"].n_unique() == 2


def test_no_records_are_no_rows() -> None:
    assert rows_of([], []).height == 0
