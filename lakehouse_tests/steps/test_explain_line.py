"""Every line has a fate, and `explain` tells it."""

from __future__ import annotations

from typing import Any

import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.steps.explain import explain_line


@pytest.mark.parametrize(
    ("name", "fate", "rule"),
    [
        ("kept", "kept", None),
        ("kept_twice", "kept", None),
        ("duplicate", "duplicate", None),
        ("missing_required", "quarantined", "missing_required"),
        ("changed_type", "quarantined", "changed_type"),
        ("out_of_range", "quarantined", "out_of_range"),
        ("unreadable", "quarantined", "unreadable_json"),
        ("too_old", "quarantined", "before_start"),
        ("pending", "pending", None),
        ("call", "kept", None),
    ],
)
def test_a_line_is_explained_by_what_became_of_it(small_lake: Any, token_key: str, name: str, fate: str, rule: str | None) -> None:
    ref = small_lake.lines[name]
    found = explain_line(small_lake.lake, small_lake.dataset, ref.part, ref.line)
    assert (found.fate, found.rows[0].rule) == (fate, rule)


def test_a_duplicate_names_the_line_that_was_kept(small_lake: Any, token_key: str) -> None:
    ref = small_lake.lines["duplicate"]
    found = explain_line(small_lake.lake, small_lake.dataset, ref.part, ref.line)
    assert [(row.row, row.fate, row.of) for row in found.rows] == [(i, "duplicate", small_lake.lines["kept_twice"]) for i in (0, 1)]


def test_each_row_of_a_record_is_told_of_by_itself(small_lake: Any, token_key: str) -> None:
    ref = small_lake.lines["kept_twice"]
    found = explain_line(small_lake.lake, small_lake.dataset, ref.part, ref.line)
    assert [(row.row, row.fate) for row in found.rows] == [(0, "kept"), (1, "kept")]


def test_a_line_whose_own_time_was_of_no_use_is_said_to_be_unplaced(small_lake: Any, token_key: str) -> None:
    for name in ("unreadable", "too_old"):
        ref = small_lake.lines[name]
        found = explain_line(small_lake.lake, small_lake.dataset, ref.part, ref.line)
        assert found.unplaced
        assert found.grain == "unplaced-2026-11-19"


def test_the_raw_text_is_told_only_where_it_is_asked_for(small_lake: Any, token_key: str) -> None:
    ref = small_lake.lines["kept"]
    assert explain_line(small_lake.lake, small_lake.dataset, ref.part, ref.line).raw is None
    told = explain_line(small_lake.lake, small_lake.dataset, ref.part, ref.line, raw=True).raw
    assert told is not None
    assert '"ada@example.com"' in told


def test_every_line_of_every_part_has_a_fate(small_lake: Any, token_key: str) -> None:
    from lakehouse.landing.ledger import load_ledger

    ledger = load_ledger(small_lake.lake, small_lake.dataset.name)
    fates = [
        explain_line(small_lake.lake, small_lake.dataset, p.part.path, number).fate
        for parts in ledger.parts.values()
        for p in parts
        for number in range(1, p.part.lines + 1)
    ]
    assert "dropped" not in fates
    assert len(fates) == len(small_lake.lines)


@pytest.mark.parametrize(
    ("part", "line", "told"), [("raw/workspace_audit/nothing.jsonl.zst", 1, "No manifest"), (None, 99, "lines 1 to"), (None, 0, "lines 1 to")]
)
def test_what_is_not_there_is_refused_with_what_is(small_lake: Any, token_key: str, part: str | None, line: int, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        explain_line(small_lake.lake, small_lake.dataset, part or small_lake.lines["kept"].part, line)
