"""lakehouse: raw JSONL, deduplicated Delta tables and DuckDB marts, with books that close. `lakehouse.open(url)` is the door for Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.memory import few_arenas

if TYPE_CHECKING:
    from lakehouse.door import Door

__all__ = ["open"]

few_arenas()  # here, because later the libraries have begun their threads


def open(url: str | Path | None = None) -> Door:
    """Open a lake for reading: `lakehouse.open("data").clean("workspace_audit").scan()`.

    `url`: a folder or a URL such as `s3://bucket/lake`; default: `LAKEHOUSE_URL`, else `data/` in the checkout.
    Raises `ConfigurationError` where there is no lake.
    """
    from lakehouse.door import Door
    from lakehouse.settings import open_existing_lake

    return Door(open_existing_lake(url))
