"""What becomes of an event, case by case."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from dataset_lines import plain, run_lines

from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.rows import BlockResult

CASES = json.loads((Path(__file__).parent / "cases" / "events.json").read_text(encoding="utf-8"))
DATASET = find_dataset("listening")
DAY = dt.date(2018, 11, 5)
PLAY = {
    "artist": "A Fine Frenzy",
    "auth": "Logged In",
    "firstName": "Anabelle",
    "gender": "F",
    "itemInSession": 0,
    "lastName": "Simpson",
    "length": 267.91138,
    "level": "free",
    "location": "Philadelphia-Camden-Wilmington, PA-NJ-DE-MD",
    "method": "PUT",
    "page": "NextSong",
    "registration": 1541044398796.0,
    "sessionId": 256,
    "song": "Almost Lover (Album Version)",
    "status": 200,
    "ts": 1541377992796,
    "userAgent": '"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.125 Safari/537.36"',
    "userId": "69",
}


def line(case: dict[str, Any]) -> bytes:
    """The play with the fields of a case; `raw`: values as they stand in the text; `without`: a field that is not there."""
    record = {k: v for k, v in (PLAY | case.get("fields", {})).items() if k != case.get("without")}
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    for name, value in case.get("raw", {}).items():
        text = text.replace(f'"{name}":{json.dumps(record[name])}', f'"{name}":{value}')
        assert f'"{name}":{value}' in text
    return text.encode()


def run(*lines: bytes, part: str = "raw/part") -> BlockResult:
    """Lines as one block of one part."""
    return run_lines(DATASET, *lines, day=DAY, part=part)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_case(case: dict[str, Any]) -> None:
    result = run(line(case))
    if "fate" in case:
        assert result.rows.height == 0
        entry = result.quarantine.row(0, named=True)
        assert [entry["rule"], entry["field"]] == case["fate"]
        return
    assert result.rows.height == 1, result.quarantine
    row = result.rows.row(0, named=True)
    assert {name: plain(row[name]) for name in case.get("row", {})} == case.get("row", {})
    if "token" in case:
        assert row[case["token"]].startswith("tok_")


def test_the_columns_are_those_of_the_contract_and_hold_no_names() -> None:
    rows = run(line({})).rows
    assert set(DATASET.contract.content_columns) < set(rows.columns)
    assert not any("Anabelle" in str(value) or "Simpson" in str(value) for value in rows.row(0))


def test_the_event_id_is_of_what_identifies_an_event_and_of_nothing_else() -> None:
    same = [{}, {"fields": {"status": 307}}, {"fields": {"song": None}}, {"fields": {"ts": "1541377992796", "sessionId": "256"}}]
    other = [{"fields": {name: value}} for name, value in {"ts": 1541377992797, "userId": "70", "sessionId": 257, "itemInSession": 1}.items()]
    ids = run(*(line(case) for case in (*same, *other))).rows.sort("_line")["event_id"].to_list()
    assert len(set(ids[: len(same)])) == 1
    assert len(set(ids)) == 1 + len(other)
    assert ids[0] == "eba61ade2d04b8b21d765f0f801d0530"  # a change of it would make every event another one
    assert run(line({"fields": {"userId": ""}})).rows["event_id"][0] not in ids


def test_a_line_that_could_not_be_split_is_refused() -> None:
    result = run(b'{"_raw":"a,b"}')
    assert result.books.rows == 0 or result.rows.height == 0
    assert result.quarantine["rule"].to_list() == ["unsplittable"]
