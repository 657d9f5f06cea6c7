"""The lake of the demo: made, recognised, made anew. A lake that is not a demo's is never touched."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.operations.truth import generator_of
from lakehouse.settings import SETTINGS_FILE, DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.storage import local_path

# The demo's now never moves, so that everybody sees the same numbers. One in the morning: yesterday's sweep is due, and the late hour is in it.
NOW = dt.datetime(2026, 11, 20, 1, tzinfo=dt.UTC)
ACTIVITIES = "demo/activities"


@dataclass(frozen=True)
class DemoLake:
    """A demo lake under way. `seen_before`: this demo ran to its end here."""

    lake: Lake
    dataset: Dataset
    folder: Path
    truth: Any
    seen_before: bool

    @property
    def late_hour(self) -> dt.datetime:
        """The hour of which the API tells late."""
        hour: dt.datetime = self.truth.arguments.late[0].hour
        return hour

    def at(self, clock: dt.datetime) -> DemoLake:
        """The same with another time, written to lake.json."""
        lake = self.lake.with_settings(msgspec.structs.replace(self.lake.settings, clock=clock))
        return DemoLake(lake, self.dataset, self.folder, self.truth, self.seen_before)


def first_look(dataset: Dataset) -> dt.datetime:
    """The time of the first fetch: the late hour is not visible yet."""
    look: dt.timedelta = generator_of(dataset).DEMO_FIRST_LOOK
    return NOW - look


def is_demo_lake(lake: Lake, dataset: Dataset) -> bool:
    """Whether a lake was made by the demo of this dataset: its settings name the demo's activities as its source."""
    return lake.dataset(dataset.name).source.get("simulated") == ACTIVITIES


def check_place(url: str, dataset: Dataset) -> Path:
    """The folder of a demo lake; `ConfigurationError` when something else is there already, which is left alone."""
    root = local_path(url)
    if root is None:
        raise ConfigurationError(f"The demo needs a lake on a local disk, {url} is none. Choose a folder: lakehouse demo --lake demo-lake")
    if (root / SETTINGS_FILE).is_file():
        if not is_demo_lake(open_lake(root), dataset):
            raise ConfigurationError(
                f"{root} holds a lake that the demo did not make, and is left alone. Choose another folder: lakehouse demo --lake demo-lake"
            )
    elif root.is_dir() and any(root.iterdir()):
        raise ConfigurationError(f"{root} is not empty and holds no lake, and is left alone. Choose another folder: lakehouse demo --lake demo-lake")
    return root


def clear(root: Path) -> None:
    """Empty the folder of a demo lake. The settings, by which it is known as one, go last."""
    for path in sorted(root.iterdir(), key=lambda p: p.name == SETTINGS_FILE):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def prepare(root: Path, dataset: Dataset, progress: Any = None) -> DemoLake:
    """The demo lake in a folder: as it was left, or new with its activities generated."""
    made = (root / SETTINGS_FILE).is_file()
    lake = open_lake(root)
    if not made:
        lake = lake.with_settings(_settings(dataset))
    folder = root / ACTIVITIES
    generator = generator_of(dataset)
    if (folder / "truth.json").is_file():
        truth = generator.Truth.load(folder)
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        truth = generator.small_demo(folder, NOW, progress=progress)
    return DemoLake(lake, dataset, folder, truth, lake.settings.clock == NOW)


def _settings(dataset: Dataset) -> LakeSettings:
    generator = generator_of(dataset)
    source = {"simulated": ACTIVITIES, "applications": list(generator.APPLICATIONS), "collector_client_id": generator.COLLECTOR_CLIENT_ID}
    start = (NOW - dt.timedelta(days=generator.DEMO_DAYS)).date()
    return LakeSettings(clock=first_look(dataset), datasets={dataset.name: DatasetSettings(start=start, source=source)})
