"""Google's Admin SDK Reports API: a client, a simulated server of the same HTTP contract, and a doctor for the first contact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from lakehouse.datasets.model import Dataset
from lakehouse.settings import Lake
from lakehouse.sources.reports_api.auth import authorizer_for
from lakehouse.sources.reports_api.client import ReportsApiClient, Walk
from lakehouse.sources.reports_api.options import ReportsApiOptions, options_for

__all__ = ["ReportsApiClient", "ReportsApiOptions", "Walk", "open_source", "options_for"]


def open_source(lake: Lake, dataset: Dataset, now: Callable[[], dt.datetime] | None = None) -> ReportsApiClient:
    """The client of a dataset's source, by the lake's settings and clock. Raises `ConfigurationError` when settings or credentials are missing."""
    options = options_for(lake, dataset)
    return ReportsApiClient(options, now=now or lake.now, authorizer=authorizer_for(options))
