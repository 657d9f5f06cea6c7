"""From a number in a mart to the raw lines behind it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.contracts.model import Column
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


def test_a_row_of_what_was_refused_leads_to_the_quarantined_rows_and_their_lines(published_lake: Any) -> None:
    (row,) = explain_rows(published_lake.lake, published_lake.dataset, "audit_quarantined", {"rule": "out_of_range"})
    assert (row.where, row.clean_rows, row.rows, row.parts, row.derives_from) == (None, 0, (), {}, ("audit_duplicates", "audit_hourly_activity"))
    line = published_lake.lines["out_of_range"]
    aside = row.quarantine
    assert aside is not None
    assert (aside.found, aside.counted, row.agrees, aside.parts, row.lines) == (1, 1, True, {line.part: 1}, (line,))
    (refused,) = aside.rows
    assert (refused.line, refused.row, refused.level, refused.rule, refused.field) == (line, 0, "row", "out_of_range", "num_response_bytes")
    assert json.loads(read_line(published_lake.lake, refused.line))["events"][0]["parameters"][-1]["intValue"] == "-5"


def test_every_refused_line_is_behind_a_row_of_the_mart_of_what_was_refused(published_lake: Any) -> None:
    rows = explain_rows(published_lake.lake, published_lake.dataset, "audit_quarantined", {}, rows=100)
    found = {refused.line: row.row["rule"] for row in rows if row.quarantine is not None for refused in row.quarantine.rows}
    rules = {
        "missing_required": "missing_required", "changed_type": "changed_type", "out_of_range": "out_of_range", "unreadable": "unreadable_json",
        "too_old": "before_start",
    }  # fmt: skip
    assert found == {published_lake.lines[name]: rule for name, rule in rules.items()}


def test_a_row_of_the_books_leads_to_what_was_kept_and_to_what_was_refused(published_lake: Any) -> None:
    (row,) = explain_rows(published_lake.lake, published_lake.dataset, "audit_duplicates", {"mart_date": "2026-11-17", "application": "login"})
    assert row.quarantine is not None
    assert (row.clean_rows, row.quarantine.found) == (row.row["kept"], row.row["unreadable"] + row.row["quarantined"]) == (3, 3)
    (unplaced,) = explain_rows(published_lake.lake, published_lake.dataset, "audit_duplicates", {"mart_date": "2026-11-19"})
    assert (unplaced.clean_rows, unplaced.lines) == (0, (published_lake.lines["unreadable"], published_lake.lines["too_old"]))


def test_every_row_of_every_mart_agrees_with_what_is_behind_it(published_lake: Any) -> None:
    """Only an hour that was not read, and in which nothing is, has nothing behind it."""
    with connect(published_lake.lake) as con:
        sizes = {s.name: con.execute(f"SELECT count(*) FROM marts.{s.name}").fetchall()[0][0] for s in mart_specs(published_lake.dataset.name)}
    found = {name: explain_rows(published_lake.lake, published_lake.dataset, name, {}, rows=size) for name, size in sizes.items() if size}
    assert {name: len(rows) for name, rows in found.items()} == {name: size for name, size in sizes.items() if size}
    for name, rows in found.items():
        for row in rows:
            assert row.agrees, f"{name} {row.row}: {row.counted} against {row.clean_rows}, {row.quarantine}"
            assert row.lines or (name, row.row["events"]) == ("audit_gaps", 0), f"{name} {row.row}"
    assert sum(sizes.values()) > 100


@pytest.mark.parametrize("mart", ["audit_volume_anomalies", "audit_top_users", "audit_duplicates"])
def test_many_rows_are_explained_as_few_are(published_lake: Any, mart: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For many rows clean is read once, into memory."""
    few = explain_rows(published_lake.lake, published_lake.dataset, mart, {}, rows=100)
    monkeypatch.setattr("lakehouse.steps.explain_mart._FEW_ROWS", 0)
    assert explain_rows(published_lake.lake, published_lake.dataset, mart, {}, rows=100) == few
    assert few


