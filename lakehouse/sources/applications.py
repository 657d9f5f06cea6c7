"""Which applications of a source a lake reads."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake


def applications_of(lake: Lake, dataset: Dataset) -> tuple[str, ...]:
    """The applications by the lake's setting, or those that the dataset declares where it says nothing (of files the names of the feeds).

    Raises `ConfigurationError` for a setting that is no list of names, or an empty one: nothing would be read, and every day be complete.
    """
    told = lake.dataset(dataset.name).source.get("applications")
    if told is None:
        return dataset.source.applications if dataset.source else ()
    if not isinstance(told, list) or not told or not all(isinstance(name, str) and name for name in told):
        raise ConfigurationError(
            f"datasets.{dataset.name}.source.applications in lake.json should be a list of at least one name, got {told!r}. Leave it out to read "
            "all that the dataset declares."
        )
    return tuple(told)
