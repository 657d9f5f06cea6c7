"""Lakes whose source is a simulated API on this machine, and instances of Dagster of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.datasets.workspace_audit.generator import generate
from lakehouse.defs.house import definitions_of
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake

START = dt.datetime(2026, 11, 18, tzinfo=dt.UTC)
CLOCK = dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC)
DATASET = "workspace_audit"

MakeLake = Callable[..., Lake]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, token_key: str) -> None:
    """Nothing of the person who runs the tests."""
    for name in ("DAGSTER_HOME", "LAKEHOUSE_URL", "LAKEHOUSE_SENSORS", "LAKEHOUSE_REPORTS_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def activities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two and a half days of a small company, made once."""
    folder = tmp_path_factory.mktemp("sample") / "activities"
    generate(folder, seed=11, start=START, end=CLOCK.replace(minute=0), events=900, users=12, applications=("token", "login"))
    return folder


@pytest.fixture
def dataset() -> Dataset:
    return find_dataset(DATASET)


@pytest.fixture
def make_lake(tmp_path: Path, activities: Path) -> MakeLake:
    """An empty lake that reads the simulated API; `clock` is its fixed now."""

    def make(clock: dt.datetime = CLOCK, start: dt.date = START.date(), name: str = "lake") -> Lake:
        source = {"simulated": str(activities), "applications": ["token", "login"]}
        settings = LakeSettings(clock=clock, datasets={DATASET: DatasetSettings(start=start, source=source)})
        return open_lake(tmp_path / name).with_settings(settings)

    return make


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A history of its own, in memory."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def definitions(lake: Lake) -> dg.Definitions:
    """The definitions of a lake, whose runs open that lake."""
    return definitions_of(lake, lake.url)
