"""Real activities of a lab tenant through raw and clean: each one accounted for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import polars as pl
import pytest

from lakehouse.accounts.books import total
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.tokens import addresses_in
from lakehouse.landing.ledger import load_ledger
from lakehouse.steps.build import stale_days

DATASET = find_dataset("workspace_audit")


@pytest.fixture(scope="module")
def activities(recorded: Any) -> list[dict[str, Any]]:
    return list(recorded.activities)


def test_all_activities_are_rows(recorded: Any, activities: list[dict[str, Any]], recorded_rows: pl.DataFrame) -> None:
    books = total(day.books for day in recorded.days)
    landed = Counter(a["id"]["applicationName"] for a in activities)
    assert (landed, len(activities)) == (recorded.counts, 248)
    assert load_ledger(recorded.lake, DATASET.name).books.placed == 248
    assert recorded_rows.height == 294 == sum(len(a["events"]) for a in activities)
    assert (books.lines, books.records, books.rows, books.kept) == (248, 248, 294, 294)
    assert books.balanced()
    assert stale_days(recorded.lake, DATASET) == []


def test_every_activity_is_found_with_all_its_events_in_order(activities: list[dict[str, Any]], recorded_rows: pl.DataFrame) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for unique, application, _, name in recorded_rows.sort("event_index").select("unique_id", "application", "event_index", "event_name").iter_rows():
        found.setdefault((unique, application), []).append(name)
    expected = {(a["id"]["uniqueQualifier"], a["id"]["applicationName"]): [e["name"] for e in a["events"]] for a in activities}
    assert found == expected
    assert recorded_rows.schema["unique_id"] == pl.String
    assert max(len(names) for names in found.values()) == 5


def test_times_are_those_of_the_records(activities: list[dict[str, Any]], recorded_rows: pl.DataFrame) -> None:
    expected = {a["id"]["uniqueQualifier"]: a["id"]["time"] for a in activities}
    for unique, time in recorded_rows.select("unique_id", "event_time").iter_rows():
        assert f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z" == expected[unique]


def test_no_parameter_is_lost(activities: list[dict[str, Any]], recorded_rows: pl.DataFrame) -> None:
    """A parameter is in a column that names it, or in `_extra` as it was."""
    named = {
        n: c.name for c in DATASET.contract.columns if "parameters[" in (c.path or "") for n in (c.path or "").split("[")[-1].rstrip("]").split(",")
    }
    by_place = {(r["unique_id"], r["event_index"]): r for r in recorded_rows.iter_rows(named=True)}
    integers = 0
    for activity in activities:
        for index, event in enumerate(activity["events"]):
            row = by_place[activity["id"]["uniqueQualifier"], index]
            extra = [p["name"] for p in json.loads(row["_extra"] or "{}").get("parameters", [])]
            for parameter in event.get("parameters", []):
                assert parameter["name"] in extra or row[named[parameter["name"]]] is not None
                integers += "intValue" in parameter
    assert integers > 0


def test_integers_stay_integers_in_extra(activities: list[dict[str, Any]], recorded_rows: pl.DataFrame) -> None:
    told = {p["intValue"] for a in activities for e in a["events"] for p in e.get("parameters", []) if "intValue" in p}
    found = {p["intValue"] for text in recorded_rows["_extra"].drop_nulls() for p in json.loads(text).get("parameters", []) if "intValue" in p}
    assert found == told
    assert all(str(int(value)) == str(value) for value in told)


def test_nobody_is_named(recorded_rows: pl.DataFrame) -> None:
    assert addresses_in(recorded_rows.write_json().encode()) == set()
    assert recorded_rows["actor_email_domain"].drop_nulls().unique().to_list() == ["cloud-response.com"]
    assert recorded_rows["actor_email"].drop_nulls().str.contains("^tok_[a-z2-7]{26}$").all()
