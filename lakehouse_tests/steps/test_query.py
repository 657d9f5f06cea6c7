"""One session over all layers."""

from __future__ import annotations

from typing import Any

from lakehouse.steps.query import OPS_TABLES, connect, relations


def test_every_layer_is_there_in_order(published_lake: Any) -> None:
    with connect(published_lake.lake) as con:
        found = relations(con)
    names = [f"{r.schema}.{r.name}" for r in found]
    assert names[0].startswith("marts.")
    assert {"clean.workspace_audit", "quarantine.workspace_audit", *(f"ops.{n}" for n in OPS_TABLES)} <= set(names)
    assert len([n for n in names if n.startswith("marts.audit_")]) >= 40
    assert all(r.columns > 0 for r in found)


def test_a_bare_name_is_a_mart(published_lake: Any) -> None:
    with connect(published_lake.lake) as con:
        assert (
            con.execute("SELECT sum(events) FROM audit_hourly_activity").fetchall()
            == con.execute("SELECT count(*) FROM clean.workspace_audit").fetchall()
        )


def test_published_marts_cannot_be_written_to(published_lake: Any) -> None:
    import duckdb
    import pytest

    with connect(published_lake.lake) as con, pytest.raises(duckdb.Error, match=r"(?i)read-only"):
        con.execute("DELETE FROM dataset_workspace_audit_marts.main.audit_hourly_activity")


def test_an_unbuilt_lake_has_empty_tables_and_no_marts(tmp_path: Any) -> None:
    from lakehouse.settings import open_lake

    with connect(open_lake(tmp_path)) as con:
        assert con.execute("SELECT count(*) FROM clean.workspace_audit").fetchall() == [(0,)]
        assert con.execute("SELECT count(*) FROM ops.books").fetchall() == [(0,)]
        assert [r.schema for r in relations(con) if r.schema == "marts"] == []
