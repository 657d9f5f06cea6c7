"""The simulated source of a lake: `source.simulated` in lake.json names a folder of activities, and commands serve it while they run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakehouse.datasets.model import Dataset
from lakehouse.settings import Lake

if TYPE_CHECKING:
    from lakehouse.sources.reports_api.server import SimulatedReportsApi


@contextlib.contextmanager
def serving(lake: Lake, dataset: Dataset) -> Iterator[SimulatedReportsApi | None]:
    """Serve the simulated source of a lake, by its clock, while the block runs; nothing for a real source or where the environment names a server."""
    from lakehouse.sources.reports_api.options import ENV_URL, simulated_folder

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
