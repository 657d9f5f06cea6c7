"""Which applications of a source a lake reads."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake


def applications_of(lake: Lake, dataset: Dataset) -> tuple[str, ...]:
    """The applications by the lake's setting, or those that the dataset declares; none for a source by position."""
    told = lake.dataset(dataset.name).source.get("applications")
    if told is None:
        return dataset.source.applications if dataset.source else ()
    if not isinstance(told, list) or not all(isinstance(a, str) and a for a in told):
        raise ConfigurationError(f"The setting datasets.{dataset.name}.source.applications must be a list of names, got {told!r}.")
    return tuple(told)
