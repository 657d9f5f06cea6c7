"""One commit makes a day: what it swaps and what it leaves alone, its transactions, and several at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from build_lakes import BEFORE, DAY, BuildLake, check_lake, event, finish
from commit_files import log_of

from lakehouse.landing.ledger import load_ledger
from lakehouse.steps import build as build_step
from lakehouse.steps.attempt import RAW_BYTES, Attempt
from lakehouse.steps.build import stale_days
from lakehouse.steps.parallel import Room
from lakehouse.tables import delta

# --- what a commit changes --------------------------------------------------------------------------------------------


def test_only_the_files_of_changed_hours_are_swapped(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2), event(3, 3))
    made.build()
    before = made.files()
    made.land(event(2, 22))
    report = made.build()
    assert (len(report.rebuilt), report.reused) == (1, 2)
    actions = log_of(made, report.table_version or -1)
    added, removed = ([a[kind]["path"] for a in actions if kind in a] for kind in ("add", "remove"))
    assert [p.split("/")[1][:2] for p in added] == ["02"]
    assert removed == [p for p in before if "/02-" in p]
    assert {a["txn"]["appId"] for a in actions if "txn" in a} == {f"build/{DAY}", f"seen/{DAY}", f"complete/{DAY}"}
    check_lake(made, [(1, 1), (2, 2), (2, 22), (3, 3)])


def test_building_again_what_is_unchanged_commits_nothing(made: BuildLake) -> None:
    made.land(event(1, 1), b"{broken", event(2, 2, events="none"))
    first = made.build()
    version, written = made.table.version(), files_of(made.folder)
    second = made.build()
    assert (second.committed, second.rebuilt, second.table_version) == (False, (), None)
    assert second.build == first.build
    assert made.table.version() == version
    assert files_of(made.folder) == written


def files_of(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_another_day_is_left_alone(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 9, day=BEFORE))
    made.build(BEFORE)
    before = made.files()
    report = made.build()
    assert not any("remove" in a for a in log_of(made, report.table_version or -1))
    assert set(before) < set(made.files())


def test_the_version_of_a_commit_is_the_version_of_the_table(made: BuildLake) -> None:
    made.land(event(1, 1))
    assert made.build().table_version == made.table.version()


def test_a_day_that_became_empty_loses_its_files(made: BuildLake) -> None:
    made.land(event(1, 1))
    made.build()
    contract = made.dataset.contract
    version = delta.swap_day(made.lake, contract, DAY, {}, table=None, fingerprint=7, seen=2, complete=False, still_ours=lambda _: True)
    assert (version, made.files()) == (made.table.version(), [])


def test_a_commit_without_files_records_its_transactions(made: BuildLake) -> None:
    made.land(event(1, 1))
    first = made.build()
    made.cover()
    second = made.build()
    assert (first.build.complete, second.build.complete) == (False, True)
    assert (second.committed, second.rebuilt) == (True, ())
    actions = log_of(made, second.table_version or -1)
    assert not any("add" in a or "remove" in a for a in actions)
    assert made.fingerprint() == second.build.fingerprint
    assert delta.day_state(made.lake, made.dataset.name, made.table, DAY).seen == second.build.seen == 2


def test_the_log_tells_of_a_file_how_many_rows_it_has_and_nothing_of_its_columns(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2), event(2, 3))
    report = made.build()
    told = [json.loads(a["add"]["stats"]) for a in log_of(made, report.table_version or -1) if "add" in a]
    assert sorted(told, key=str) == [{"numRecords": 1}, {"numRecords": 2}]
    assert [c for c in pa.table(made.table.get_add_actions(flatten=True)).column_names if c.startswith(("min.", "max.", "null_count."))] == []
    assert delta.rows_by_day(made.table) == {DAY: 3}


def test_transactions_survive_a_checkpoint_and_the_cleaning_of_the_log(made: BuildLake) -> None:
    made.land(event(1, 1))
    report = made.build()
    made.table.create_checkpoint()
    log = made.folder / "clean" / "workspace_audit" / "_delta_log"
    for path in log.glob("0*.json"):
        path.unlink()
    assert made.fingerprint() == report.build.fingerprint
    assert made.build().committed is False


# --- who may commit ---------------------------------------------------------------------------------------------------


def attempt(made: BuildLake, **more: Any) -> Any:
    ledger = load_ledger(made.lake, made.dataset.name)
    arguments = {"force": False, "progress": lambda _: None} | more
    engine = build_step._engine(made.lake, made.dataset, None)
    return Attempt(made.lake, made.dataset, DAY, ledger, made.lake.token_key(), engine, room=Room(RAW_BYTES), **arguments)


def test_a_build_that_has_seen_less_than_the_committed_one_is_refused(made: BuildLake) -> None:
    made.land(event(1, 1))
    slow = attempt(made)
    made.land(event(1, 2), event(2, 3))
    made.build()
    version = made.table.version()
    assert slow.commit(slow.make()) is None  # to start again from the part list
    assert made.table.version() == version
    check_lake(made, [(1, 1), (1, 2), (2, 3)])


def test_a_commit_of_the_same_build_never_takes_seen_back(made: BuildLake) -> None:
    made.land(event(1, 1))
    report = made.build()
    contract, mark = made.dataset.contract, report.build.fingerprint
    files = {f.path.removeprefix("clean/workspace_audit/"): f for a in report.accounts.values() for f in a.files}
    delta.swap_day(made.lake, contract, DAY, files, table=None, fingerprint=mark, seen=9, complete=True, still_ours=lambda _: True)
    delta.swap_day(made.lake, contract, DAY, files, table=None, fingerprint=mark, seen=3, complete=True, still_ours=lambda _: True)
    assert delta.day_state(made.lake, made.dataset.name, made.table, DAY).seen == 9
    check_lake(made, [(1, 1)])


def test_one_day_is_built_by_several_processes_at_once(made: BuildLake) -> None:
    made.land(*(event(hour, hour) for hour in range(6)))
    finish(*(made.run("build_day(lake, dataset, DAY)\nbuild_day(lake, dataset, DAY, force=True)") for _ in range(2)))
    check_lake(made, [(hour, hour) for hour in range(6)])
    assert made.build().committed is False


def test_days_are_built_at_once_while_lines_land(made: BuildLake) -> None:
    made.land(*(event(hour, hour) for hour in range(4)), *(event(hour, hour + 30, day=BEFORE) for hour in range(4)))
    code = """
        for _ in range(2):
            build_day(lake, dataset, DAY)
            build_day(lake, dataset, BEFORE, force=True)
    """
    running = [made.run(code), made.run(code.replace("DAY", "X").replace("BEFORE", "DAY").replace("X", "BEFORE"))]
    for number in range(50, 54):
        made.land(event(number - 50, number))
    finish(*running)
    made.build()
    expected = [(h, h) for h in range(4)] + [(h, h + 30) for h in range(4)] + [(h, h + 50) for h in range(4)]
    check_lake(made, expected)
    assert stale_days(made.lake, made.dataset) == []


def test_a_table_that_was_opened_before_is_brought_up_to_date_or_opened_anew(made: BuildLake, tmp_path: Path) -> None:
    made.land(event(1, 1))
    made.build()
    before = made.table
    made.land(event(2, 2))
    made.build()
    now = delta.newest(made.lake, made.dataset.name, before)
    assert now is before
    assert now.version() == made.table.version()
    assert delta.active_files(now) == delta.active_files(made.table)
    folder = made.folder / "clean" / made.dataset.name
    folder.rename(tmp_path / "away")
    assert delta.newest(made.lake, made.dataset.name, before) is None
    made.build(force=True)
    assert made.table.version() == 1
    check_lake(made, [(1, 1), (2, 2)])
