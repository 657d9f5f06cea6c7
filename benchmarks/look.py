"""Look at a lake as people and sensors do while nothing is new, several rounds. Started by `landing_load.py`, one process for each lake."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import io
import logging
import time
from collections.abc import Callable
from typing import Any

import dagster as dg
import lakes
import measure

from lakehouse.cli.main import app
from lakehouse.datasets.registry import find_dataset
from lakehouse.defs.house import definitions_of
from lakehouse.defs.reconcile import Cursor, write_cursor
from lakehouse.defs.resources import LakeResource
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake, open_existing_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.fetch import probe

DATASET = find_dataset(lakes.DATASET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("day", type=dt.date.fromisoformat)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    lake = open_existing_lake(told.lake)
    last = load_ledger(lake, DATASET.name).last_number
    logging.disable(logging.INFO)
    with dg.DagsterInstance.ephemeral() as instance:
        ways: dict[str, Callable[[], object]] = {
            "load_ledger": lambda: load_ledger(lake, DATASET.name),
            "build_day, unchanged": lambda: _unchanged(lake, told.day),
            "stale_days": lambda: stale_days(lake, DATASET),
            "probe of the next fetch": lambda: probe(lake, DATASET),
            "reconcile sensor, news": _sensor(lake, instance, Cursor(last - 1)),
            "reconcile sensor, no news": _sensor(lake, instance, Cursor(last)),
            "lakehouse status": lambda: _command(["status", "--lake", told.lake]),
        }
        found = {name: _timed(way, told.rounds) for name, way in ways.items()}
    cost = measure.Meter().cost(manifests=last, **found)
    measure.report(cost)


def _timed(way: Callable[[], object], rounds: int) -> list[list[float]]:
    """[wall seconds, CPU seconds] of each round; one round before, for what is imported on first use."""
    way()
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        way()
        found.append([time.perf_counter() - wall, time.process_time() - cpu])
    return found


def _unchanged(lake: Lake, day: dt.date) -> None:
    report = build_day(lake, DATASET, day)
    if report.committed or report.rebuilt:
        raise RuntimeError(f"{day} was expected to be built already, but {len(report.rebuilt)} grains were made and committed is {report.committed}")


def _sensor(lake: Lake, instance: dg.DagsterInstance, cursor: Cursor) -> Callable[[], object]:
    definitions = definitions_of(lake, lake.url)
    repository = definitions.get_repository_def()
    sensor = definitions.resolve_sensor_def(f"{DATASET.name}_reconcile_sensor")

    def evaluate() -> Any:
        with dg.build_sensor_context(
            instance=instance, cursor=write_cursor(cursor), repository_def=repository, resources={"lake": LakeResource(url=lake.url)}
        ) as context:
            return sensor.evaluate_tick(context)

    return evaluate


def _command(arguments: list[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        app(arguments, standalone_mode=False)


if __name__ == "__main__":
    main()
