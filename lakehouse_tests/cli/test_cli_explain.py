"""`lakehouse explain row`: from a row of a mart to clean rows, quarantined rows and raw lines, for people and for machines."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_a_row_of_what_was_refused_shows_rule_field_part_and_line_and_its_text_only_when_asked(run: Any, published_lake: Any) -> None:
    ref = published_lake.lines["out_of_range"]
    asked = ("explain", "row", "audit_quarantined", "rule=out_of_range", "--lake", published_lake.folder)
    shown = run(*asked)
    assert shown.code == 0
    assert "1 quarantined rows in 1 raw parts, the mart counts 1 ✓" in shown.out
    assert "clean rows" not in shown.out
    (line,) = (text for text in shown.out.splitlines() if ref.part in text)
    assert line.split()[:5] == ["out_of_range", "num_response_bytes", "row", ref.part, str(ref.line)]
    assert "ada@example.com" not in shown.out
    assert f"lakehouse explain line {ref.part} {ref.line}" in shown.err
    assert '"intValue":"-5"' in run(*asked, "--raw").out


def test_json_tells_quarantined_rows_and_the_text_of_each(run: Any, published_lake: Any) -> None:
    (told,) = run("explain", "row", "audit_quarantined", "rule=changed_type", "--raw", "--json", "--lake", published_lake.folder).json
    ref = published_lake.lines["changed_type"]
    aside = told["row"]["quarantine"]
    assert (told["row"]["where"], told["row"]["rows"], aside["found"], aside["counted"], aside["parts"]) == (None, [], 1, 1, {ref.part: 1})
    (refused,) = aside["rows"]
    assert (refused["line"], refused["rule"], refused["level"]) == ({"part": ref.part, "line": ref.line}, "changed_type", "row")
    assert [json.loads(text)["events"] for text in told["raw"]] == ["none"]
    assert told["raw_expired"] == [None]


def test_a_row_of_the_books_shows_both_and_each_text_once(run: Any, published_lake: Any) -> None:
    asked = ("explain", "row", "audit_duplicates", "mart_date=2026-11-17", "application=login", "--lake", published_lake.folder)
    shown = run(*asked, "--raw")
    assert shown.code == 0
    assert "3 clean rows in 1 raw parts" in shown.out
    assert "3 quarantined rows in 1 raw parts" in shown.out
    assert shown.out.count("Bob@Example.com") == 1  # one line, two events
    (told,) = run(*asked, "--raw", "--json").json
    rows, aside = told["row"]["rows"], told["row"]["quarantine"]["rows"]
    assert len(told["raw"]) == len(rows) + len(aside) == 6


def test_an_hour_that_was_not_read_has_nothing_behind_it_and_says_where_to_look(run: Any, published_lake: Any) -> None:
    shown = run("explain", "row", "audit_gaps", "events=0", "--lake", published_lake.folder)
    assert shown.code == 0
    assert "0 clean rows in 0 raw parts, the mart counts 0 ✓" in shown.out
    assert "nothing that was kept or refused is behind it" in shown.err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("audit_nothing",), "There is no mart 'audit_nothing'. Expected one of: audit_admin_actions"),
        (("audit_quarantined", "colour=red"), "has no column colour. It has: mart_date, rule"),
        (("audit_quarantined", "rule"), "'rule' says no column. Expected COLUMN=VALUE"),
        (("audit_quarantined", "mart_date=17.11.2026"), "mart_date=17.11.2026 (date)"),
        (("audit_quarantined", "rule=nothing"), "No row of audit_quarantined is like that: rule=nothing. See its rows with: lakehouse sql"),
    ],
)
def test_a_row_that_there_is_not_is_answered_with_those_that_there_are(run: Any, published_lake: Any, args: tuple[str, ...], told: str) -> None:
    result = run("explain", "row", *args, "--lake", published_lake.folder)
    assert result.code == 2
    assert told in result.err
