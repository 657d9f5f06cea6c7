"""All definitions of one lake: for every dataset its assets, checks, sensors and automation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import all_datasets
from lakehouse.defs.automation import build_marts_sensor
from lakehouse.defs.clean import build_clean_asset, build_quarantine_spec
from lakehouse.defs.marts import build_marts_asset
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.reading import Reading, reading_of
from lakehouse.defs.reconcile import build_reconcile_sensor
from lakehouse.defs.resources import LakeResource
from lakehouse.marts.specs import mart_specs
from lakehouse.settings import Lake, peek_lake


@dataclass(frozen=True)
class Parts:
    """The definitions of one dataset. `marts` is None for a dataset without models."""

    reading: Reading
    clean: dg.AssetsDefinition
    quarantine: dg.AssetSpec
    marts: dg.AssetsDefinition | None
    sensors: tuple[dg.SensorDefinition, ...]

    @property
    def assets(self) -> list[dg.AssetsDefinition | dg.AssetSpec]:
        """All of its assets."""
        return [*self.reading.assets, self.clean, self.quarantine, *([self.marts] if self.marts is not None else [])]


def parts_of(*, dataset: Dataset, lake: Lake | None) -> Parts:
    """The definitions of one dataset in a lake; `lake=None` for one that is not made yet."""
    calendar, specs = Calendar.of(lake, dataset), mart_specs(dataset.name)
    engine = (lake.dataset(dataset.name).engine if lake is not None else None) or dataset.engine
    reading = reading_of(dataset=dataset, calendar=calendar)
    clean = build_clean_asset(dataset=dataset, calendar=calendar, engine=engine)
    marts = build_marts_asset(dataset=dataset, calendar=calendar, specs=specs) if specs else None
    sensors: list[dg.SensorDefinition] = [
        *reading.sensors,
        build_reconcile_sensor(dataset=dataset, calendar=calendar, clean=clean),
    ]
    if specs:
        sensors.append(build_marts_sensor(dataset=dataset, models=[s.name for s in specs]))
    return Parts(reading, clean, build_quarantine_spec(dataset=dataset, calendar=calendar), marts, tuple(sensors))


def definitions_of(lake: Lake | None, url: str = "", datasets: Sequence[Dataset] | None = None) -> dg.Definitions:
    """The definitions of a lake.

    `url`: which lake the runs open; empty is the one that the environment names when they run. `datasets`: only these, for a run that makes no other.
    """
    with warnings.catch_warnings():
        # Partitions on checks are in preview and backfill policies in beta; both are pinned by version and by tests.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        parts = [parts_of(dataset=dataset, lake=lake) for dataset in (all_datasets() if datasets is None else datasets)]
        return dg.Definitions(
            assets=[asset for part in parts for asset in part.assets],
            sensors=[sensor for part in parts for sensor in part.sensors],
            resources={"lake": LakeResource(url=url)},
            executor=dg.in_process_executor,  # one step per run; a process per step would import everything again
        )


def existing_lake() -> Lake | None:
    """The lake that the environment names, None while it is not made: looking at the UI must not make one.

    Raises `ConfigurationError` for a name where none can be.
    """
    lake, is_there = peek_lake()
    return lake if is_there else None
