"""From a number in a mart to the raw lines behind it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.landing.read import read_line
from lakehouse.marts.specs import mart_specs
from lakehouse.steps.explain_mart import explain_rows
from lakehouse.steps.query import connect


def test_a_row_leads_to_exactly_the_lines_that_it_counts(published_lake: Any) -> None:
    (row,) = explain_rows(published_lake.lake, published_lake.dataset, "audit_method_calls", {"is_collector": "false"})
    assert (row.clean_rows, row.counted, row.agrees) == (1, 1, True)
    assert [r.line for r in row.rows] == [published_lake.lines["call"]]
    assert row.row["bytes"] == 512
    text = json.loads(read_line(published_lake.lake, row.rows[0].line))
    assert text["events"][0]["parameters"][-1]["intValue"] == "512"


def test_a_derived_mart_names_the_marts_between(published_lake: Any) -> None:
    (row,) = explain_rows(published_lake.lake, published_lake.dataset, "audit_top_methods", {"includes_collector": "true"})
    assert row.derives_from == ("audit_method_calls",)
    assert {r.line for r in row.rows} == {published_lake.lines["call"], published_lake.lines["collector"]}


def test_every_row_of_every_mart_agrees_with_what_is_behind_it(published_lake: Any) -> None:
    seen = 0
    for spec in mart_specs(published_lake.dataset.name):
        if spec.explain is None or spec.explain_counts is None:
            continue
        with connect(published_lake.lake) as con:
            rows = con.execute(f"SELECT count(*) FROM marts.{spec.name}").fetchall()[0][0]
        if rows:
            for row in explain_rows(published_lake.lake, published_lake.dataset, spec.name, {}, rows=rows):
                assert row.agrees, f"{spec.name} {row.row}: {row.counted} against {row.clean_rows}"
                seen += 1
    assert seen > 50


def test_the_version_that_was_published_is_explained_and_not_a_newer_table(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    from lakehouse.steps.build import build_day

    lake = published_lake.copy(tmp_path / "lake")
    before = explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {"application": "login", "includes_collector": "true"})
    build_day(lake.lake, lake.dataset, dt.date(2026, 11, 17))  # takes in the pending line
    after = explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {"application": "login", "includes_collector": "true"})
    assert after[0].clean_rows == before[0].clean_rows == 3
    assert after[0].agrees


def test_a_version_whose_files_are_gone_is_said_to_be_superseded(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    lake = published_lake.copy(tmp_path / "lake")
    next((lake.folder / "clean/workspace_audit").rglob("*.parquet")).unlink()
    with pytest.raises(ConfigurationError, match="superseded"):
        explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {})


@pytest.mark.parametrize(
    ("mart", "conditions", "told"),
    [
        ("audit_nothing", {}, "There is no mart"),
        ("audit_top_users", {"colour": "red"}, "has no column colour"),
        ("audit_top_users", {"mart_date": "yesterday"}, "not of the type"),
        ("audit_top_users", {"mart_date": "1999-01-01"}, "No row of audit_top_users is like that"),
        ("audit_quarantined", {}, "not made of clean rows"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_reason(published_lake: Any, mart: str, conditions: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        explain_rows(published_lake.lake, published_lake.dataset, mart, conditions)


def test_nothing_published_is_said_so(small_lake: Any) -> None:
    with pytest.raises(ConfigurationError, match="published"):
        explain_rows(small_lake.lake, small_lake.dataset, "audit_top_users", {})
