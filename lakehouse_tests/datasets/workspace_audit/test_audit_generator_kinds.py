"""Every kind of defect can be made of every record that it is chosen for, however the events of the record differ."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from lakehouse.datasets.workspace_audit.generator.kinds import Kind, all_kinds
from lakehouse.datasets.workspace_audit.generator.served import NO_ROW, Served

TOLD = {"name": "is_suspicious", "boolValue": True}
LISTED = {"name": "login_challenge_method", "multiValue": ["password"]}
WITH = {"type": "login", "name": "login_success", "parameters": [TOLD, LISTED]}
WITHOUT = {"type": "login", "name": "logout"}
EVENTS = {"one": [WITH], "later only": [WITHOUT, WITH], "first only": [WITH, WITHOUT], "none": [WITHOUT]}


def served(events: list[dict[str, Any]]) -> Served:
    record = {
        "kind": "admin#reports#activity",
        "id": {"time": "2026-11-17T01:00:00.000Z", "uniqueQualifier": "1", "applicationName": "login", "customerId": "C0"},
        "etag": '"prefix/1"',
        "actor": {"callerType": "USER", "email": "ada@example.com"},
        "ipAddress": "192.0.2.7",
        "events": events,
    }
    item = {"visible": 0, "event_time": 0, "activity": 1, "placed": True, "copy": False, "unknown": None, "defect": None, "collides": False}
    rows = tuple({**NO_ROW, "row": n, "outcome": "kept"} for n in range(len(events)))
    return Served(json.dumps(record, separators=(",", ":")).encode(), item, rows)


def fits(kind: Kind, activity: Served) -> bool:
    return bool(pl.Series([activity.line.decode()]).str.contains(kind.needs).item())


@pytest.mark.parametrize("kind", [k for k in all_kinds() if k.name is None], ids=lambda k: k.label)
@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS)
def test_what_fits_a_kind_can_be_spoilt_by_it(kind: Kind, events: list[dict[str, Any]]) -> None:
    activity = served(events)
    if events == [WITH]:
        assert fits(kind, activity)
    if fits(kind, activity):
        made = kind.serve(activity, np.random.default_rng(1))
        assert made[-1].item["defect"] == kind.label
        assert any(one.line != activity.line for one in made) or kind.label == "repeated"
