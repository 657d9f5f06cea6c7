"""Which applications of a source must have been read for a day to be complete."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.landing.ledger import Ledger
from lakehouse.settings import Lake
from lakehouse.sources.applications import applications_of


def counted_applications(lake: Lake, dataset: Dataset, ledger: Ledger) -> tuple[str, ...]:
    """The applications without which a day is not complete: of files the feeds that landed an event.

    Nobody can tell whether a feed that never came is late or not used.
    """
    names = applications_of(lake, dataset)
    return tuple(name for name in names if name in ledger.newest) if isinstance(dataset.source, FileSource) else names
