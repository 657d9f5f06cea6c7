"""`visits`: as `plays`."""

from __future__ import annotations

from dataclasses import replace

from lakehouse.datasets.plays.dataset import CONTRACT
from lakehouse.datasets.plays.dataset import DATASET as PLAYS

DATASET = replace(PLAYS, contract=replace(CONTRACT, name="visits", title="Visits"))
