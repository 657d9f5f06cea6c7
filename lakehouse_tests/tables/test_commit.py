"""One commit makes a day: what it swaps, what it refuses, and what readers see when it does not come to pass."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from build_lakes import BEFORE, DAY, BuildLake, check_lake, event, finish
from deltalake import DeltaTable

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Column
from lakehouse.datasets.model import Dataset
from lakehouse.engines.polars_engine import build_grain
from lakehouse.errors import AuditError, LakeFormatError, TransientError
from lakehouse.landing.ledger import load_ledger
from lakehouse.steps import build as build_step
from lakehouse.steps.build import stale_days
from lakehouse.tables import builds, delta
from lakehouse.tables.grains import STAGED_FOR, GrainInputs, account_path, store_account
from lakehouse.tables.records import GrainAccount, GrainRef
from lakehouse.tables.transactions import app_transactions
from lakehouse.tables.views import clean_version, quarantine_files


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit a JSON file of a lake."""
    found = json.loads(path.read_text())
    edit(found)
    path.write_text(json.dumps(found))


def log_of(made: BuildLake, version: int) -> list[dict[str, Any]]:
    path = made.folder / "clean" / "workspace_audit" / "_delta_log" / f"{version:020d}.json"
    return [json.loads(text) for text in path.read_text().splitlines()]


def write_log(made: BuildLake, version: int, *actions: dict[str, Any]) -> Path:
    path = made.folder / "clean" / "workspace_audit" / "_delta_log" / f"{version:020d}.json"
    path.write_text("".join(json.dumps(a) + "\n" for a in actions))
    return path


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
    assert {a["txn"]["appId"] for a in actions if "txn" in a} == {f"build/{DAY}", f"seen/{DAY}"}
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
    version = delta.swap_day(made.lake, contract, DAY, {}, fingerprint=7, seen=2, still_ours=lambda _: True)
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
    assert delta.day_state(made.table, DAY).seen == second.build.seen == 2


def test_transactions_survive_a_checkpoint_and_the_cleaning_of_the_log(made: BuildLake) -> None:
    made.land(event(1, 1))
    report = made.build()
    made.table.create_checkpoint()
    log = made.folder / "clean" / "workspace_audit" / "_delta_log"
    for path in log.glob("0*.json"):
        path.unlink()
    assert made.fingerprint() == report.build.fingerprint
    assert made.build().committed is False


def test_all_transactions_are_read_in_one_pass(made: BuildLake) -> None:
    """With and without a checkpoint, after commits on top of one, and for a table that was opened before the newest checkpoint."""
    days = [DAY - dt.timedelta(days=n) for n in range(4)]

    def commit(day: dt.date, mark: int) -> None:
        delta.swap_day(made.lake, made.dataset.contract, day, {}, fingerprint=mark, seen=mark, still_ours=lambda _: True)

    def agree(table: DeltaTable | None = None) -> None:
        opened = table or made.table
        names = [name for day in days for name in delta.app_ids(day)]
        found = app_transactions(made.lake, made.dataset.name, opened, names)
        assert {n: v for n, v in found.items() if n in names} == {n: v for n in names if (v := opened.transaction_version(n)) is not None}

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


# --- who may commit ---------------------------------------------------------------------------------------------------


def attempt(made: BuildLake, **more: Any) -> Any:
    ledger = load_ledger(made.lake, made.dataset.name)
    arguments = {"force": False, "progress": lambda _: None} | more
    return build_step._Attempt(
        made.lake, made.dataset, DAY, ledger, made.lake.token_key(), build_step._engine(made.lake, made.dataset, None), **arguments
    )


def test_a_build_that_has_seen_less_than_the_committed_one_is_refused(made: BuildLake) -> None:
    made.land(event(1, 1))
    slow = attempt(made)
    made.land(event(1, 2), event(2, 3))
    made.build()
    version = made.table.version()
    assert slow.run(0.0) is None  # to start again from the part list
    assert made.table.version() == version
    check_lake(made, [(1, 1), (1, 2), (2, 3)])


def test_a_commit_of_the_same_build_never_takes_seen_back(made: BuildLake) -> None:
    made.land(event(1, 1))
    report = made.build()
    contract, mark = made.dataset.contract, report.build.fingerprint
    files = {f.path.removeprefix("clean/workspace_audit/"): f for a in report.accounts.values() for f in a.files}
    delta.swap_day(made.lake, contract, DAY, files, fingerprint=mark, seen=9, still_ours=lambda _: True)
    delta.swap_day(made.lake, contract, DAY, files, fingerprint=mark, seen=3, still_ours=lambda _: True)
    assert delta.day_state(made.table, DAY).seen == 9
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


