"""What the marts say of the case lake, against values worked out by hand, and that every row leads back to clean."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from dataset_lakes import assert_explained
from mart_lakes import CASES

from lakehouse.marts.explain import literal
from lakehouse.marts.specs import MartSpec, find_mart, mart_specs
from lakehouse.tables.views import register_views

EXPECTED = json.loads((CASES / "expected.json").read_text())
SPECS = mart_specs("workspace_audit")


def plain(value: Any) -> Any:
    """A value as the case file writes it."""
    if isinstance(value, float):
        return round(value, 9)
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.mark.parametrize("case", EXPECTED, ids=lambda c: c["name"])
def test_value(case: dict[str, Any], marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(f"SELECT {case['columns']} FROM {case['mart']} WHERE {case['where']}").fetchall()

    def ordered(rows: Any) -> list[list[Any]]:
        return sorted(([plain(v) for v in row] for row in rows), key=repr)

    assert ordered(found) == ordered(case["rows"])


def test_every_mart_has_an_expected_value_but_the_plain_counts() -> None:
    plain_counts = {
        "audit_hourly_activity", "audit_user_hours", "audit_method_calls", "audit_user_methods", "audit_app_users", "audit_app_hours",
        "audit_login_activity", "audit_login_minutes", "audit_lateness",
    }  # fmt: skip
    assert {s.name for s in SPECS} - {c["mart"] for c in EXPECTED} == plain_counts


@pytest.fixture(scope="session")
def clean(built, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    register_views(con, built.lake, built.dataset.contract, "lake")
    return con


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
def test_every_row_is_explained_by_as_many_clean_and_quarantined_rows_as_it_counts(spec: MartSpec, built, marts, clean) -> None:
    assert_explained(spec, built, marts, clean)


@pytest.mark.parametrize("spec", [s for s in SPECS if s.accounts], ids=lambda s: s.name)
def test_source_rows_and_what_the_predicate_excludes_are_the_clean_rows(spec: MartSpec, marts, clean) -> None:
    told = marts.execute(f"SELECT coalesce(sum(_source_rows), 0) FROM {spec.name}").fetchall()[0][0]
    excluded = clean.execute(f"SELECT count(*) FROM lake.clean WHERE NOT coalesce({spec.source_predicate or 'true'}, false)").fetchall()[0][0]
    assert told + excluded == clean.execute("SELECT count(*) FROM lake.clean").fetchall()[0][0] == 34


@pytest.mark.parametrize("question", [q for s in SPECS for q in s.questions], ids=lambda q: q.ask)
def test_every_question_is_answered(question, marts) -> None:
    assert marts.execute(question.sql).description


def test_the_published_file_holds_marts_and_nothing_else(marts) -> None:
    tables = marts.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
    assert {name for _, name in tables} == {s.name for s in SPECS} | {"audit_scope_risk"}
    assert {schema for schema, _ in tables} == {"main"}
    assert marts.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_the_published_file_says_what_its_columns_are(marts) -> None:
    spec = find_mart("audit_top_users")
    told = dict(marts.execute("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'audit_top_users'").fetchall())
    assert told == {c.name: c.description for c in spec.columns}
    types = dict(marts.execute("SELECT column_name, lower(data_type) FROM duckdb_columns() WHERE table_name = 'audit_top_users'").fetchall())
    assert types == {c.name: c.type for c in spec.columns}


def test_an_hour_far_above_its_baseline_is_an_anomaly(marts) -> None:
    """The z-score by hand: median 0, deviation 0, yardstick 1: two calls where there were none for a week stand out by 2, fifteen bytes by 15."""
    rows = marts.execute(
        "SELECT measure, volume, baseline_median, robust_z, is_anomaly FROM audit_volume_anomalies "
        "WHERE hour_start = '2026-03-09 09:00' AND application = 'token' AND NOT includes_collector ORDER BY 1"
    ).fetchall()
    assert rows == [("bytes", 15, 0.0, 15.0, True), ("calls", 2, 0.0, 2.0, False), ("events", 2, 0.0, 2.0, False)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (True, "true"),
        (7, "7"),
        (Decimal("-2.550"), "-2.550"),
        (Decimal("1E+3"), "1000"),
        ("it's", "'it''s'"),
        (dt.date(2026, 3, 2), "DATE '2026-03-02'"),
        (dt.datetime(2026, 3, 2, 9), "TIMESTAMPTZ '2026-03-02 09:00:00+00:00'"),  # noqa: DTZ001  marts have times without a zone
        (["a", None], "['a', NULL]"),
    ],
)
def test_a_value_is_written_as_duckdb_reads_it(value: Any, written: str) -> None:
    assert literal(value) == written
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        assert con.execute(f"SELECT {written} IS NOT DISTINCT FROM ?", [value]).fetchall() == [(True,)]
