"""The simulated source of a lake: `source.simulated` in lake.json names a folder of activities, and commands serve it while they run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake

if TYPE_CHECKING:
    from lakehouse.sources.reports_api.server import SimulatedReportsApi


def simulated_folder(lake: Lake, dataset: Dataset) -> Path | None:
    """The folder of activities that the lake's settings name (relative to the lake, or absolute); None for a lake with a real source."""
    told = lake.dataset(dataset.name).source.get("simulated")
    if not told:
        return None
    if not isinstance(told, str):
        raise ConfigurationError(f"datasets.{dataset.name}.source.simulated in lake.json should be the path of a folder, got {told!r}.")
    folder = Path(told) if lake.store.root is None else lake.store.root / told
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is named as the simulated source of {dataset.name} in lake.json, but there is no such folder.")
    return folder


@contextlib.contextmanager
def serving(lake: Lake, dataset: Dataset) -> Iterator[SimulatedReportsApi | None]:
    """Serve the simulated source of a lake, by its clock, while the block runs; nothing for a real source or where the environment names a server."""
    from lakehouse.sources.reports_api.options import ENV_URL

    folder = simulated_folder(lake, dataset)
    if folder is None or os.environ.get(ENV_URL):
        yield None
        return
    from lakehouse.sources.reports_api.server import SimulatedReportsApi

    with SimulatedReportsApi(folder, clock=lake.settings.clock) as api:
        os.environ[ENV_URL] = api.url
        try:
            yield api
        finally:
            del os.environ[ENV_URL]
