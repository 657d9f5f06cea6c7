"""The simulated source of a lake is served while a block runs, and the environment names it that long."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from lakehouse.cli.simulated import serving, serving_apart
from lakehouse.datasets.registry import find_dataset
from lakehouse.datasets.workspace_audit.generator import generate
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.reports_api import open_source
from lakehouse.sources.reports_api.options import ENV_URL

START = dt.datetime(2026, 11, 18, 6, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=2)
AUDIT, LISTENING = find_dataset("workspace_audit"), find_dataset("listening")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.delenv(ENV_URL, raising=False)
    generate(tmp_path / "lake" / "activities", seed=1, start=START, end=END, events=200, users=10, applications=("token",))
    source = {"simulated": "activities", "applications": ["token"]}
    settings = LakeSettings(clock=END, datasets={AUDIT.name: DatasetSettings(start=START.date(), source=source)})
    return open_lake(tmp_path / "lake").with_settings(settings)


def lines(lake: Lake) -> int:
    """How many lines the source tells of."""
    source = open_source(lake, AUDIT)
    return sum(len(page) for page in source.window("token", START, END - dt.timedelta(seconds=1)))


def test_a_process_of_its_own_serves_the_same_as_a_thread(lake: Lake) -> None:
    with serving(lake, AUDIT):
        by_thread = lines(lake)
    assert by_thread > 100
    with serving_apart(lake, [AUDIT, LISTENING]) as served:
        assert ENV_URL not in os.environ
        with served(lake, AUDIT):
            assert lines(lake) == by_thread
        assert ENV_URL not in os.environ


def test_it_goes_by_the_clock_of_the_lake_it_is_asked_for(lake: Lake) -> None:
    earlier = lake.with_settings(LakeSettings(clock=START + dt.timedelta(hours=1), datasets=lake.settings.datasets))
    with serving_apart(lake, [AUDIT]) as served:
        with served(earlier, AUDIT):
            first = lines(lake)
        with served(lake, AUDIT):
            assert 0 < first < lines(lake)


def test_a_source_that_is_real_is_left_to_the_environment(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_apart(lake, [LISTENING]) as served, served(lake, LISTENING):
        assert ENV_URL not in os.environ
    monkeypatch.setenv(ENV_URL, "http://127.0.0.1:9")
    with serving_apart(lake, [AUDIT]) as served, served(lake, AUDIT):
        assert os.environ[ENV_URL] == "http://127.0.0.1:9"
    assert os.environ[ENV_URL] == "http://127.0.0.1:9"
