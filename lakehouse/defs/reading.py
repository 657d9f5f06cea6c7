"""How a dataset is read, by the kind of source that it declares: its raw asset, what fills it, and the sensor that looks for more."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from lakehouse.datasets.model import Dataset, FileSource, ReportsApiSource
from lakehouse.defs.ingest import build_dimension_specs, build_ingest_asset, build_raw_spec
from lakehouse.defs.new_data import build_new_data_sensor
from lakehouse.defs.new_files import build_new_files_sensor
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.raw import build_raw_asset


@dataclass(frozen=True)
class Reading:
    """The assets that hold and fill raw, and the sensors that ask for more of it."""

    assets: tuple[dg.AssetsDefinition | dg.AssetSpec, ...]
    sensors: tuple[dg.SensorDefinition, ...] = ()


def reading_of(*, dataset: Dataset, calendar: Calendar) -> Reading:
    """By time: raw itself asks the source. By position: an asset drains what is new into raw. Without a source raw is landed by others."""
    match dataset.source:
        case ReportsApiSource():
            raw = build_raw_asset(dataset=dataset, calendar=calendar, source=dataset.source)
            return Reading((raw,), (build_new_data_sensor(dataset=dataset, calendar=calendar, raw=raw),))
        case FileSource():
            ingest = build_ingest_asset(dataset=dataset, source=dataset.source)
            raw_spec = build_raw_spec(dataset=dataset, calendar=calendar, filled_by=ingest.key)
            return Reading((ingest, raw_spec, *build_dimension_specs(dataset=dataset)), (build_new_files_sensor(dataset=dataset, ingest=ingest),))
        case None:
            return Reading((build_raw_spec(dataset=dataset, calendar=calendar, filled_by=None),))
