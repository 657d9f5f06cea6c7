"""Google's Admin SDK Reports API: a client, a simulated server of the same HTTP contract, and a doctor for the first contact."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lakehouse.sources.reports_api.auth import authorizer_for
from lakehouse.sources.reports_api.client import ReportsApiClient, Walk
from lakehouse.sources.reports_api.options import ENV_URL, ReportsApiOptions, options_for, simulated_folder

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake

__all__ = ["ReportsApiClient", "ReportsApiOptions", "Walk", "open_source", "options_for"]


def open_source(lake: Lake, dataset: Dataset, now: Callable[[], dt.datetime] | None = None) -> ReportsApiClient:
    """The client of a dataset's source, by the lake's settings and clock. Raises `ConfigurationError` when settings or credentials are missing."""
    clock = now or lake.now
    options = source_options(lake, dataset, clock)
    return ReportsApiClient(options, now=clock, authorizer=authorizer_for(options))


def source_options(lake: Lake, dataset: Dataset, now: Callable[[], dt.datetime]) -> ReportsApiOptions:
    """The options of a dataset, with the URL of a server in this process where the setting `simulated` names a folder of activities.

    The folder is relative to the lake. `LAKEHOUSE_REPORTS_API_URL` wins over it.
    Raises `ConfigurationError` as `options_for` and `simulated_folder` do.
    """
    options = options_for(lake, dataset)
    folder = simulated_folder(lake, dataset)
    if folder is None or os.environ.get(ENV_URL):
        return options
    from lakehouse.sources.reports_api.server import shared_server

    server = shared_server(folder, now)
    return replace(options, url=server.url, queries_per_minute=None, compress=False)
