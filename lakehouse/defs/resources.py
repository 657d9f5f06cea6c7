"""The lake as a Dagster resource: a URL until somebody needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from lakehouse.marts.dbt_helper import dbt_helper
from lakehouse.settings import Lake, default_url, open_lake


class LakeResource(dg.ConfigurableResource[Any]):
    """Where the lake is. It is opened when an asset asks for it, and nothing is remembered between runs."""

    url: str = Field(default="", description="A folder or a URL such as s3://bucket/lake. Empty: LAKEHOUSE_URL, else data/ in the checkout.")

    def open(self) -> Lake:
        """The lake, made on first use."""
        return open_lake(self.url or default_url())

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
        """For one run, whose marts are all built by one dbt process."""
        with dbt_helper(), super().yield_for_execution(context) as lake:
            yield lake
