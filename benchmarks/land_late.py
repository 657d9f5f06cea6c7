"""Land late events in hours of a built day and build it again, several rounds, each in another hour. Started by `late_events.py`."""

from __future__ import annotations

import argparse
import datetime as dt
import time

import lakes
import measure

from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef, Window
from lakehouse.landing.read import read_lines
from lakehouse.landing.write import land_fetch
from lakehouse.settings import Lake, open_lake
from lakehouse.steps.build import build_day
from lakehouse.tables import delta

import pandera.polars  # noqa: F401  # isort: skip  imported before the clock starts

DATASET = find_dataset(lakes.DATASET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("day", type=dt.date.fromisoformat)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", type=int, default=-1, help="an hour that gets none, because it is no average one")
    told = parser.parse_args()
    lake = open_lake(told.lake)
    hours = [hour for hour in range(24) if hour != told.skip][: told.rounds]
    lines = {hour: _late_lines(lake, told.day, hour, told.events) for hour in hours}
    meter = measure.Meter()
    rounds = [_round(lake, told.day, hour, lines[hour]) for hour in hours]
    grain = load_ledger(lake, DATASET.name).parts[f"{told.day}T{hours[0]:02d}"]
    measure.report(meter.cost(rounds=rounds, hour=grain[0].part.lines))


def _late_lines(lake: Lake, day: dt.date, hour: int, count: int) -> list[bytes]:
    """Lines of an hour with ids that nobody has had."""
    ref = LineRef(load_ledger(lake, DATASET.name).parts[f"{day}T{hour:02d}"][0].part.path, 1)
    found = dict.fromkeys(line for _, line in read_lines(lake, ref.part, range(1, 2 * count)))
    return [line.replace(b'"uniqueQualifier":"-', b'"uniqueQualifier":"-77') for line in list(found)[:count]]


def _round(lake: Lake, day: dt.date, hour: int, lines: list[bytes]) -> tuple[float, float]:
    """(wall seconds, CPU seconds) from the first line read to the commit and its checks. Raises when another file than the hour's was swapped."""
    before = _files(lake, day)
    start = dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)
    window = Window(start, start + dt.timedelta(hours=1))
    wall, cpu = time.perf_counter(), time.process_time()
    manifest = land_fetch(
        lake,
        DATASET.contract,
        source="bench",
        application="token",
        purpose="daily_sweep",
        window=window,
        covered=window,
        batches=[lines],
        http=dict,
        started_at=lake.now(),
    )
    report = build_day(lake, DATASET, day)
    cost = time.perf_counter() - wall, time.process_time() - cpu
    swapped = before ^ _files(lake, day)
    if manifest.books.placed != len(lines) or not report.committed or {ref.grain for ref in report.rebuilt} != {f"{day}T{hour:02d}"}:
        raise RuntimeError(f"expected {len(lines)} late lines in hour {hour}, got {manifest.books} and {report.rebuilt} rebuilt")
    if not swapped or any(f"/{hour:02d}-" not in path for path in swapped):
        raise RuntimeError(f"expected the files of hour {hour} only to be swapped, got {sorted(swapped)}")
    return cost


def _files(lake: Lake, day: dt.date) -> set[str]:
    table = delta.open_table(lake, DATASET.name)
    return set(delta.active_files(table).get(day, {})) if table is not None else set()


if __name__ == "__main__":
    main()
