"""Clickstream, raw to audited clean: generated events of ten days, beside a hand-written DuckDB script that does the bare job on the same files.

    python benchmarks/clickstream.py --events 1000000 10000000 --work /tmp/bench

Each measured in a process of its own, start-up and imports left out. Landing is not in it: `files_to_clean.py` measures that. The script leaves out
what this project is for (books, quarantine, provenance, unknown fields, an audit of each row); the factor says what those cost.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import time
from pathlib import Path

import measure

from lakehouse.accounts.truth import TRUTH_FILE, SampleTruth
from lakehouse.datasets.clickstream.dataset import DATASET
from lakehouse.datasets.clickstream.generator import Arguments, generate
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake
from lakehouse.steps.ingest import ingest

START, DAYS = dt.date(2026, 11, 1), 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"), help="where files and lakes are made; generated files are kept")
    parser.add_argument("--spotless", action="store_true", help="without defects: no block has a bad line")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    rows = [row for events in told.events for row in _rows(told.work, events, told.rounds, spotless=told.spotless)]
    measure.show("Clickstream, raw to clean, ten days of generated events", rows, told.json)


def _rows(work: Path, events: int, rounds: int, *, spotless: bool) -> list[dict[str, object]]:
    files = work / f"clickstream-{events}{'-spotless' if spotless else ''}"
    truth = _generated(files, events, spotless=spotless)
    lake, days = _landed(files, work / "lake"), [str(START + dt.timedelta(days=n)) for n in range(DAYS)]
    ours, bare = [], []
    for _ in range(rounds):
        shutil.rmtree(work / "lake-copy", ignore_errors=True)
        shutil.copytree(lake, work / "lake-copy")
        ours.append(measure.run("build_days.py", work / "lake-copy", *days, "--dataset", DATASET.name))
        shutil.rmtree(work / "bare", ignore_errors=True)
        bare.append(measure.run("clickstream_duckdb.py", files, work / "bare", *days))
    kept = truth.total.books.kept
    told = {"clean": measure.median(ours), "hand-written DuckDB": measure.median(bare)}
    if not told["clean"].facts["balanced"] or told["clean"].facts["kept"] != kept:
        raise RuntimeError(f"expected {kept:,} rows and books that close: {told}")
    return [_row(name, events, cost, told["hand-written DuckDB"]) for name, cost in told.items()]


def _row(name: str, events: int, cost: measure.Cost, bare: measure.Cost) -> dict[str, object]:
    per = {"wall µs/event": cost.wall / events * 1e6, "CPU µs/event": cost.cpu / events * 1e6}
    row: dict[str, object] = {"what": name, "events": events, "wall s": cost.wall, "CPU s": cost.cpu, **per}
    return row | {"peak MB": cost.peak_mb, "rows kept": cost.facts["kept"], "x wall of DuckDB": cost.wall / bare.wall}


def _generated(files: Path, events: int, *, spotless: bool) -> SampleTruth:
    if not (files / TRUTH_FILE).exists():
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir(parents=True)
        began = time.perf_counter()
        arguments = Arguments(start=START, days=DAYS, events=events, clicks=0.0, requests=0.0)
        generate(files, arguments.spotless() if spotless else arguments)
        print(f"{events:,} events generated in {time.perf_counter() - began:.1f} s")
    return SampleTruth.load(files)


def _landed(files: Path, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    clock = dt.datetime.combine(START + dt.timedelta(days=DAYS + 1), dt.time(), tzinfo=dt.UTC)
    lake = open_lake(place).with_settings(LakeSettings(clock=clock, datasets={DATASET.name: DatasetSettings(start=START)}))
    began = time.perf_counter()
    report = ingest(lake, DATASET, [str(files)])
    report.raise_for_errors()
    print(f"{report.books.read:,} lines landed in {time.perf_counter() - began:.1f} s")
    return place


if __name__ == "__main__":
    main()
