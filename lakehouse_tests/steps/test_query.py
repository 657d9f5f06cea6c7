"""One session over all layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import LakeFormatError
from lakehouse.marts.publish import current_version
from lakehouse.operations.reconciliation import reconcile
from lakehouse.operations.report import report_of, trends_of
from lakehouse.steps.publish import publish_marts
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

    with connect(published_lake.lake) as con, pytest.raises(duckdb.Error, match=r"(?i)read-only"):
        con.execute("DELETE FROM dataset_workspace_audit_marts.main.audit_hourly_activity")


def test_an_unbuilt_lake_has_empty_tables_and_no_marts(tmp_path: Any) -> None:
    from lakehouse.settings import open_lake

    with connect(open_lake(tmp_path)) as con:
        assert con.execute("SELECT count(*) FROM clean.workspace_audit").fetchall() == [(0,)]
        assert con.execute("SELECT count(*) FROM ops.books").fetchall() == [(0,)]
        assert [r.schema for r in relations(con) if r.schema == "marts"] == []


def _files(small: Any) -> tuple[Path, Path]:
    """The own file of the published version, and the copy that people open."""
    version = current_version(small.lake, small.dataset)
    assert version is not None
    return small.folder / version.file, small.folder / "marts" / "workspace_audit.duckdb"


def test_published_marts_that_are_gone_are_named_and_can_be_published_again(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    small = published_lake.copy(tmp_path / "lake")
    own, shown = _files(small)
    own.unlink()
    shown.unlink()
    for look in (lambda: connect(small.lake), lambda: report_of(small.lake, small.dataset), lambda: trends_of(small.lake, small.dataset)):
        with pytest.raises(
            LakeFormatError, match=r"marts/workspace_audit\.duckdb, a published file .* made anew, publish the marts again: lakehouse"
        ):
            look()
    publish_marts(small.lake, small.dataset, [small.lake.now().date()])
    with connect(small.lake) as con:
        assert relations(con)[0].schema == "marts"


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000], ids=["empty", "rubbish"])
def test_published_marts_that_are_damaged_are_named_and_made_anew_without_the_file(
    published_lake: Any, tmp_path: Path, token_key: str, content: bytes
) -> None:
    small = published_lake.copy(tmp_path / "lake")
    own, _ = _files(small)
    own.write_bytes(content)
    for look in (lambda: connect(small.lake), lambda: reconcile(small.lake, small.dataset)):
        with pytest.raises(LakeFormatError, match=rf"{own}, a published file .* made anew, move it away, then publish the marts again: lakehouse"):
            look()
    own.rename(tmp_path / "away.duckdb")
    with connect(small.lake) as con:  # the copy is whole
        before = con.execute("SELECT sum(events) FROM audit_hourly_activity").fetchall()
    assert publish_marts(small.lake, small.dataset, [small.lake.now().date()]).version == 2
    assert reconcile(small.lake, small.dataset).closes
    with connect(small.lake) as con:
        assert con.execute("SELECT sum(events) FROM audit_hourly_activity").fetchall() == before