# --- how old a result may be ------------------------------------------------------------------------------------------


def test_a_commit_refuses_results_that_waited_too_long_and_the_next_run_makes_them_anew(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(lake: Any, dataset: Any, inputs: GrainInputs, key: Any, *, replace: bool = False) -> GrainAccount:
        """An engine whose driver comes to its commit half a day later."""
        account = build_grain(lake, dataset, inputs, key, replace=replace)
        return store_account(lake, msgspec.structs.replace(account, staged_at=account.staged_at - STAGED_FOR - 60), replace=True)

    monkeypatch.setitem(build_step.ENGINES, "slow", slow)
    made.land(event(1, 1))
    made.build()
    made.land(event(2, 2), event(3, 3))
    before = (made.table.version(), made.files())
    with pytest.raises(TransientError, match=rf"{DAY}T02, {DAY}T03 were staged 12\.0 h ago.*less than 12 h.*Run the build again"):
        made.build(engine="slow")
    assert (made.table.version(), made.files()) == before
    assert [d.day for d in stale_days(made.lake, made.dataset)] == [DAY]
    again = made.build()
    assert [ref.grain for ref in again.rebuilt] == [f"{DAY}T02", f"{DAY}T03"]
    check_lake(made, [(1, 1), (2, 2), (3, 3)])


def test_what_is_committed_has_no_age_and_what_was_left_behind_is_made_anew(made: BuildLake) -> None:
    made.land(event(1, 1))
    _, account = staged(made)

    def age() -> None:
        change(account, lambda a: a.update(staged_at=a["staged_at"] - STAGED_FOR - 1))

    age()
    assert [ref.grain for ref in made.build().rebuilt] == [f"{DAY}T01"]
    age()
    assert made.build().committed is False
    made.land(event(2, 2))
    report = made.build()
    assert ([ref.grain for ref in report.rebuilt], report.reused, report.committed) == ([f"{DAY}T02"], 1, True)
    check_lake(made, [(1, 1), (2, 2)])


# --- what the audit refuses -------------------------------------------------------------------------------------------


def test_a_refused_audit_leaves_the_old_version_and_says_why(made: BuildLake) -> None:
    part = made.folder / made.land(event(1, 1), event(1, 2)).parts[0].path
    made.build()
    version, content, whole = made.table.version(), made.content(), part.read_bytes()
    part.write_bytes(zstandard.compress(zstandard.decompress(whole).splitlines(keepends=True)[0]))
    made.land(event(1, 3))
    for _ in range(2):  # what was refused once is refused again, though its result is there
        with pytest.raises(AuditError, match="has 2 lines by its manifest, 1 were read"):
            made.build()
        assert (made.table.version(), made.content()) == (version, content)
    refusals = list((made.folder / "ops" / "builds" / "workspace_audit" / str(DAY)).glob("*.refused.json"))
    assert len(refusals) == 1
    told = json.loads(refusals[0].read_text())
    assert told["build"]["day"] == str(DAY)
    assert "were read" in told["reasons"][0]
    assert "user1" not in refusals[0].read_text()
    part.write_bytes(whole)
    made.build(force=True)
    check_lake(made, [(1, 1), (1, 2), (1, 3)])


def test_a_forced_build_that_is_refused_has_not_touched_what_is_committed(made: BuildLake) -> None:
    part = made.folder / made.land(event(1, 1), event(1, 2), b"{").parts[0].path
    made.build()
    committed = {p: (made.folder / "clean" / "workspace_audit" / p).read_bytes() for p in made.files()}
    views = (clean_version(made.lake, made.dataset.contract), quarantine_files(made.lake, made.dataset.contract))
    whole = part.read_bytes()
    part.write_bytes(zstandard.compress(zstandard.decompress(whole).splitlines(keepends=True)[0]))
    with pytest.raises(AuditError):
        made.build(force=True)
    assert {p: (made.folder / "clean" / "workspace_audit" / p).read_bytes() for p in made.files()} == committed
    assert (clean_version(made.lake, made.dataset.contract), quarantine_files(made.lake, made.dataset.contract)) == views
    part.write_bytes(whole)
    assert made.build().committed is False
    check_lake(made, [(1, 1), (1, 2)])


def staged(made: BuildLake) -> tuple[Path, Path]:
    """(table file, account) of the result of hour 1, written and not committed, as a run leaves it that dies before its commit."""
    (part,) = load_ledger(made.lake, made.dataset.name).parts[f"{DAY}T01"]
    inputs = GrainInputs(Grain(DAY, "hour", 1), (part,), {})
    built = build_grain(made.lake, made.dataset, inputs, made.lake.token_key(), replace=True)
    return made.folder / built.files[0].path, made.folder / account_path(made.dataset.name, GrainRef(built.grain, built.digest))


def test_results_of_a_crashed_run_are_read_before_they_are_committed(made: BuildLake) -> None:
    made.land(event(1, 1))
    file, _ = staged(made)
    whole = file.read_bytes()
    for damaged in (whole[:-20], b"", whole + b"x"):
        file.write_bytes(damaged)
        with pytest.raises(AuditError):
            made.build()
    file.unlink()
    with pytest.raises(AuditError, match="cannot be read"):
        made.build()
    file.write_bytes(whole)
    assert made.build().rebuilt == ()
    check_lake(made, [(1, 1)])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda a: a.update(parts=[]), "its account tells of the parts"),
        (lambda a: a["parts"][0]["books"].update(kept=5), "do not close"),
        (lambda a: a["parts"][0]["books"].update(lines=2, blank=1), "by its manifest"),
        (lambda a: a["files"][0].update(rows=2), "the files have 2"),
        (lambda a: a["files"][0].update(size=1), "bytes"),
        (lambda a: a["parts"][0].update(part="raw/another"), "its account tells of the parts"),
        (lambda a: a["parts"][0]["books"].update(records=2, lines=2, rows=2, quarantined=1), "put aside"),
    ],
)
def test_an_account_is_not_believed(made: BuildLake, edit: Callable[[dict[str, Any]], None], message: str) -> None:
    made.land(event(1, 1))
    _, account = staged(made)
    change(account, edit)
    with pytest.raises(AuditError, match=message):
        made.build()
    assert made.files() == []
    account.unlink()
    made.build()
    check_lake(made, [(1, 1)])


