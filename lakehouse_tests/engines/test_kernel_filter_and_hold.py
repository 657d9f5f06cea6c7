"""Rows that a dataset leaves out or holds are booked, and each is in one term only."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_lines import LANDED, Kernel, whole

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Column, Contract
from lakehouse.contracts.policies import LatenessBy
from lakehouse.datasets.model import Records
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel import quarantine
from lakehouse.engines.kernel.origin import PartContext
from lakehouse.engines.kernel.rows import BlockResult, process_block

DATASET = find_dataset("workspace_audit")
HOUR = Grain(LANDED.date(), "hour", LANDED.hour - 2)
READ = HOUR.start + dt.timedelta(hours=1)  # what had been read before the fetch
MINUTE = dt.timedelta(minutes=1)
HALF_AN_HOUR = replace(DATASET.contract, allowed_lateness=30 * MINUTE)
# The producer tells in `unique_id` how many minutes after the event it took it in; "none": it does not tell.
TELLS = replace(HALF_AN_HOUR, columns=(*DATASET.contract.columns, Column("taken_in", "timestamp", "When.")), ingest_time="taken_in")


def leaves_out_logouts(records: Records, contract: Contract) -> pl.DataFrame:
    frame = DATASET.transform(records, DATASET.contract)
    marked = frame.with_columns(_filtered=pl.when(pl.col("event_name") == "logout").then(pl.lit("low_value")))
    if contract.ingest_time is None:
        return marked
    return marked.with_columns(taken_in=pl.col("event_time") + pl.duration(minutes=pl.col("unique_id").cast(pl.Int64, strict=False)))


def activity(minute: int, name: str, unique: object = None) -> bytes:
    identity = {"time": f"{HOUR.start + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:%S.000Z}", "applicationName": "login", "customerId": "C0"}
    return json.dumps({"id": {**identity, "uniqueQualifier": unique or str(minute)}, "events": [{"name": name}]}).encode()


def run(lines: list[bytes], contract: Contract, **more: Any) -> BlockResult:
    context = PartContext(HOUR, "raw/part", "fetch-1", "login", **{"landed_at": LANDED, "started_at": LANDED, "reference_time": READ, **more})
    result = process_block(b"\n".join(lines), whole(lines, context), contract=contract, transform=leaves_out_logouts, key=Kernel.key)
    assert result.books.balanced()
    assert result.books.kept == result.rows.height
    assert result.quarantine.height == result.books.quarantined + result.books.unreadable + result.books.held
    return result


def test_a_filtered_row_is_booked_and_not_kept() -> None:
    result = run([activity(1, "login_success"), activity(2, "logout"), activity(3, "logout")], DATASET.contract)
    assert result.books == Books(lines=3, records=3, rows=3, filtered=2, kept=1)
    assert dict(result.filtered_rules) == {("login", "low_value"): 2}
    assert result.rows["event_name"].to_list() == ["login_success"]
    assert result.quarantine.height == 0


def test_a_row_that_came_too_late_is_held_and_one_on_the_edge_is_kept() -> None:
    result = run([activity(29, "login_success"), activity(30, "login_success"), activity(31, "login_success")], HALF_AN_HOUR)
    assert result.books == Books(lines=3, records=3, rows=3, held=1, kept=2)
    assert [t.minute for t in result.rows["event_time"]] == [30, 31]


def test_a_held_row_is_found_beside_the_refused_ones_and_is_none_of_them() -> None:
    two = json.loads(activity(2, "login_success"))
    two["events"].append({"name": "login_verification"})
    result = run([b"", activity(1, "login_success", unique=["no text"]), json.dumps(two).encode()], HALF_AN_HOUR)
    entries = result.quarantine.filter(pl.col("level") == "held").sort("row")
    assert entries.select("rule", "field", "line", "row", "event_time", "part", "application", "detail").rows() == [
        ("held_late", "event_time", 3, row, HOUR.start + 2 * MINUTE, "raw/part", "login", None) for row in (0, 1)
    ]
    assert quarantine.rule_counts(result.quarantine) == {"changed_type": 1}


def test_when_a_first_reading_landed_says_nothing_of_how_late_it_was() -> None:
    """A backfill months later keeps everything: only what had been read before, or the producer, can tell."""
    for contract in (HALF_AN_HOUR, TELLS):
        result = run([activity(1, "login_success", unique="none")], contract, reference_time=None, landed_at=LANDED + dt.timedelta(days=180))
        assert result.books == Books(lines=1, records=1, rows=1, kept=1)


def test_a_part_that_was_released_holds_nothing() -> None:
    lines = [activity(1, "login_success", unique="500"), activity(2, "logout"), activity(3, "login_success", unique=["no text"])]
    for contract in (HALF_AN_HOUR, TELLS):
        assert run(lines, contract).books == Books(lines=3, records=3, rows=3, quarantined=1, filtered=1, held=1)
        assert run(lines, contract, released=True).books == Books(lines=3, records=3, rows=3, quarantined=1, filtered=1, kept=1)


@pytest.mark.parametrize(
    ("minute", "told", "reference", "held"),
    [
        (1, "30", READ, 0),  # the producer had it in time: that the fetch found it late does not matter
        (1, "31", READ, 1),
        (59, "31", READ, 1),  # and the other way round
        (59, "31", None, 1),
        (59, "-5", None, 0),  # a clock that is behind
        (1, "none", READ, 1),  # it does not tell of this one
        (30, "none", READ, 0),
        (1, "none", None, 0),
    ],
)
def test_the_ingest_time_comes_before_what_had_been_read(minute: int, told: str, reference: dt.datetime | None, held: int) -> None:
    result = run([activity(minute, "login_success", unique=told)], TELLS, reference_time=reference)
    assert (result.books.held, result.books.kept) == (held, 1 - held)


@pytest.mark.parametrize("usual", [None, 10, 30])
def test_allowed_lateness_goes_by_the_value_of_a_column(usual: int | None) -> None:
    by = LatenessBy("event_name", (("login_success", 20 * MINUTE), ("login_failure", None)))
    contract = replace(DATASET.contract, allowed_lateness=None if usual is None else usual * MINUTE, allowed_lateness_by=by)
    names = ("login_success", "login_failure", "login_challenge")
    lines = [activity(60 - late, name, unique=f"{late}-{name}") for late in (5, 15, 25, 45) for name in names]
    result = run(lines, contract, reference_time=READ)
    allowed = {"login_success": 20, "login_failure": 1_000, "login_challenge": 1_000 if usual is None else usual}
    wanted = sorted((name, 60 - late) for name in names for late in (5, 15, 25, 45) if late <= allowed[name])
    assert sorted((name, time.minute) for name, time in result.rows.select("event_name", "event_time").rows()) == wanted
    assert run(lines, contract, reference_time=READ, released=True).books.held == 0


def test_the_first_term_that_applies_takes_the_row() -> None:
    """Quarantined before filtered before held."""
    contract = replace(DATASET.contract, allowed_lateness=dt.timedelta(minutes=1))
    lines = [activity(1, "logout", unique=["no text"]), activity(2, "logout"), activity(3, "login_success"), b"", b"{broken"]
    result = run(lines, contract)
    assert result.books == Books(lines=5, blank=1, unreadable=1, records=3, rows=3, quarantined=1, filtered=1, held=1)
    assert sorted(result.quarantine["rule"]) == ["changed_type", "held_late", "unreadable_json"]


@settings(deadline=None)
@given(
    minutes=st.lists(st.tuples(st.integers(0, 59), st.sampled_from(["login_success", "logout"])), max_size=8),
    reference=st.none() | st.integers(-100, 200),
    allowed=st.integers(0, 120),
    released=st.booleans(),
)
def test_held_are_those_that_came_later_than_allowed(minutes: list[tuple[int, str]], reference: int | None, allowed: int, released: bool) -> None:
    contract = replace(DATASET.contract, allowed_lateness=allowed * MINUTE)
    read = None if reference is None else HOUR.start + reference * MINUTE
    lines = [activity(minute, name, unique=f"{place}") for place, (minute, name) in enumerate(minutes)]
    books = run(lines, contract, reference_time=read, released=released).books
    late = [m for m, name in minutes if name != "logout" and reference is not None and not released and reference - m > allowed]
    assert (books.held, books.filtered) == (len(late), sum(name == "logout" for _, name in minutes))