def test_the_version_that_was_published_is_explained_and_not_a_newer_table(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    from lakehouse.steps.build import build_day

    lake = published_lake.copy(tmp_path / "lake")
    before = explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {"application": "login", "includes_collector": "true"})
    build_day(lake.lake, lake.dataset, dt.date(2026, 11, 17))  # takes in the pending line
    after = explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {"application": "login", "includes_collector": "true"})
    assert after[0].clean_rows == before[0].clean_rows == 3
    assert after[0].agrees


@pytest.mark.parametrize("few", [20, 0], ids=["read for each row", "loaded once"])
def test_a_version_is_explained_after_the_contract_has_gained_a_column(published_lake: Any, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr("lakehouse.steps.explain_mart._FEW_ROWS", few)
    contract = published_lake.dataset.contract
    grown = replace(contract, columns=(*contract.columns, Column("mood", "string", "For tests.")), version=contract.version + 1)
    asked = ("audit_daily_trend", {"application": "login", "includes_collector": "true"})
    (before,) = explain_rows(published_lake.lake, published_lake.dataset, *asked)
    assert explain_rows(published_lake.lake, replace(published_lake.dataset, contract=grown), *asked) == [before]
    assert before.clean_rows


def test_a_version_whose_files_are_gone_is_said_to_be_superseded(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    lake = published_lake.copy(tmp_path / "lake")
    next((lake.folder / "clean/workspace_audit").rglob("*.parquet")).unlink()
    with pytest.raises(ConfigurationError, match="superseded"):
        explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {})


def test_a_version_whose_quarantine_is_gone_is_said_to_be_superseded_and_explains_what_is_clean(published_lake: Any, tmp_path: Path) -> None:
    lake = published_lake.copy(tmp_path / "lake")
    gone = next((lake.folder / "quarantine/workspace_audit").rglob("*.parquet"))
    gone.unlink()
    with pytest.raises(ConfigurationError, match=rf"superseded: .*{gone.name} is gone"):
        explain_rows(lake.lake, lake.dataset, "audit_quarantined", {})
    assert explain_rows(lake.lake, lake.dataset, "audit_daily_trend", {})[0].agrees


def test_what_was_refused_is_that_of_the_published_version(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    from lakehouse.steps.build import build_day

    lake = published_lake.copy(tmp_path / "lake")
    lake.land("token", dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC), id={"time": "2026-11-17T09:00:00.000Z", "applicationName": "token"})
    build_day(lake.lake, lake.dataset, dt.date(2026, 11, 17))
    with connect(lake.lake) as con:
        assert con.execute("SELECT count(*) FROM quarantine.workspace_audit WHERE rule = 'missing_required'").fetchall() == [(2,)]
    rows = explain_rows(lake.lake, lake.dataset, "audit_quarantined", {"rule": "missing_required"}, rows=9)
    assert [row.quarantine.found for row in rows if row.quarantine is not None] == [1]


@pytest.mark.parametrize(
    ("mart", "conditions", "told"),
    [
        ("audit_nothing", {}, "There is no mart"),
        ("audit_top_users", {"colour": "red"}, "has no column colour"),
        ("audit_top_users", {"mart_date": "yesterday"}, "not of the type"),
        ("audit_top_users", {"mart_date": "1999-01-01"}, "No row of audit_top_users is like that"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_reason(published_lake: Any, mart: str, conditions: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        explain_rows(published_lake.lake, published_lake.dataset, mart, conditions)


def test_a_mart_of_another_dataset_says_of_which_and_with_which_option(published_lake: Any) -> None:
    told = r"clickstream_sessions is of the dataset clickstream, but was looked for in workspace_audit\. Give --dataset clickstream"
    with pytest.raises(ConfigurationError, match=told):
        explain_rows(published_lake.lake, published_lake.dataset, "clickstream_sessions", {})


def test_nothing_published_is_said_so(small_lake: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"No marts of workspace_audit are published yet\. Publish them with: lakehouse replay --stale"):
        explain_rows(small_lake.lake, small_lake.dataset, "audit_top_users", {})
