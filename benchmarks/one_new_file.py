"""One new file into a lake that holds 10, 100 and 300 of them: what is read, and how long it takes from file to clean.

    python benchmarks/one_new_file.py --work /tmp/bench
    python benchmarks/one_new_file.py --folder /data/online_retail --sizes 10 100 270

The files are daily, generated ones of `commerce` unless a folder is named. The new one touches its own day only, which lies between days that every
lake has, so that no other day becomes complete by it. Each size is a lake of its own. The same file comes into copies of it, which are made before,
by turns of all sizes, and the lowest figure of each part counts: other work on the machine only adds.

Two kinds of reading are counted: the lines of raw that builds read, and the rows of the clean table whose ids the check `repeated_ids` reads, which
are those of the day and of the day before it. (The audit reads what was just written once more: the rows of the day.)
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import measure
import pyarrow.parquet as pq

from lakehouse.contracts.model import Contract
from lakehouse.datasets.commerce.generator import Arguments, generate
from lakehouse.datasets.commerce.generator.options import Defects
from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import Lake, LakeSettings, open_lake
from lakehouse.steps import checks
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import ingest

SIZES = (10, 100, 300)
START = dt.date(2025, 1, 1)
DATASET = find_dataset("commerce")
PARTS = ("ingest", "stale days", "build")
Answer = TypeVar("Answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="daily files of commerce; default: generated ones")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="files in the lake before the new one comes, ascending")
    parser.add_argument("--events", type=int, default=3_000, help="in a generated file, about so many")
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    folder = told.folder or _generated(told.work, told.sizes[-1] + 1, told.events)
    files = sorted(f for f in folder.iterdir() if f.name.endswith((".csv.gz", ".jsonl")))
    if len(files) <= told.sizes[-1]:
        raise SystemExit(f"{folder} holds {len(files)} files *.csv.gz or *.jsonl, expected more than {told.sizes[-1]}.")
    new = files[told.sizes[0] // 2]
    others = [f for f in files if f != new]
    copies = {size: _copies(_lake(told.work / f"one-new-file-{size}", others[:size]), told.rounds + 1) for size in told.sizes}
    os.sync()  # else the first fsync of a new file waits for the copies, and longer for the larger ones
    ids: dict[int, int] = {}
    for size in told.sizes:
        with _ids_counted() as counts:
            _one(copies[size].pop(), new)  # counted, and what a process does once only
        ids[size] = sum(counts)
    costs = [{size: _one(copies[size].pop(), new) for size in told.sizes} for _ in range(told.rounds)]
    rows = [_row(size, ids[size], [each[size] for each in costs]) for size in told.sizes]
    measure.show(f"{new.name} comes into a lake of so many files, lowest of {told.rounds}", rows, told.json)


def _generated(work: Path, days: int, events: int) -> Path:
    """A file for each day, without defects: a line without a place would make the day it landed on stale too. Made once."""
    place = work / f"daily-{days}-{events}"
    if not (place / "truth.json").exists():
        shutil.rmtree(place, ignore_errors=True)
        spotless = Defects(**dict.fromkeys(Defects.__struct_fields__, 0.0))
        generate(place, Arguments(seed=1, start=START, days=days, events=days * events, defects=spotless))
    return place / "first"


@contextmanager
def _ids_counted() -> Iterator[list[int]]:
    """The rows of the files that `repeated_ids` is given within the block, call by call."""
    counts: list[int] = []
    real = checks.repeated_ids

    def counted(files: Sequence[str], contract: Contract) -> int:
        counts.append(sum(pq.read_metadata(file.removeprefix("file://")).num_rows for file in files))
        return real(files, contract)

    checks.repeated_ids = counted  # type: ignore[assignment]
    try:
        yield counts
    finally:
        checks.repeated_ids = real


def _lake(place: Path, files: list[Path]) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    lake = open_lake(place).with_settings(LakeSettings())
    ingest(lake, DATASET, [str(f) for f in files])
    for stale in stale_days(lake, DATASET):
        build_day(lake, DATASET, stale.day)
    return place


def _copies(place: Path, number: int) -> list[Path]:
    copies = [place.with_name(f"{place.name}-copy-{n}") for n in range(number)]
    for copy in copies:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place, copy)
    return copies


def _one(place: Path, new: Path) -> dict[str, measure.Cost]:
    lake: Lake = open_lake(place)
    costs: dict[str, measure.Cost] = {}

    def part(name: str, work: Callable[[], Answer]) -> Answer:
        meter = measure.Meter()
        answer = work()
        costs[name] = meter.cost()
        return answer

    landed = part("ingest", lambda: ingest(lake, DATASET, [str(new)]))
    stale = part("stale days", lambda: stale_days(lake, DATASET))
    reports = part("build", lambda: [build_day(lake, DATASET, s.day) for s in stale])
    costs["build"].facts.update(
        rows=landed.books.read, days=len(reports), read=sum(map(_lines_read, reports)), kept=sum(r.books.kept for r in reports)
    )
    return costs


def _lines_read(report: DayReport) -> int:
    rebuilt = {ref.grain for ref in report.rebuilt}
    return sum(account.books.lines for grain, account in report.accounts.items() if grain.key in rebuilt)


def _row(size: int, ids: int, rounds: list[dict[str, measure.Cost]]) -> dict[str, object]:
    facts = rounds[-1]["build"].facts
    row: dict[str, object] = {"files before": size, "lines of the file": facts["rows"], "days built": facts["days"], "lines read": facts["read"]}
    row |= {"ids read: this day": facts["kept"], "day before": ids - facts["kept"]}
    row["wall ms"] = min(sum(cost.wall for cost in costs.values()) for costs in rounds) * 1000
    row["CPU ms"] = min(sum(cost.cpu for cost in costs.values()) for costs in rounds) * 1000
    return row | {f"{name}: CPU ms": min(costs[name].cpu for costs in rounds) * 1000 for name in PARTS}


if __name__ == "__main__":
    main()
