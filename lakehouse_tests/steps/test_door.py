"""The door for Python."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import lakehouse
from lakehouse.contracts.types import table_schema
from lakehouse.errors import ConfigurationError


def test_clean_is_scanned_lazily_with_the_types_of_the_contract(small_lake: Any) -> None:
    frame = lakehouse.open(small_lake.folder).clean("workspace_audit").scan()
    assert isinstance(frame, pl.LazyFrame)
    found = frame.select("unique_id", "event_date", "_line").sort("unique_id", "_line").collect()
    assert found["unique_id"].to_list() == ["1", "10", "2", "2", "9"]
    assert found["event_date"].unique().to_list() == [dt.date(2026, 11, 17)]
    expected = pl.DataFrame(pl.from_arrow(table_schema(small_lake.dataset.contract).empty_table())).schema
    assert frame.collect_schema() == expected


def test_days_are_picked_without_opening_the_others(small_lake: Any) -> None:
    table = lakehouse.open(small_lake.folder).clean("workspace_audit")
    assert table.days() == [dt.date(2026, 11, 17)]
    assert table.scan(start=dt.date(2026, 11, 18)).collect().height == 0
    assert table.scan(end=dt.date(2026, 11, 18)).collect().height == 5


def test_an_empty_lake_gives_empty_frames_with_the_same_schema(tmp_path: Path, small_lake: Any) -> None:
    from lakehouse.settings import open_lake

    open_lake(tmp_path)
    door = lakehouse.open(tmp_path)
    full = lakehouse.open(small_lake.folder)
    assert door.clean("workspace_audit").scan().collect_schema() == full.clean("workspace_audit").scan().collect_schema()
    assert door.quarantine("workspace_audit").schema == full.quarantine("workspace_audit").schema
    assert door.books("workspace_audit").height == 0


def test_quarantine_and_books_are_frames(small_lake: Any) -> None:
    door = lakehouse.open(small_lake.folder)
    assert door.quarantine("workspace_audit").height == 5
    assert door.books("workspace_audit")["kept"].sum() == 5


def test_a_mart_is_a_frame_and_an_unknown_one_is_answered_with_those_that_there_are(published_lake: Any) -> None:
    door = lakehouse.open(published_lake.folder)
    assert door.mart("audit_hourly_activity")["events"].sum() == 5
    with pytest.raises(ConfigurationError, match="audit_hourly_activity"):
        door.mart("audit_nothing")


def test_sql_takes_parameters_and_refuses_nonsense(small_lake: Any) -> None:
    door = lakehouse.open(small_lake.folder)
    assert door.sql("SELECT count(*) AS n FROM clean.workspace_audit WHERE application = ?", ["token"])["n"].to_list() == [2]
    with pytest.raises(ConfigurationError, match="DuckDB refused"):
        door.sql("SELEC 1")
    with pytest.raises(ConfigurationError, match="gives rows"):
        door.sql("  ")


def test_a_lake_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no lake"):
        lakehouse.open(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_an_unknown_dataset_is_refused(small_lake: Any) -> None:
    with pytest.raises(ConfigurationError, match="workspace_audit"):
        lakehouse.open(small_lake.folder).clean("nothing")


def test_importing_the_package_is_cheap() -> None:
    heavy = "('polars', 'pyarrow', 'duckdb', 'dagster', 'deltalake', 'msgspec')"
    code = f"import sys, lakehouse; print(sorted(m for m in sys.modules if m.split('.')[0] in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
