"""Which datasets a lake holds. Reads only."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import all_datasets
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake


def held_datasets(lake: Lake) -> list[Dataset]:
    """The datasets that lake.json names or of which something has landed, sorted by name; none in a new lake."""
    return [d for d in all_datasets() if d.name in lake.settings.datasets or load_ledger(lake, d.name).last_number]
