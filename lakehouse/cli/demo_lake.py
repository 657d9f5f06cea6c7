"""The lake of the demo: made, recognised, made anew. A lake that is not a demo's is never touched."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from lakehouse.cli.demo_samples import FOLDER, NOW, Sample, sample_of
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import SETTINGS_FILE, Lake, LakeSettings, open_lake
from lakehouse.storage import local_path


@dataclass(frozen=True)
class DemoLake:
    """A demo lake under way, and the samples that are shown. `new`: those whose first look is still to come."""

    lake: Lake
    samples: tuple[Sample, ...]
    new: tuple[Sample, ...]

    def first_looks(self) -> list[tuple[dt.datetime, list[Sample]]]:
        """The times of the first looks, in order, each with the samples that are looked at then: what comes late is not visible yet."""
        ordered = sorted(self.new, key=lambda sample: sample.first_look)
        return [(clock, list(samples)) for clock, samples in groupby(ordered, key=lambda sample: sample.first_look)]

    def at(self, clock: dt.datetime) -> DemoLake:
        """The same with another time, written to lake.json."""
        if self.lake.settings.clock == clock:
            return self
        return DemoLake(self.lake.with_settings(msgspec.structs.replace(self.lake.settings, clock=clock)), self.samples, self.new)


def is_demo_lake(lake: Lake) -> bool:
    """Whether a lake was made by the demo: its clock stands still, and every dataset of its settings is read from the demo's folder in it."""
    places = [settings.source.get("simulated") or settings.source.get("inbox") for settings in lake.settings.datasets.values()]
    return lake.settings.clock is not None and bool(places) and all(str(place).startswith(f"{FOLDER}/") for place in places)


def check_place(url: str) -> Path:
    """The folder of a demo lake; `ConfigurationError` when something else is there already, which is left alone."""
    root = local_path(url)
    if root is None:
        raise ConfigurationError(f"The demo needs a lake on a local disk, {url} is none. Choose a folder: lakehouse demo --lake demo-lake")
    if (root / SETTINGS_FILE).is_file():
        if not is_demo_lake(open_lake(root)):
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


def prepare(root: Path, datasets: Sequence[Dataset]) -> DemoLake:
    """The demo lake in a folder as it was left, or new; with settings for these datasets. Their samples are not generated yet."""
    samples = tuple(sample_of(root, dataset) for dataset in datasets)
    made = (root / SETTINGS_FILE).is_file()
    lake = open_lake(root)
    settings = lake.settings if made else LakeSettings(clock=min(sample.first_look for sample in samples))
    told = {sample.dataset.name: sample.settings for sample in samples} | settings.datasets
    lake = lake.with_settings(msgspec.structs.replace(settings, datasets=told))
    # A clock before now: the demo was interrupted in its first look. Where it had ended, only a dataset that was not shown yet is new.
    new = tuple(s for s in samples if settings.clock != NOW or not load_ledger(lake, s.dataset.name).last_number)
    return DemoLake(lake, samples, new)
