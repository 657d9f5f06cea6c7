"""The application transactions of the table, read from its log: of one version, and of the newest without opening the table."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from build_lakes import DAY, BuildLake, event
from deltalake import DeltaTable

from lakehouse.errors import LakeFormatError
from lakehouse.steps.build import stale_days
from lakehouse.tables import builds, delta
from lakehouse.tables.transactions import app_transactions, newest_transactions


def log_folder(made: BuildLake) -> Path:
    return made.folder / "clean" / made.dataset.name / "_delta_log"


def commits(made: BuildLake, number: int) -> None:
    """A table with so many commits after the one that made it."""
    delta.ensure_table(made.lake, made.dataset.contract)
    for mark in range(1, number + 1):
        day = DAY - dt.timedelta(days=mark)
        delta.swap_day(made.lake, made.dataset.contract, day, {}, table=None, fingerprint=mark, seen=mark, complete=False, still_ours=lambda _: True)


def test_all_transactions_are_read_in_one_pass(made: BuildLake) -> None:
    """With and without a checkpoint, after commits on top of one, and for a table that was opened before the newest checkpoint."""
    days = [DAY - dt.timedelta(days=n) for n in range(4)]

    def commit(day: dt.date, mark: int) -> None:
        delta.swap_day(made.lake, made.dataset.contract, day, {}, table=None, fingerprint=mark, seen=mark, complete=False, still_ours=lambda _: True)

    def agree(table: DeltaTable | None = None) -> None:
        opened = table or made.table
        names = [name for day in days for name in delta.app_ids(day)]
        found = app_transactions(made.lake, made.dataset.name, opened, names)
        assert {n: v for n, v in found.items() if n in names} == {n: v for n in names if (v := opened.transaction_version(n)) is not None}
        if table is None:
            assert newest_transactions(made.lake, made.dataset.name) == app_transactions(made.lake, made.dataset.name, opened, [])

    delta.ensure_table(made.lake, made.dataset.contract)
    agree()
    for number, day in enumerate((*days[:3], days[0])):
        commit(day, number + 1)
    agree()
    early = made.table
    made.table.create_checkpoint()
    agree()
    commit(days[1], 2**62)
    commit(days[3], 9)
    agree()
    assert app_transactions(made.lake, made.dataset.name, made.table, [])[f"build/{days[1]}"] == 2**62
    made.table.create_checkpoint()
    agree(early)
    agree()
    for path in (made.folder / "clean" / "workspace_audit" / "_delta_log").glob("0*.json"):
        path.unlink()
    agree()


def test_without_a_table_the_log_tells_nothing(made: BuildLake) -> None:
    assert newest_transactions(made.lake, made.dataset.name) is None
    assert builds.newest_transactions(made.lake, made.dataset.name, [DAY]) == {}


def test_of_a_table_without_days_the_log_tells_no_transaction(made: BuildLake) -> None:
    commits(made, 0)
    assert newest_transactions(made.lake, made.dataset.name) == {}


DAMAGE = {
    "a checkpoint cut off": ("00000000000000000009.checkpoint.parquet", lambda data: data[: len(data) // 2]),
    "a checkpoint whose footer is overwritten": ("00000000000000000009.checkpoint.parquet", lambda data: data[:-200] + b"x" * 192 + data[-8:]),
    "an empty checkpoint": ("00000000000000000009.checkpoint.parquet", lambda _: b""),
    "a commit cut off": ("00000000000000000011.json", lambda data: data[: data.index(b'"txn"') + 20]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_of_a_damaged_log_the_opening_of_the_table_tells(made: BuildLake, damage: str) -> None:
    commits(made, 11)
    made.land(event(1, 1))
    name, change = DAMAGE[damage]
    path = log_folder(made) / name
    path.write_bytes(change(path.read_bytes()))
    assert newest_transactions(made.lake, made.dataset.name) is None
    with pytest.raises(LakeFormatError, match=r"The log of the table .* cannot be read"):
        stale_days(made.lake, made.dataset)


@pytest.mark.parametrize(
    "told",
    [
        {"version": 9, "size": 1, "parts": 2},  # several files
        {"version": "nine"},
        {"version": 99, "size": 1},  # a checkpoint that is gone
    ],
)
def test_a_log_that_is_laid_out_otherwise_is_left_to_the_table(made: BuildLake, told: dict[str, object]) -> None:
    commits(made, 11)
    table = made.table
    names = [name for mark in (1, 11) for name in delta.app_ids(DAY - dt.timedelta(days=mark))]
    expected = {name: table.transaction_version(name) for name in names}
    (log_folder(made) / "_last_checkpoint").write_text(json.dumps(told))
    assert newest_transactions(made.lake, made.dataset.name) is None
    assert app_transactions(made.lake, made.dataset.name, table, names) == expected


def test_a_table_that_nobody_has_changed_is_given_back_as_it_is(made: BuildLake, monkeypatch) -> None:
    commits(made, 1)
    table = made.table

    def refuse(_: DeltaTable) -> None:
        raise AssertionError("there is nothing to bring up to date")

    monkeypatch.setattr(DeltaTable, "update_incremental", refuse)
    assert delta.newest(made.lake, made.dataset.name, table) is table


def test_commits_that_are_too_old_are_cleaned_away_by_the_commit_that_sums_them_up(made: BuildLake) -> None:
    commits(made, 0)
    made.table.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
    log = log_folder(made)

    def kept() -> list[int]:
        return sorted(int(path.stem) for path in log.glob("0*.json"))

    found = {}
    for mark in range(2, 21):
        day = DAY - dt.timedelta(days=mark)
        delta.swap_day(made.lake, made.dataset.contract, day, {}, table=None, fingerprint=mark, seen=mark, complete=False, still_ours=lambda _: True)
        found[mark] = kept()
    assert found[8] == list(range(9))
    assert min(found[9]) == min(found[18]) > 0
    assert min(found[19]) == min(found[20]) > min(found[18])


def test_a_commit_that_is_missing_before_others_is_not_the_end_of_the_log(made: BuildLake) -> None:
    commits(made, 5)
    made.land(event(1, 1))
    (log_folder(made) / f"{3:020d}.json").unlink()
    assert newest_transactions(made.lake, made.dataset.name) is None
    with pytest.raises(LakeFormatError, match=r"The log of the table .* cannot be read"):
        stale_days(made.lake, made.dataset)


def test_commits_that_were_cleaned_away_behind_an_old_checkpoint_are_left_to_the_table(made: BuildLake) -> None:
    commits(made, 19)
    log, names = log_folder(made), [name for mark in (1, 19) for name in delta.app_ids(DAY - dt.timedelta(days=mark))]
    expected = {name: version for name in names if (version := made.table.transaction_version(name)) is not None}
    (log / "_last_checkpoint").write_text(json.dumps({"version": 9, "size": 1}))
    for number in range(12):
        (log / f"{number:020d}.json").unlink()
    assert newest_transactions(made.lake, made.dataset.name) is None
    told = builds.newest_transactions(made.lake, made.dataset.name, [DAY - dt.timedelta(days=mark) for mark in (1, 19)])
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize("place", ["clean", "clean/workspace_audit"])
def test_a_file_in_place_of_the_tables_folder_is_named(made: BuildLake, place: str) -> None:
    made.land(event(1, 1))
    (made.folder / place).parent.mkdir(exist_ok=True)
    (made.folder / place).write_text("no folder")
    with pytest.raises(LakeFormatError, match="is a file, expected the folder of clean tables"):
        stale_days(made.lake, made.dataset)
