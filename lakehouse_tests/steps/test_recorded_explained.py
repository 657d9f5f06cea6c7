"""Real activities, from every row of every published mart down to the line, and from every line up to its rows."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest

from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.read import read_part
from lakehouse.marts.specs import MartSpec, find_mart, mart_specs
from lakehouse.steps.explain import explain_line
from lakehouse.steps.explain_mart import CleanRow, MartRow, explain_rows
from lakehouse.steps.publish import publish_marts
from lakehouse.steps.query import connect

pytestmark = pytest.mark.slow
DATASET = find_dataset("workspace_audit")
UNREAD = "audit_gaps"
HOUR = dt.timedelta(hours=1)
# What a mart and clean say alike of one event. `all` and null stand for any.
SAME = ("application", "event_name", "event_type", "actor", "client_id", "setting_name", "role_name", "doc_id", "doc_type", "visibility")


@pytest.fixture(scope="module")
def lines(recorded: Any) -> dict[LineRef, dict[str, Any]]:
    """Every landed line, parsed."""
    ledger = load_ledger(recorded.lake, DATASET.name)
    found = {}
    for part in (p.part for parts in ledger.parts.values() for p in parts):
        texts = b"".join(read_part(recorded.lake, part.path)).splitlines()
        assert len(texts) == part.lines
        found.update({LineRef(part.path, number): json.loads(text) for number, text in enumerate(texts, 1)})
    return found


@pytest.fixture(scope="module")
def published(recorded: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the recorded activities."""
    publish_marts(recorded.lake, DATASET)
    with connect(recorded.lake, [DATASET]) as con:
        yield con


@pytest.fixture(scope="module")
def explained(recorded: Any, published: duckdb.DuckDBPyConnection) -> dict[str, list[MartRow]]:
    """Mart -> all of its rows with all that is behind them; marts without rows left out."""
    sizes = {s.name: published.sql(f"SELECT count(*) FROM marts.{s.name}").fetchall()[0][0] for s in mart_specs(DATASET.name)}
    found = {name: explain_rows(recorded.lake, DATASET, name, {}, rows=size, lines=1000) for name, size in sizes.items() if size}
    assert {name: len(rows) for name, rows in found.items()} == {name: size for name, size in sizes.items() if size}
    return found


