"""The simulated source of a lake: `source.simulated` in lake.json names a folder of activities, and commands serve it while they run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from lakehouse.datasets.model import Dataset
from lakehouse.settings import Lake

if TYPE_CHECKING:
    from lakehouse.sources.reports_api.server import SimulatedReportsApi

Serving = Callable[[Lake, Dataset], AbstractContextManager[None]]
"""Has the simulated source of a dataset served by the clock of the lake, while the block runs."""


@contextlib.contextmanager
def serving(lake: Lake, dataset: Dataset) -> Iterator[SimulatedReportsApi | None]:
    """Serve the simulated source of a lake, by its clock, while the block runs; nothing for a real source or where the environment names a server."""
    from lakehouse.sources.reports_api.options import ENV_URL, simulated_folder

    folder = simulated_folder(lake, dataset)
    if folder is None or os.environ.get(ENV_URL):
        yield None
        return
    from lakehouse.sources.reports_api.server import SimulatedReportsApi

    with SimulatedReportsApi(folder, clock=lake.settings.clock) as api, _told(api.url):
        yield api


@contextlib.contextmanager
def serving_apart(lake: Lake, datasets: Sequence[Dataset]) -> Iterator[Serving]:
    """The same, each source by a process of its own that runs as long as the outer block."""
    from lakehouse.sources.reports_api.options import ENV_URL, simulated_folder
    from lakehouse.sources.reports_api.server_process import ServerProcess

    folders = {dataset.name: simulated_folder(lake, dataset) for dataset in datasets} if not os.environ.get(ENV_URL) else {}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(ServerProcess(folder)) for name, folder in folders.items() if folder is not None}

        @contextlib.contextmanager
        def served(lake: Lake, dataset: Dataset) -> Iterator[None]:
            server = servers.get(dataset.name)
            if server is None:
                yield
                return
            server.set_clock(lake.settings.clock)
            with _told(server.url):
                yield

        yield served


@contextlib.contextmanager
def _told(url: str) -> Iterator[None]:
    """The environment names a server."""
    from lakehouse.sources.reports_api.options import ENV_URL

    os.environ[ENV_URL] = url
    try:
        yield
    finally:
        del os.environ[ENV_URL]
