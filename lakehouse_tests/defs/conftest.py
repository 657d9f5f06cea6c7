"""Lakes whose source is a simulated API on this machine, and instances of Dagster of their own."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
from defs_helpers import CLOCK, DATASET, FIRST_DAY, SERVED_FROM, SERVED_TO, land

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.datasets.workspace_audit.generator import generate
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake

MakeLake = Callable[..., Lake]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, token_key: str) -> None:
    """Nothing of the person who runs the tests."""
    for name in ("DAGSTER_HOME", "LAKEHOUSE_URL", "LAKEHOUSE_SENSORS", "LAKEHOUSE_REPORTS_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def activities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A morning of a small company, made once."""
    folder = tmp_path_factory.mktemp("sample") / "activities"
    generate(folder, seed=11, start=SERVED_FROM, end=SERVED_TO, events=200, users=12, applications=("token", "login"))
    return folder


@pytest.fixture
def dataset() -> Dataset:
    return find_dataset(DATASET)


@pytest.fixture
def make_lake(tmp_path: Path, activities: Path) -> MakeLake:
    """An empty lake that reads the simulated API; `clock` is its fixed now."""

    def make(clock: dt.datetime = CLOCK, start: dt.date = FIRST_DAY, applications: Sequence[str] = ("token", "login"), name: str = "lake") -> Lake:
        source = {"simulated": str(activities), "applications": list(applications)}
        settings = LakeSettings(clock=clock, datasets={DATASET: DatasetSettings(start=start, source=source)})
        return open_lake(tmp_path / name).with_settings(settings)

    return make


@pytest.fixture(scope="session")
def landed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake on which three days of logins have landed, and nothing was built."""
    folder = tmp_path_factory.mktemp("landed") / "lake"
    settings = LakeSettings(clock=CLOCK, datasets={DATASET: DatasetSettings(start=FIRST_DAY, source={"applications": ["login"]})})
    lake = open_lake(folder).with_settings(settings)
    for days in range(3):
        land(lake, dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC) + dt.timedelta(days=days), broken=1)
    return folder


@pytest.fixture
def landed(tmp_path: Path, landed_folder: Path) -> Lake:
    """A copy of the landed lake that a test may change."""
    shutil.copytree(landed_folder, tmp_path / "landed")
    return open_lake(tmp_path / "landed")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A history of its own, in memory."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found
