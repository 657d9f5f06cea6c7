"""Land lines in fetches that overlap, sweep them once more, and report what each costs. Started by `landing_load.py`, one process each."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from pathlib import Path
from typing import Any

import lakes
import measure

from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.manifest import Manifest, Purpose, Window
from lakehouse.landing.write import land_fetch
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days

BATCH = 1000  # lines of a page of the source
DATASET = find_dataset(lakes.DATASET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, help="where the lake is made")
    parser.add_argument("files", type=Path, help="the folder of generated files")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--fetches", type=int, default=12)
    parser.add_argument("--times", type=int, default=8, help="how often each line is read")
    told = parser.parse_args()
    lines = lakes.unique_lines(sorted(told.files.glob("*/*.gz")), told.lines)
    stretch = lakes.stretch_of(lines)
    lake = _lake(told.place / "once", stretch)
    once = _Timed(lake, stretch)
    once.fetch(lines, "new")
    lake = _lake(told.place / "again", stretch)
    many = _Timed(lake, stretch)
    for fetch in range(told.fetches):
        many.fetch(_share(lines, fetch, told.fetches, told.times), "overlap" if fetch else "new")
    _assert_books(many, told.lines, told.times)
    days = sorted({stretch.start.date(), stretch.end.date()})
    for day in days:
        build_day(lake, DATASET, day)
    sweep = _Timed(lake, stretch)
    began = time.perf_counter(), time.process_time()
    manifest = sweep.fetch(lines, "daily_sweep")
    stale = stale_days(lake, DATASET)
    reports = [build_day(lake, DATASET, day) for day in days]
    after = time.perf_counter() - sweep.read_at[0], time.process_time() - sweep.read_at[1]
    cost = measure.Cost(time.perf_counter() - began[0], time.process_time() - began[1], measure.peak_mb())
    facts: dict[str, Any] = {
        "once": [once.wall, once.cpu, once.lines],
        "again": [many.wall, many.cpu, many.lines],
        "sweep": [sweep.wall, sweep.cpu, sweep.lines],
        "after": list(after),
        "swept_parts": len(manifest.parts),
        "stale": len(stale),
        "rebuilt": sum(len(r.rebuilt) for r in reports),
        "committed": sum(r.committed for r in reports),
    }
    measure.report(measure.Cost(cost.wall, cost.cpu, cost.peak_mb, facts))


class _Timed:
    """Fetches into a lake, with what they cost together."""

    def __init__(self, lake: Lake, stretch: Window) -> None:
        self._lake, self._stretch = lake, stretch
        self.wall = self.cpu = 0.0
        self.lines = self.placed = 0
        self.read_at = (0.0, 0.0)

    def fetch(self, lines: list[bytes], purpose: Purpose) -> Manifest:
        """Land lines of the stretch as pages come from the source."""
        wall, cpu = time.perf_counter(), time.process_time()
        manifest = land_fetch(
            self._lake,
            DATASET.contract,
            source="reports_api",
            application="token",
            purpose=purpose,
            window=self._stretch,
            covered=self._stretch,
            batches=(lines[at : at + BATCH] for at in range(0, len(lines), BATCH)),
            http=self._all_read,
            started_at=self._lake.now(),
        )
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        self.lines += manifest.books.read
        self.placed += manifest.books.placed
        return manifest

    def _all_read(self) -> dict[str, Any]:
        self.read_at = time.perf_counter(), time.process_time()
        return {}


def _lake(place: Path, stretch: Window) -> Lake:
    lakes.emptied(place)
    settings = DatasetSettings(start=stretch.start.date(), source={"applications": ["token"]})
    return open_lake(place).with_settings(LakeSettings(clock=stretch.end + dt.timedelta(hours=1), datasets={lakes.DATASET: settings}))


def _share(lines: list[bytes], fetch: int, fetches: int, times: int) -> list[bytes]:
    """`times` of `fetches` equal pieces of the lines, from piece `fetch` on, so that all fetches together read each line `times` times."""
    size = -(-len(lines) // fetches)
    pieces = sorted((fetch + n) % fetches for n in range(times))
    return [line for piece in pieces for line in lines[piece * size : (piece + 1) * size]]


def _assert_books(many: _Timed, lines: int, times: int) -> None:
    if (many.lines, many.placed) != (lines * times, lines):
        raise RuntimeError(f"read {many.lines} and placed {many.placed} lines, expected {lines * times} and {lines}")


if __name__ == "__main__":
    main()
