"""The datasets of the house: every folder here that has a `dataset.py` with a `DATASET`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import lakehouse.datasets
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError


@cache
def all_datasets() -> tuple[Dataset, ...]:
    """Every dataset, sorted by name."""
    folders = sorted(m.name for m in pkgutil.iter_modules(lakehouse.datasets.__path__) if m.ispkg)
    return tuple(importlib.import_module(f"lakehouse.datasets.{name}.dataset").DATASET for name in folders)


def find_dataset(name: str) -> Dataset:
    """The dataset of that name; `ConfigurationError` when there is none."""
    for dataset in all_datasets():
        if dataset.name == name:
            return dataset
    raise ConfigurationError(f"There is no dataset {name!r}. Expected one of: {', '.join(d.name for d in all_datasets())}.")