def time_of(activity: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(activity["id"]["time"])


def hour_of(activity: dict[str, Any]) -> dt.datetime:
    """Its hour, as marts write it: UTC without a zone."""
    return time_of(activity).replace(minute=0, second=0, microsecond=0, tzinfo=None)


def test_the_landed_lines_are_the_recorded_activities(recorded: Any, lines: dict[LineRef, dict[str, Any]]) -> None:
    def texts(activities: Any) -> Counter[str]:
        return Counter(json.dumps(a, sort_keys=True) for a in activities)

    assert len(lines) == 248
    assert texts(lines.values()) == texts(recorded.activities)


def test_every_row_counts_the_clean_rows_behind_it(explained: dict[str, list[MartRow]]) -> None:
    for name, found in explained.items():
        accounts = find_mart(name).accounts
        for row in found:
            behind = Counter(r.line.part for r in row.rows)
            assert row.agrees, f"{name} {row.row}: {row.counted} against {row.clean_rows}"
            assert behind == row.parts
            assert row.clean_rows == behind.total()
            assert (row.clean_rows > 0) == (name != UNREAD)
            assert not accounts or row.row["_source_rows"] == row.clean_rows
    assert sum(len(found) for found in explained.values()) > 16_000


def test_every_line_behind_a_row_is_one_that_the_row_is_about(explained: dict[str, list[MartRow]], lines: dict[LineRef, dict[str, Any]]) -> None:
    """The clean row tells of an event of its line, and what the mart's row says of it (its date and hour, its dimensions) holds for that event."""
    for name, found in explained.items():
        spec = find_mart(name)
        for row in found:
            for behind in row.rows:
                activity = lines[behind.line]
                event = activity["events"][behind.values["event_index"]]
                assert behind.values["unique_id"] == activity["id"]["uniqueQualifier"]
                assert behind.values["event_name"] == event["name"]
                assert behind.event_time == time_of(activity)
                assert_about(spec, row, behind, event)


def assert_about(spec: MartSpec, row: MartRow, behind: CleanRow, event: dict[str, Any]) -> None:
    told = row.row
    if spec.reach == "day":
        assert behind.event_time.date() == told["mart_date"], row.where
    if isinstance(told.get("hour_start"), dt.datetime):
        assert behind.event_time.replace(minute=0, second=0, microsecond=0, tzinfo=None) == told["hour_start"], row.where
    said = {name: told[name] for name in SAME if told.get(name) not in (None, "all")}
    assert said.items() <= behind.values.items(), row.where
    given = {p["name"]: p.get("value") for p in event.get("parameters", [])}
    for column, parameter in (("setting_name", "SETTING_NAME"), ("role_name", "ROLE_NAME"), ("doc_id", "doc_id"), ("visibility", "visibility")):
        assert column not in spec.grain or told[column] == given.get(parameter), row.where


def test_the_counts_of_hours_are_those_of_the_recording(recorded: Any, explained: dict[str, list[MartRow]]) -> None:
    rows = [r.row for r in explained["audit_hourly_activity"]]
    counted = {(row["hour_start"], row["application"], row["event_name"]): row["events"] for row in rows}
    told = Counter((hour_of(a), a["id"]["applicationName"], e["name"]) for a in recorded.activities for e in a["events"])
    assert counted == told


def test_the_hours_that_were_not_read_are_all_the_others(recorded: Any, published: duckdb.DuckDBPyConnection) -> None:
    gaps = published.sql(f"SELECT application, hour_start, covered_minutes, events FROM marts.{UNREAD}").fetchall()
    read = {(a["id"]["applicationName"], hour_of(a)) for a in recorded.activities}
    over = max(d.day for d in recorded.days[:-1])  # hours of the newest day are missing, so it is not over
    end = dt.datetime.combine(over, dt.time()) + 24 * HOUR
    first = {name: min(hour for application, hour in read if application == name) for name in recorded.counts}
    hours = {(name, start + n * HOUR) for name, start in first.items() for n in range((end - start) // HOUR)}
    assert {(application, hour) for application, hour, _, _ in gaps} == hours - read
    assert {(covered, events) for _, _, covered, events in gaps} == {(0.0, 0)}


def test_every_activity_is_behind_a_row_of_a_mart(explained: dict[str, list[MartRow]], lines: dict[LineRef, dict[str, Any]]) -> None:
    reached = {name: {behind.line for row in found for behind in row.rows} for name, found in explained.items()}
    assert set().union(*reached.values()) == set(lines)
    assert reached["audit_hourly_activity"] == set(lines)
    assert reached["audit_admin_actions"] == {ref for ref, activity in lines.items() if activity["id"]["applicationName"] == "admin"}


def test_every_line_ends_in_the_rows_of_its_events(recorded: Any, recorded_rows: pl.DataFrame, lines: dict[LineRef, dict[str, Any]]) -> None:
    clean: dict[LineRef, list[dict[str, Any]]] = {}
    for row in recorded_rows.sort("event_index").iter_rows(named=True):
        clean.setdefault(LineRef(row["_part"], row["_line"]), []).append(row)
    assert set(clean) == set(lines)
    integers = 0
    for ref, activity in lines.items():
        fate = explain_line(recorded.lake, DATASET, ref.part, ref.line, raw=True)
        assert json.loads(fate.raw or "") == activity
        assert (fate.fate, fate.application) == ("kept", activity["id"]["applicationName"])
        assert [(r.row, r.fate, r.event_time) for r in fate.rows] == [(n, "kept", time_of(activity)) for n in range(len(activity["events"]))]
        for index, (row, event) in enumerate(zip(clean[ref], activity["events"], strict=True)):
            identity = {"unique_id": activity["id"]["uniqueQualifier"], "customer_id": activity["id"]["customerId"]}
            identity["actor_profile_id"] = activity["actor"].get("profileId")
            assert {name: row[name] for name in identity} == identity
            assert isinstance(row["unique_id"], str)
            assert row["event_index"] == index
            integers += check_integers(row, event)
    assert integers == 4


def check_integers(row: dict[str, Any], event: dict[str, Any]) -> int:
    """Each `intValue` of the event is the whole number that was recorded: in the column that names it, or as it stood in the raw text. How many."""
    extra = {p["name"]: p for p in json.loads(row["_extra"] or "{}").get("parameters", [])}
    told = [p for p in event.get("parameters", []) if "intValue" in p]
    for parameter in told:
        name = parameter["name"]
        number = row[name] if name in row else int(extra[name]["intValue"])
        assert (type(number), number) == (int, int(parameter["intValue"]))
    assert row["num_response_bytes"] is None  # only calls have sizes, and no log of calls was recorded
    return len(told)
