"""Files of a dimension that are not what they should be: whatever reads them names them, and what is told mends them."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest
from file_damage import DAMAGE, Damage, cut

from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import ingest
from lakehouse.tables.dimensions import current_dimension

ASK = ("sql", "SELECT title FROM clean.listening_songs", "--json")


@pytest.fixture
def lake(tmp_path: Path, token_key: str) -> Path:
    """A song and a play of it, built; no marts."""
    opened = open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=dt.datetime(2018, 11, 20, tzinfo=dt.UTC)))
    inbox = tmp_path / "lake" / "inbox" / "listening"
    (inbox / "song_data").mkdir(parents=True)
    (inbox / "song_data" / "a.json").write_text(json.dumps({"song_id": "SA", "title": "Alpha"}))
    (inbox / "plays.json").write_text(json.dumps({"ts": 1541121934796, "userId": "8", "sessionId": 139, "itemInSession": 0, "page": "Home"}))
    for file in inbox.rglob("*.json"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    dataset = find_dataset("listening")
    assert ingest(opened, dataset).errors == ()
    for stale in stale_days(opened, dataset):
        build_day(opened, dataset, stale.day)
    return tmp_path / "lake"


def table(lake: Path) -> Path:
    version = current_dimension(open_lake(lake), "listening", "songs")
    assert version is not None
    return lake / version.table


def found(run: Any, lake: Path) -> tuple[str, str]:
    (one,) = [f for f in run("doctor", "--json", "--lake", lake).json if f["name"] == "files of listening"]
    return one["state"], one["message"]


@pytest.mark.parametrize(("damage", "told"), DAMAGE, ids=[d.__name__ for d, _ in DAMAGE])
def test_a_table_that_is_none_is_named_by_sql_and_doctor_and_ingesting_mends_it(run: Any, lake: Path, damage: Damage, told: str) -> None:
    path = table(lake)
    damage(path)
    result = run(*ASK, "--lake", lake)
    assert result.code == 4
    state, message = found(run, lake)
    assert state == "bad"
    for text in (result.err, message):
        for words in (str(path), told, "lakehouse ingest listening"):
            assert words in text
    mended = run("ingest", "listening", "--json", "--lake", lake)
    assert (mended.code, mended.json["ingest"]["dimensions"]) == (0, {"songs": 1})
    assert run(*ASK, "--lake", lake).json == [{"title": "Alpha"}]
    assert found(run, lake)[0] == "good"


def test_publishing_names_it_too_and_publishes_once_it_is_mended(run: Any, lake: Path) -> None:
    publish = ("replay", "--stale", "--dataset", "listening", "--json", "--lake", lake)
    path = table(lake)
    cut(path)
    refused = run(*publish)
    assert refused.code == 4, refused.err
    for words in (str(path), "is damaged or cut short", "lakehouse ingest listening"):
        assert words in refused.err
    assert run("ingest", "listening", "--json", "--lake", lake).code == 0
    published = run(*publish)
    assert published.code == 0, published.err
    assert [one["version"] for one in published.json["marts"]] == [1]