def test_rows_outside_the_grain_and_double_keys_are_found(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 2))
    file, account = staged(made)
    rows = pq.read_table(file)

    def put(table: Any) -> None:
        pq.write_table(table, file)
        change(account, lambda a: a["files"][0].update(size=file.stat().st_size))

    put(rows.take([0, 0]))
    with pytest.raises(AuditError, match="2 rows but 1 keys"):
        made.build()
    later = [t + dt.timedelta(hours=1) for t in rows["event_time"].to_pylist()]
    put(rows.set_column(0, "event_time", pa.array(later, rows.schema.field("event_time").type)))
    with pytest.raises(AuditError, match="outside the grain"):
        made.build()
    put(rows.drop_columns(["_line"]))
    with pytest.raises(AuditError, match="has the columns"):
        made.build()
    account.unlink()
    made.build()
    check_lake(made, [(1, 1), (1, 2)])


# --- what readers see -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["clean.after_files", "clean.after_account", "clean.after_build", "clean.before_commit"])
def test_files_of_an_attempt_that_died_are_not_visible(made: BuildLake, point: str) -> None:
    made.land(event(1, 1), b"{")
    made.build()
    seen = (clean_version(made.lake, made.dataset.contract), quarantine_files(made.lake, made.dataset.contract), made.content())
    made.land(event(1, 2), event(2, 3), b"[")
    process = made.run("build_day(lake, dataset, DAY)", fail_at=point)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert (clean_version(made.lake, made.dataset.contract), quarantine_files(made.lake, made.dataset.contract), made.content()) == seen


def test_a_build_record_that_is_lost_is_told_and_made_again(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2))
    made.build()
    for path in (made.folder / "ops" / "builds" / "workspace_audit" / str(DAY)).glob("*.json"):
        path.unlink()
    with pytest.raises(LakeFormatError, match="lakehouse replay 2026-11-17"):
        builds.committed_builds(made.lake, made.dataset.contract)
    report = made.build()
    assert report.committed
    assert builds.committed_builds(made.lake, made.dataset.contract)[DAY] == report.build
    check_lake(made, [(1, 1), (2, 2)])


def test_an_account_that_is_lost_is_told_and_made_again(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2))
    first = made.build()
    (account,) = (made.folder / "ops" / "grains" / "workspace_audit" / f"{DAY}T02").glob("*.json")
    account.unlink()
    with pytest.raises(LakeFormatError, match=r"Build the day again: lakehouse replay .*has expired, restore the file from a backup of ops/"):
        builds.accounts_of(made.lake, [first.build])
    report = made.build()
    assert (len(report.rebuilt), report.reused) == (1, 1)
    assert len(builds.accounts_of(made.lake, [report.build])) == 2
    check_lake(made, [(1, 1), (2, 2)])


