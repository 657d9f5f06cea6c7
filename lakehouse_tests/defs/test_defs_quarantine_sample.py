"""The sample of a quarantine page: every rule is in it, and where to look; never what a line says."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import msgspec
from defs_helpers import DATASET, FIRST_DAY, PERSON

from lakehouse.datasets.registry import find_dataset
from lakehouse.defs.metadata import quarantine_metadata
from lakehouse.landing.manifest import Window
from lakehouse.landing.write import land_fetch
from lakehouse.operations.quarantine import SAMPLE
from lakehouse.settings import Lake
from lakehouse.steps.build import build_day


def test_a_frequent_rule_does_not_hide_a_rare_one(landed: Lake) -> None:
    dataset = find_dataset(DATASET)
    for hour in range(6):
        _land(landed, hour, [_activity(hour, n, []) for n in range(25)])
    _land(landed, 20, [_activity(20, 0, "none")])
    shown = quarantine_metadata(landed, build_day(landed, dataset, FIRST_DAY))
    rules = {record.data["rule"]: record.data["count"] for record in shown["rules"].records}
    sample = [record.data for record in shown["sample"].records]
    assert rules == {"no_rows": 150, "changed_type": 1}
    found = Counter(str(row["rule"]) for row in sample)
    assert found["changed_type"] == 1
    assert 1 < found["no_rows"] < SAMPLE
    assert all(str(row["part"]).startswith(f"raw/{DATASET}/date={FIRST_DAY}") and row["line"] for row in sample)
    assert PERSON not in str(sample)


def _activity(hour: int, unique: int, events: object) -> bytes:
    when = f"{FIRST_DAY}T{hour:02}:00:00.000Z"
    identity = {"time": when, "uniqueQualifier": str(hour * 100 + unique), "applicationName": "login", "customerId": "C0"}
    return msgspec.json.encode({"id": identity, "actor": {"email": PERSON}, "events": events})


def _land(lake: Lake, hour: int, lines: list[bytes]) -> None:
    start = dt.datetime.combine(FIRST_DAY, dt.time(hour), dt.UTC)
    window = Window(start, start + dt.timedelta(hours=1))
    land_fetch(
        lake, find_dataset(DATASET).contract, source="reports_api", application="login", purpose="new", window=window, covered=window,
        batches=[lines], http=dict, started_at=lake.now(),
    )  # fmt: skip
