"""What is no line, no record and no row, under which rule, and that its neighbours stay: every line is in one term."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from kernel_lines import LANDED, parameters, set_at, whole

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Records
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.origin import PartContext
from lakehouse.engines.kernel.rows import process_block

DATASET = find_dataset("workspace_audit")


@pytest.mark.parametrize(
    ("line", "rule", "level"),
    [
        (b'{"id":{"time":"2026-11-17T09:05:00Z", broken', "unreadable_json", "line"),
        (b'{"id":1,"id":2}', "unreadable_json", "line"),
        (b'{"u":"\xff"}', "unreadable_json", "line"),
        (b"[1,2]", "not_an_object", "line"),
        (b'"text"', "not_an_object", "line"),
        (b"null", "not_an_object", "line"),
        (b"{}", "missing_required", "row"),
    ],
)
def test_lines_that_are_no_record(kernel, line: bytes, rule: str, level: str) -> None:
    found = kernel.fate(line)
    assert (found[0], found[2]) == (rule, level)


@pytest.mark.parametrize(
    ("path", "value", "rule", "field"),
    [
        ("id", ..., "missing_required", "id"),
        ("id", None, "missing_required", "id"),
        ("id", "x", "changed_type", "id"),
        ("id.time", ..., "missing_required", "id.time"),
        ("id.time", 1700000000, "changed_type", "id.time"),
        ("id.customerId", None, "missing_required", "id.customerId"),
        ("id.uniqueQualifier", True, "changed_type", "id.uniqueQualifier"),
        ("id.uniqueQualifier", ["1"], "changed_type", "id.uniqueQualifier"),
        ("actor", "ada", "changed_type", "actor"),
        ("actor.email", 5, "changed_type", "actor.email"),
        ("events", ..., "missing_required", "events"),
        ("events", {}, "changed_type", "events"),
        ("events", [None], "missing_required", "events[].name"),
        ("events", [], "no_rows", None),
        ("events.name", ..., "missing_required", "events[].name"),
        ("events.parameters", "x", "changed_type", "events[].parameters"),
        ("events.parameters.name", 3, "changed_type", "events[].parameters[].name"),
    ],
)
def test_records_that_cannot_be_rows(kernel, path: str, value: Any, rule: str, field: str | None) -> None:
    record = set_at(kernel.record("token_activity"), path, value)
    assert kernel.fate(record, grain=Grain.parse("2026-11-17T09")) == (rule, field, "row")


@pytest.mark.parametrize(
    ("value", "rule"),
    [("-1", "out_of_range"), ("many", "not_a_number"), ("1.5", "not_a_number"), ("9223372036854775808", "not_a_number"), ("", "not_a_number")],
)
def test_a_response_size_that_is_none(kernel, value: str, rule: str) -> None:
    record = parameters(kernel.record("token_revoke_without_ip"), {"name": "num_response_bytes", "intValue": value})
    assert kernel.fate(record) == (rule, "num_response_bytes", "row")


def test_an_unreadable_time_in_a_grain_is_told_first(kernel) -> None:
    record = parameters(kernel.record("token_revoke_without_ip"), {"name": "num_response_bytes", "intValue": "-1"})
    assert kernel.fate(set_at(record, "id.time", "soon")) == ("time_unreadable", "event_time", "row")


def test_a_record_of_another_hour_is_misrouted(kernel) -> None:
    found = kernel.fate(kernel.case("token_activity"), grain=Grain.parse("2026-11-17T10"))
    assert found == ("misrouted", "event_time", "row")
    assert kernel.fate(kernel.case("token_activity"), grain=Grain.parse("2026-11-18T09"))[0] == "misrouted"


@pytest.mark.parametrize(
    ("time", "rule"),
    [
        ("not a time", "time_unreadable"),
        ("2026-13-01T00:00:00Z", "time_unreadable"),
        ("2026-11-17T23:59:60Z", "time_unreadable"),
        ("2019-01-01T00:00:00Z", "before_start"),
        ("2026-11-20T12:00:01Z", "in_future"),
    ],
)
def test_unplaced_lines_say_why_they_have_no_place(kernel, time: str, rule: str) -> None:
    record = set_at(kernel.record("token_activity"), "id.time", time)
    assert kernel.fate(record, grain=Grain.unplaced(dt.date(2026, 11, 20))) == (rule, "event_time", "row")


@pytest.mark.parametrize(
    ("time", "rule"),
    [
        ("2026-11-10T23:59:59.999Z", "day_sealed"),
        ("2026-11-11T00:00:00.000Z", "before_start"),
        ("2026-11-20T12:00:01.000Z", "in_future"),
        ("never", "time_unreadable"),
    ],
)
def test_an_unplaced_line_of_a_sealed_day_says_so(kernel, time: str, rule: str) -> None:
    record = set_at(kernel.record("groups_two_events"), "id.time", time)
    sealed = frozenset({dt.date(2026, 11, 10), dt.date(2026, 11, 20)})
    result = kernel.run(record, grain=Grain.unplaced(dt.date(2026, 11, 20)), sealed=sealed)
    assert result.quarantine["rule"].to_list() == [rule, rule]
    assert result.rows.height == 0


def test_the_future_is_that_of_the_beginning_of_a_fetch(kernel) -> None:
    """A line of 13:06 that was read at 13:00 had no place, though its fetch landed at 13:08."""
    record = set_at(kernel.record("token_activity"), "id.time", "2026-11-20T13:06:00.000Z")
    began = dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC)
    unplaced = Grain.unplaced(began.date())
    assert kernel.fate(record, grain=unplaced, started=began, landed=began + dt.timedelta(minutes=8))[0] == "in_future"


def test_one_row_of_a_sealed_day_tells_of_its_whole_record_and_of_no_other(kernel) -> None:
    """A record may tell of several days: it has no place because one of them is sealed."""
    record = kernel.record("groups_two_events")

    def two_days(records: Records, contract: Contract) -> pl.DataFrame:
        rows = DATASET.transform(records, contract)
        return rows.with_columns(pl.col("event_time") + pl.duration(days=pl.col("event_index")))

    lines = [json.dumps(set_at(record, "id.time", f"2026-11-{day}T09:00:00.000Z")).encode() for day in (10, 12)]
    today = dt.date(2026, 11, 20)
    context = PartContext(Grain.unplaced(today), "part", "fetch", "token", LANDED, LANDED, sealed=frozenset({dt.date(2026, 11, 10)}))
    contract = replace(DATASET.contract, rows_span_days=True)
    result = process_block(b"\n".join(lines), whole(lines, context), contract=contract, transform=two_days, key=kernel.key)
    assert result.quarantine.sort("line", "row").select("line", "rule").rows() == [(1, "day_sealed")] * 2 + [(2, "before_start")] * 2


def test_unplaced_lines_that_are_no_record_keep_their_own_rule(kernel) -> None:
    unplaced = Grain.unplaced(dt.date(2026, 11, 20))
    assert kernel.fate(b"{broken", grain=unplaced)[0] == "unreadable_json"
    assert kernel.fate(b"{}", grain=unplaced)[0] == "missing_required"


def test_a_bad_event_leaves_its_siblings_alone(kernel) -> None:
    record = kernel.record("groups_two_events")
    record["events"][1]["parameters"].append({"name": "num_response_bytes", "intValue": "-3"})
    result = kernel.run(record)
    assert result.rows["event_index"].to_list() == [0]
    entry = result.quarantine.row(0, named=True)
    assert (entry["rule"], entry["row"], entry["line"], entry["level"]) == ("out_of_range", 1, 1, "row")
    assert entry["event_time"] == dt.datetime(2022, 8, 2, 7, 23, 13, 49000, tzinfo=dt.UTC)
    assert (result.books.records, result.books.rows, result.books.quarantined, result.books.kept) == (1, 2, 1, 1)


def test_every_line_of_a_mixed_block_is_in_one_term(kernel) -> None:
    lines = [kernel.case("token_activity"), b"", b"{", b"  ", b"[]", kernel.case("token_revoke_without_ip"), b"{}", kernel.case("token_activity")]
    result = kernel.run(*lines)
    assert (result.books.lines, result.books.blank, result.books.unreadable, result.books.records) == (8, 2, 2, 4)
    assert (result.books.rows, result.books.quarantined, result.books.kept) == (4, 1, 3)
    assert result.quarantine.select("line", "rule").sort("line").rows() == [(3, "unreadable_json"), (5, "not_an_object"), (7, "missing_required")]
    assert result.rows["_line"].to_list() == [1, 6, 8]


def test_a_block_of_nothing_is_no_rows(kernel) -> None:
    result = kernel.run(b"", b" ", grain=Grain.parse("2026-11-17T09"))
    assert (result.books.lines, result.books.blank, result.rows.height) == (2, 2, 0)