# --- other versions ---------------------------------------------------------------------------------------------------


def test_a_table_with_deletion_vectors_is_refused(made: BuildLake) -> None:
    made.land(event(1, 1))
    made.build()
    features = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    write_log(made, made.table.version() + 1, {"protocol": features})
    made.land(event(1, 2))
    for ask in (made.build, lambda: clean_version(made.lake, made.dataset.contract)):
        with pytest.raises(LakeFormatError, match="deletion vectors"):
            ask()


@pytest.mark.parametrize(
    "protocol",
    [
        {"minReaderVersion": 99, "minWriterVersion": 99},
        {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["fromTheFuture"], "writerFeatures": ["fromTheFuture"]},
    ],
)
def test_a_table_of_a_newer_delta_is_refused(made: BuildLake, protocol: dict[str, Any]) -> None:
    made.land(event(1, 1))
    made.build()
    write_log(made, made.table.version() + 1, {"protocol": protocol})
    with pytest.raises(LakeFormatError, match="newer lakehouse"):
        made.build()


def test_records_of_a_newer_format_are_refused_with_their_name(made: BuildLake) -> None:
    made.land(event(1, 1))
    report = made.build()
    (account,) = (made.folder / "ops" / "grains" / "workspace_audit" / f"{DAY}T01").glob("*.json")
    change(account, lambda a: a.update(format=99, unheard_of=1))
    with pytest.raises(LakeFormatError, match=f"{account.name} says format 99"):
        made.build()
    change(account, lambda a: a.update(format=1))
    record = made.folder / "ops" / "builds" / "workspace_audit" / str(DAY) / f"{report.build.fingerprint}.json"
    change(record, lambda b: b.update(format=99))
    with pytest.raises(LakeFormatError, match="says format 99"):
        made.build()
    record.write_text("{torn")
    with pytest.raises(LakeFormatError, match="damaged"):
        made.build()


def wider(made: BuildLake, **more: Any) -> Dataset:
    """The dataset with a contract that has one column more, which the transform fills."""
    contract = replace(made.dataset.contract, columns=(*made.dataset.contract.columns, Column("added", "int64", "")), version=2, **more)

    def transform(records: Any, _: Any) -> Any:
        return made.dataset.transform(records, made.dataset.contract).with_columns(added=pl.lit(7, pl.Int64))

    return replace(made.dataset, contract=contract, transform=transform)


def test_a_column_that_a_contract_adds_is_added_to_the_table(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 9, day=BEFORE))
    made.build(BEFORE)
    newer = replace(made, dataset=wider(made))
    newer.build()
    assert "added" in [f.name for f in newer.table.schema().fields]
    assert clean_version(made.lake, newer.dataset.contract).version == newer.table.version()
    made.land(event(2, 2))
    with pytest.raises(LakeFormatError, match="added"):
        made.build()  # by the older software, which would leave the column out
    newer.build(BEFORE)
    assert newer.rows()["added"].to_list() == [7, 7]


def test_a_column_of_another_type_is_refused(made: BuildLake) -> None:
    made.land(event(1, 1))
    made.build()
    version = made.table.version()
    columns = tuple(replace(c, type="int64") if c.name == "api_name" else c for c in made.dataset.contract.columns)
    with pytest.raises(LakeFormatError, match="api_name"):
        delta.ensure_table(made.lake, replace(made.dataset.contract, columns=columns))
    assert made.table.version() == version


# --- the table is plain Delta -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with space", "100%", "ha#sh", "ümlaut", "brack[e]t"])
def test_the_folder_of_a_lake_may_have_any_name(made: BuildLake, tmp_path: Path, name: str) -> None:
    other = BuildLake.make(tmp_path / name)
    other.land(event(1, 1), b"{")
    report = other.build()
    assert all(c.passed for c in report.checks if c.name not in ("contract", "holes"))
    other.land(event(1, 2))
    other.build()
    check_lake(other, [(1, 1), (1, 2)])


def test_any_delta_reader_sees_the_rows_and_the_partition(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2), event(1, 9, day=BEFORE))
    made.build()
    made.build(BEFORE)
    table = DeltaTable(os.fspath(made.folder / "clean" / "workspace_audit"))
    assert table.metadata().partition_columns == ["event_date"]
    found = table.count()
    assert found == 3
    assert [f.name for f in table.schema().fields] == [c.name for c in made.dataset.contract.table_columns]
