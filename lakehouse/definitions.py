"""The code location: everything under `lakehouse/defs`."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, sensors and automation of every dataset."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
