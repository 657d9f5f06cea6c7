"""Publish: build the marts that changed clean days reach, and show them to readers in one rename."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from lakehouse.datasets.model import Dataset
from lakehouse.marts.build import build_marts
from lakehouse.marts.plan import changed_dimensions
from lakehouse.marts.publish import current_version
from lakehouse.marts.records import MartsReport
from lakehouse.marts.specs import mart_specs
from lakehouse.settings import Lake
from lakehouse.tables.builds import committed_builds
from lakehouse.tables.dimensions import current_dimensions


def publish_marts(
    lake: Lake, dataset: Dataset, days: Sequence[dt.date] | None = None, *, force: bool = False, progress: Callable[[str], None] | None = None
) -> MartsReport:
    """Bring the published marts up to date with clean.

    `days`: clean days to look at; None is every day that differs from the published version. `force`: build them although they do not differ.
    `progress` is told, in words, what goes on. Errors: see `lakehouse.marts.build.build_marts`.
    """
    return build_marts(lake, dataset, days, force=force, progress=progress)


def unpublished_days(lake: Lake, dataset: Dataset) -> list[dt.date]:
    """The clean days that the published marts do not tell of as they are now, sorted; none for a dataset without marts.

    Another version of a dimension may change what is told of every day.
    """
    if not mart_specs(dataset.name):
        return []
    version = current_version(lake, dataset)
    known = version is not None and not changed_dimensions(version, {n: d.digest for n, d in current_dimensions(lake, dataset).items()})
    shown = {day: built.fingerprint for day, built in version.days.items()} if version is not None and known else {}
    return [day for day, build in sorted(committed_builds(lake, dataset.contract).items()) if shown.get(day) != build.fingerprint]
