"""Real activities of a lab tenant through raw and clean: each one accounted for."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import lakehouse
from lakehouse.accounts.books import total
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.tokens import addresses_in
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.write import land_fetch
from lakehouse.settings import ENV_TOKEN_KEY, DatasetSettings, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.tables.views import clean_version

FOLDER = Path(lakehouse.__file__).parents[2] / "shared" / "realdata" / "workspace_audit"
APPLICATIONS = ("admin", "calendar", "drive", "groups_enterprise")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded activities at {FOLDER}")
DATASET = find_dataset("workspace_audit")


@pytest.fixture(scope="module")
def recorded() -> list[dict[str, Any]]:
    return [a for name in APPLICATIONS for a in json.loads((FOLDER / f"{name}.json").read_bytes())["activities"]]


@pytest.fixture(scope="module")
def built(recorded: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Any]:
    """The clean table, and the books of all days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
        clock = dt.datetime(2022, 8, 20, tzinfo=dt.UTC)
        lake = open_lake(tmp_path_factory.mktemp("recorded")).with_settings(
            LakeSettings(
                clock=clock, datasets={"workspace_audit": DatasetSettings(start=dt.date(2022, 2, 1), source={"applications": list(APPLICATIONS)})}
            )
        )
        for name in APPLICATIONS:
            lines = [json.dumps(a).encode() for a in recorded if a["id"]["applicationName"] == name]
            land_fetch(
                lake, DATASET.contract, source="recorded", application=name, purpose="backfill", window=None, covered=None, batches=[lines],
                http=dict, started_at=clock,
            )  # fmt: skip
        books = total(build_day(lake, DATASET, day.day).books for day in stale_days(lake, DATASET))
        assert stale_days(lake, DATASET) == []
        assert load_ledger(lake, "workspace_audit").books.placed == len(recorded)
        return pl.read_parquet(list(clean_version(lake, DATASET.contract).files), hive_partitioning=False), books


def test_all_activities_are_rows(recorded: list[dict[str, Any]], built: tuple[pl.DataFrame, Any]) -> None:
    rows, books = built
    assert len(recorded) == 248
    assert rows.height == 294 == sum(len(a["events"]) for a in recorded)
    assert (books.lines, books.records, books.rows, books.kept) == (248, 248, 294, 294)
    assert books.balanced()


def test_every_activity_is_found_with_all_its_events_in_order(recorded: list[dict[str, Any]], built: tuple[pl.DataFrame, Any]) -> None:
    rows, _ = built
    found: dict[tuple[str, str], list[str]] = {}
    for unique, application, _, name in rows.sort("event_index").select("unique_id", "application", "event_index", "event_name").iter_rows():
        found.setdefault((unique, application), []).append(name)
    expected = {(a["id"]["uniqueQualifier"], a["id"]["applicationName"]): [e["name"] for e in a["events"]] for a in recorded}
    assert found == expected
    assert rows.schema["unique_id"] == pl.String
    assert max(len(names) for names in found.values()) == 5


def test_times_are_those_of_the_records(recorded: list[dict[str, Any]], built: tuple[pl.DataFrame, Any]) -> None:
    rows, _ = built
    expected = {a["id"]["uniqueQualifier"]: a["id"]["time"] for a in recorded}
    for unique, time in rows.select("unique_id", "event_time").iter_rows():
        assert f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z" == expected[unique]


def test_no_parameter_is_lost(recorded: list[dict[str, Any]], built: tuple[pl.DataFrame, Any]) -> None:
    """A parameter is in a column that names it, or in `_extra` as it was."""
    rows, _ = built
    named = {
        n: c.name for c in DATASET.contract.columns if "parameters[" in (c.path or "") for n in (c.path or "").split("[")[-1].rstrip("]").split(",")
    }
    by_place = {(r["unique_id"], r["event_index"]): r for r in rows.iter_rows(named=True)}
    integers = 0
    for activity in recorded:
        for index, event in enumerate(activity["events"]):
            row = by_place[activity["id"]["uniqueQualifier"], index]
            extra = [p["name"] for p in json.loads(row["_extra"] or "{}").get("parameters", [])]
            for parameter in event.get("parameters", []):
                assert parameter["name"] in extra or row[named[parameter["name"]]] is not None
                integers += "intValue" in parameter
    assert integers > 0


def test_integers_stay_integers_in_extra(recorded: list[dict[str, Any]], built: tuple[pl.DataFrame, Any]) -> None:
    rows, _ = built
    told = {p["intValue"] for a in recorded for e in a["events"] for p in e.get("parameters", []) if "intValue" in p}
    found = {p["intValue"] for text in rows["_extra"].drop_nulls() for p in json.loads(text).get("parameters", []) if "intValue" in p}
    assert found == told
    assert all(str(int(value)) == str(value) for value in told)


def test_nobody_is_named(built: tuple[pl.DataFrame, Any]) -> None:
    rows, _ = built
    assert addresses_in(rows.write_json().encode()) == set()
    assert rows["actor_email_domain"].drop_nulls().unique().to_list() == ["cloud-response.com"]
    assert rows["actor_email"].drop_nulls().str.contains("^tok_[a-z2-7]{26}$").all()
