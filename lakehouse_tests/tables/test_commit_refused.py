"""What a commit refuses, and what is left of attempts that died: read before it is believed, and made again when it is lost."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from build_lakes import DAY, BuildLake, check_lake, event
from commit_files import change

from lakehouse.contracts.grain import Grain
from lakehouse.engines.polars_engine import build_grain
from lakehouse.errors import AuditError, LakeFormatError, TransientError
from lakehouse.landing.ledger import load_ledger
from lakehouse.steps import build as build_step
from lakehouse.steps.build import stale_days
from lakehouse.tables import builds
from lakehouse.tables.grains import STAGED_FOR, GrainInputs, account_path, forget_account, store_account
from lakehouse.tables.records import GrainAccount, GrainRef, decode_record
from lakehouse.tables.views import clean_version, quarantine_files

# --- how old a result may be ------------------------------------------------------------------------------------------


def test_a_commit_refuses_results_that_waited_too_long_and_the_next_run_makes_them_anew(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(lake: Any, dataset: Any, inputs: GrainInputs, key: Any) -> GrainAccount:
        """An engine whose driver comes to its commit half a day later."""
        account = build_grain(lake, dataset, inputs, key)
        return store_account(lake, msgspec.structs.replace(account, staged_at=account.staged_at - STAGED_FOR - 60))

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
    for _ in range(2):  # what was refused once is refused again, as long as its cause is there
        with pytest.raises(
            AuditError, match=r"(?s)raw is untouched.*has 2 lines by its manifest, 1 were read.*Restore .* lakehouse replay 2026-11-17"
        ):
            made.build()
        assert (made.table.version(), made.content()) == (version, content)
    refusals = list((made.folder / "ops" / "builds" / "workspace_audit" / str(DAY)).glob("*.refused.json"))
    assert len(refusals) == 1
    told = json.loads(refusals[0].read_text())
    assert told["build"]["day"] == str(DAY)
    assert "were read" in told["reasons"][0]
    assert "user1" not in refusals[0].read_text()
    part.write_bytes(whole)
    made.build()
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
    built = build_grain(made.lake, made.dataset, inputs, made.lake.token_key())
    return made.folder / built.files[0].path, made.folder / account_path(made.dataset.name, GrainRef(built.grain, built.digest))


def test_results_of_a_crashed_run_are_read_before_they_are_committed(made: BuildLake) -> None:
    made.land(event(1, 1))
    file, account = staged(made)
    whole = file.read_bytes()
    for damaged in (whole[:-20], b"", whole + b"x"):
        staged(made)
        file.write_bytes(damaged)
        with pytest.raises(AuditError):
            made.build()
        assert not account.exists()
    staged(made)
    file.unlink()
    with pytest.raises(AuditError, match="cannot be read"):
        made.build()
    staged(made)
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
    assert not account.exists()  # so the next build makes the result anew
    made.build()
    check_lake(made, [(1, 1)])


def test_a_result_that_is_refused_is_not_forgotten_where_others_have_made_it_anew(made: BuildLake) -> None:
    made.land(event(1, 1))
    _, path = staged(made)
    account = decode_record(path.read_bytes(), GrainAccount, str(path))
    change(path, lambda a: a.update(staged_at=account.staged_at + 1))
    forget_account(made.lake, account)
    assert path.exists()
    change(path, lambda a: a.update(staged_at=account.staged_at))
    forget_account(made.lake, account)
    assert not path.exists()


def test_rows_outside_the_grain_and_double_keys_are_found(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 2))
    file, account = staged(made)
    rows = pq.read_table(file)

    def put(table: Any) -> None:
        staged(made)
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
