"""Which applications of a source a lake reads, and which must have been read for a day to be complete."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import Ledger
from lakehouse.settings import Lake


def applications_of(lake: Lake, dataset: Dataset) -> tuple[str, ...]:
    """The applications by the lake's setting, or those that the dataset declares (of files the names of the feeds)."""
    told = lake.dataset(dataset.name).source.get("applications")
    if told is None:
        return dataset.source.applications if dataset.source else ()
    if not isinstance(told, list) or not all(isinstance(a, str) and a for a in told):
        raise ConfigurationError(f"The setting datasets.{dataset.name}.source.applications must be a list of names, got {told!r}.")
    return tuple(told)


def counted_applications(lake: Lake, dataset: Dataset, ledger: Ledger) -> tuple[str, ...]:
    """The applications without which a day is not complete: of files the feeds that landed an event.

    Nobody can tell whether a feed that never came is late or not used.
    """
    names = applications_of(lake, dataset)
    return tuple(name for name in names if name in ledger.newest) if isinstance(dataset.source, FileSource) else names
