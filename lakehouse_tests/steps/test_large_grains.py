"""A grain with more rows than are compared at once: several files, and the same rows, books and checks as in one."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl
import pytest
from build_lakes import BEFORE, DAY, BuildLake, check_lake, event
from deltalake.transaction import AddAction

from lakehouse.contracts.types import polars_type, table_schema
from lakehouse.engines import stretches
from lakehouse.settings import open_lake
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.audit import audit_grain

Land = Callable[[BuildLake], None]


def mixed(lake: BuildLake) -> None:
    """Copies in one fetch and in two, a key with two contents, a field of its own, and records of two events."""
    events = [event(3, n) for n in range(20)]
    lake.land(*events, *events[5:9], event(3, 2, ipAddress="192.0.2.1"))
    twice = event(3, 40) | {"events": [{"name": "activity"}, {"name": "revoke", "parameters": [{"name": "client_id", "value": "x"}]}]}
    lake.land_copies(event(3, 7, newField=1), twice, event(3, 21, etag='"other"'), *events[10:12])


def same_minute(lake: BuildLake) -> None:
    """More rows of one instant than a stretch has, between others."""
    lake.land(event(3, 1), event(3, 59), *(event(3, 30 + 60 * n) for n in range(9)), event(3, 30))


def told(report: DayReport) -> list[tuple[object, ...]]:
    facts = []
    for account in report.accounts.values():
        parts = [p.books for p in account.parts]
        facts.append((account.grain, account.lateness, account.key_conflicts, account.rows_with_extra, account.unknown_values, parts))
    return facts


@pytest.mark.parametrize("land", [mixed, same_minute])
def test_rows_books_and_checks_are_the_same_in_many_stretches_as_in_one(
    made: BuildLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, land: Land
) -> None:
    land(made)
    other = BuildLake(open_lake(shutil.copytree(made.folder, tmp_path / "other")))
    one = made.build()
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 4)
    many = other.build()
    assert len(made.files()) == 1
    assert len(other.files()) > 1
    assert other.content() == made.content()
    assert told(many) == told(one)
    assert [(c.name, c.passed, c.metadata) for c in many.checks] == [(c.name, c.passed, c.metadata) for c in one.checks]
    check_lake(other, made.names())


def test_the_files_of_a_grain_follow_on_each_other_and_have_all_columns(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 4)
    mixed(made)
    (account,) = made.build().accounts.values()
    frames = [pl.read_parquet(made.folder / file.path) for file in account.files]
    times = pl.concat([f["event_time"] for f in frames])
    assert times.is_sorted()
    wanted = {c.name: polars_type(c.type) for c in made.dataset.contract.table_columns[:-1]}
    assert all(dict(f.schema) == wanted for f in frames)
    bounds = [(f.min_time, f.max_time) for f in account.files]
    assert bounds == [(f["event_time"].min(), f["event_time"].max()) for f in frames]
    assert all(earlier[1] < later[0] for earlier, later in pairwise(bounds))  # type: ignore[operator]


def test_a_late_event_swaps_all_files_of_its_hour_and_no_other(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 4)
    made.land(*(event(3, n) for n in range(9)), *(event(4, n) for n in range(9)))
    made.build()
    before = set(made.files())
    made.land(event(3, 20))
    made.build()
    swapped = before ^ set(made.files())
    assert {name.rsplit("/", 1)[1][:3] for name in swapped} == {"03-"}
    assert {name for name in before if "/03-" in name} <= swapped
    check_lake(made, [*((3, n) for n in range(9)), *((4, n) for n in range(9)), (3, 20)])


def test_files_of_a_grain_that_overlap_in_time_fail_the_audit(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "STRETCH_ROWS", 4)
    made.land(*(event(3, n) for n in range(9)))
    ((grain, account),) = made.build().accounts.items()
    landed = {p.part: p.books.lines for p in account.parts}

    def faults(files: tuple[object, ...]) -> list[str]:
        changed = msgspec.structs.replace(account, files=files)
        return list(audit_grain(made.lake, made.dataset.contract, grain, changed, landed, read_files=True))

    assert faults(account.files) == []
    (fault,) = faults(account.files[::-1][-2:] + account.files[2:])
    assert "expected later" in fault


def test_a_key_in_a_file_that_no_account_lists_is_found_double(made: BuildLake) -> None:
    made.land(event(3, 1), event(3, 2))
    made.build()
    (path,) = made.files()
    copy = path.replace("03-", "03-copied-")
    table = made.folder / "clean" / made.dataset.name
    shutil.copy(table / path, table / copy)
    add = AddAction(copy, (table / copy).stat().st_size, {"event_date": DAY.isoformat()}, 0, True, "{}")
    made.table.create_write_transaction([add], mode="append", schema=table_schema(made.dataset.contract), partition_by=["event_date"])
    check = next(c for c in made.build().checks if c.name == "duplicate_keys")
    assert not check.passed
    assert check.metadata["double"] == 2


def test_rows_that_span_days_are_compared_with_each_other_in_the_check(made: BuildLake) -> None:
    made.dataset = replace(made.dataset, contract=replace(made.dataset.contract, rows_span_days=True))
    made.land(event(3, 1), event(4, 1))
    check = next(c for c in made.build().checks if c.name == "duplicate_keys")
    assert check.passed
    assert check.metadata["double"] == 0


def test_a_day_of_which_nothing_is_kept_has_no_key_twice(made: BuildLake) -> None:
    made.dataset = replace(made.dataset, contract=replace(made.dataset.contract, rows_span_days=True))
    made.land(event(3, 1, events="x"))
    report = made.build()
    assert (report.committed, report.books.kept) == (True, 0)
    assert next(c for c in report.checks if c.name == "duplicate_keys").metadata["double"] == 0


def test_an_id_is_repeated_when_another_time_has_it_on_the_day_or_the_day_before(made: BuildLake) -> None:
    several = {"events": [{"name": "activity"}, {"name": "revoke"}]}
    made.land(event(3, 1, **several), event(4, 2), event(3, 3, day=BEFORE), event(3, 9, day=BEFORE - dt.timedelta(days=1)))
    made.land(event(5, 3), event(5, 9))
    made.build(BEFORE)
    made.build(BEFORE - dt.timedelta(days=1))
    check = next(c for c in made.build().checks if c.name == "repeated_ids")
    assert check.metadata == {"ids": 1}
