"""What the code location loads: the definitions of the lake that the environment names."""

from __future__ import annotations

import dagster as dg

from lakehouse.defs.house import definitions_of, existing_lake


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks and sensors of every dataset."""
    return definitions_of(existing_lake())
