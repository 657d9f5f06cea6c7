"""One real build of the case lake per session; what changes a lake works on a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dataset_lakes import KEY
from mart_lakes import COLLECTOR, LAST, MONDAY, Built, commit_day, cover, quarantined, read_events

from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.publish import publish_marts


@pytest.fixture(scope="module")
def token_key_of_the_module() -> Iterator[None]:
    """The token key, for lakes that a module makes once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
        yield


def make_case_lake(folder: Path) -> Lake:
    """The events of `cases/events.jsonl`, committed; the last day not over yet; one hour of tokens half read."""
    settings = LakeSettings(datasets={"workspace_audit": DatasetSettings(source={"collector_client_id": COLLECTOR})})
    lake = open_lake(folder).with_settings(settings)
    # One line that is no JSON, one row that breaks two rules, and another that breaks one of them.
    refused = [
        ("unreadable_json", None, "line", 7, None),
        ("out_of_range", "num_response_bytes", "row", 8, 0),
        ("null_in_required_column", "actor", "row", 8, 0),
    ]
    refused.append(("out_of_range", "num_response_bytes", "row", 9, 1))
    refused.append(("held_late", "event_time", "held", 10, 0))  # held, and so in no count of what was refused
    aside = {MONDAY: quarantined(MONDAY, refused)}
    for day, events in read_events("events.jsonl").items():
        late = {60: len(events) - 1, 3600: 1}
        commit_day(lake, day, events, duplicates=2, complete=day != LAST, lateness=late, quarantine=aside.get(day))
    for application in ("token", "login"):
        cover(lake, application, "2026-03-02T00:00:00", "2026-03-09T12:30:00")
    cover(lake, "token", "2026-03-09T14:00:00", "2026-03-10T00:00:00")
    return lake


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The case lake with its marts; not to be changed."""
    lake = make_case_lake(tmp_path_factory.mktemp("marts") / "lake")
    dataset = find_dataset("workspace_audit")
    return Built(lake, dataset, publish_marts(lake, dataset))


@pytest.fixture
def changing(built: Built, tmp_path: Path) -> Built:
    """A copy of it that a test may change."""
    return built.copy(tmp_path / "lake")


@pytest.fixture(scope="session")
def marts(built: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file of the case lake."""
    with built.open() as con:
        yield con
