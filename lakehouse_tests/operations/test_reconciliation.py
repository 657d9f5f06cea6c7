"""Sums of raw against books against tables against marts: equal in a sound lake, and every kind of damage shows."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.operations import reconciliation
from lakehouse.operations.reconciliation import DayBooks, Difference, MartAccount, count_rows, reconcile
from lakehouse.steps.build import build_day

DAY = dt.date(2026, 11, 17)


def test_a_sound_lake_has_no_difference_and_names_what_is_pending(small_lake: Any) -> None:
    found = reconcile(small_lake.lake, small_lake.dataset)
    assert found.closes
    assert (found.pending, found.fetches) == (1, 4)
    assert found.fetch == FetchBooks(read=12, re_read=1, placed=9, unplaced=2)
    assert found.books == Books(lines=10, unreadable=1, records=9, rows=11, quarantined=4, duplicate=2, kept=5)


def test_the_days_of_the_books_can_be_chosen(small_lake: Any) -> None:
    (day,) = reconcile(small_lake.lake, small_lake.dataset, [DAY]).days
    assert (day.day, day.landed, day.pending, day.clean_rows, day.quarantine_rows) == (DAY, 9, 1, 5, 3)


def test_the_marts_account_for_every_clean_row(published_lake: Any) -> None:
    found = reconcile(published_lake.lake, published_lake.dataset)
    assert found.closes
    assert {m.mart for m in found.marts} >= {"audit_hourly_activity", "audit_method_calls", "audit_user_scopes"}
    assert all(m.source_rows + m.excluded == m.clean_rows == 5 for m in found.marts)
    assert {m.mart: m.source_rows for m in found.marts}["audit_method_calls"] == 2


def _clean_files(lake: Path) -> list[Path]:
    return sorted((lake / "clean/workspace_audit").rglob("*.parquet"))


def _lose_clean_rows(lake: Path) -> None:
    (file,) = _clean_files(lake)
    pl.read_parquet(file).head(3).write_parquet(file)


def _lose_quarantined_rows(lake: Path) -> None:
    file = next((lake / "quarantine/workspace_audit/date=2026-11-17").glob("*.parquet"))
    pl.read_parquet(file).head(1).write_parquet(file)


def _change(path: Path, change: Any) -> None:
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def _keep_more_in_the_books(lake: Path) -> None:
    def change(account: dict[str, Any]) -> None:
        account["parts"][0]["books"]["kept"] += 1

    _change(next((lake / "ops/grains/workspace_audit/2026-11-17T09").glob("*.json")), change)


def _read_more_in_a_manifest(lake: Path) -> None:
    _change(lake / "raw/workspace_audit/_fetches/00000001.json", lambda m: m["books"].update(read=m["books"]["read"] + 1))


def _lose_lines_in_a_manifest(lake: Path) -> None:
    _change(lake / "raw/workspace_audit/_fetches/00000003.json", lambda m: m["parts"][0].update(lines=1))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_lose_clean_rows, "rows kept in the books against rows in the clean table: 5 against 3 (-2)"),
        (_lose_quarantined_rows, "unreadable + quarantined + held against rows in quarantine: 3 against 1 (-2)"),
        (_keep_more_in_the_books, "rows against quarantined + filtered + held + duplicate + kept"),
        (_read_more_in_a_manifest, "fetch 1: read against re-read + placed + unplaced: 8 against 7 (-1)"),
        (_lose_lines_in_a_manifest, "fetch 3: placed + unplaced against the lines of its parts: 2 against 1 (-1)"),
    ],
)
def test_every_kind_of_damage_shows_as_a_difference(changing_lake: Any, damage: Any, told: str) -> None:
    damage(changing_lake.folder)
    found = reconcile(changing_lake.lake, changing_lake.dataset)
    assert not found.closes
    assert told in "\n".join(str(d) for d in found.differences)


@pytest.mark.parametrize("reader", ["clean_version", "load_ledger", "fetches_table", "accounts_of", "mart_accounts"])
def test_what_lands_and_is_built_while_the_layers_are_read_is_no_difference(changing_lake: Any, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    """After one of the layers was read, before the next is."""
    read = getattr(reconciliation, reader)

    def and_then_others_work(*arguments: Any) -> Any:
        found = read(*arguments)
        changing_lake.land("login", dt.datetime(2026, 11, 17, 12, tzinfo=dt.UTC))
        build_day(changing_lake.lake, changing_lake.dataset, DAY)
        return found

    before = reconcile(changing_lake.lake, changing_lake.dataset).fetches
    with monkeypatch.context() as patch:
        patch.setattr(reconciliation, reader, and_then_others_work)
        found = reconcile(changing_lake.lake, changing_lake.dataset)
    assert found.differences == ()
    assert found.fetches in (before, before + 1)
    assert reconcile(changing_lake.lake, changing_lake.dataset).fetches == before + 1


def test_a_mart_that_lost_rows_shows(published_lake: Any, tmp_path: Path, token_key: str) -> None:
    import duckdb

    lake = published_lake.copy(tmp_path / "lake")
    (file,) = (lake.folder / "marts/workspace_audit/_versions").glob("*.duckdb")
    with duckdb.connect(str(file)) as con:
        con.execute("DELETE FROM audit_hourly_activity WHERE application = 'token'")
    (difference,) = reconcile(lake.lake, lake.dataset).differences
    assert str(difference) == "mart audit_hourly_activity: rows of its clean version against _source_rows + excluded: 5 against 3 (-2)"


def test_a_difference_reads_as_a_sentence() -> None:
    assert str(Difference("a against b", DAY, 1000, 998)) == "2026-11-17: a against b: 1,000 against 998 (-2)"
    assert str(Difference("a against b", None, 1, 2)) == "a against b: 1 against 2 (+1)"


def test_rows_of_no_files_are_none() -> None:
    assert count_rows([]) == 0
    assert MartAccount("m", 1, 2, 3).source_rows == 1
    assert DayBooks(DAY, 0, 0, Books(), 0, 0, complete=False, built=False).books.balanced()
