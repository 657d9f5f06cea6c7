"""One new file into a lake that holds 10, 100 and 270 of them: what is read, and how long it takes from file to clean.

    python benchmarks/one_new_file.py --folder /data/online_retail --work /tmp/bench

The files are daily; the new one touches its own day only, which lies between days that every lake has, so that no other day becomes complete by it.
Each size is a lake of its own. The same file comes into copies of it, and the lowest figure of each part counts: other work on the machine only adds.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import measure

from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import Lake, LakeSettings, open_lake
from lakehouse.steps.build import DayReport, build_day, stale_days
from lakehouse.steps.ingest import ingest

FOLDER = measure.HERE.parents[1] / "shared" / "realdata" / "commerce" / "online_retail"
SIZES = (10, 100, 270)
DATASET = find_dataset("commerce")
PARTS = ("ingest", "stale days", "build")
Answer = TypeVar("Answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="daily files of invoices, *.csv.gz")
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    files = sorted(told.folder.glob("*.csv.gz"))
    if len(files) <= SIZES[-1]:
        raise SystemExit(f"{told.folder} holds {len(files)} files *.csv.gz, expected more than {SIZES[-1]}.")
    new = files[SIZES[0] // 2]
    others = [f for f in files if f != new]
    rows = []
    for size in SIZES:
        place = _lake(told.work / f"one-new-file-{size}", others[:size])
        _one(place, new)  # what a process does once only
        rows.append(_row(size, [_one(place, new) for _ in range(told.rounds)]))
    measure.show(f"{new.name} comes into a lake of so many files, lowest of {told.rounds}", rows, told.json)


def _lake(place: Path, files: list[Path]) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    lake = open_lake(place).with_settings(LakeSettings())
    ingest(lake, DATASET, [str(f) for f in files])
    for stale in stale_days(lake, DATASET):
        build_day(lake, DATASET, stale.day)
    return place


def _one(place: Path, new: Path) -> dict[str, measure.Cost]:
    copy = place.with_name(f"{place.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place, copy)
    lake: Lake = open_lake(copy)
    costs: dict[str, measure.Cost] = {}

    def part(name: str, work: Callable[[], Answer]) -> Answer:
        meter = measure.Meter()
        answer = work()
        costs[name] = meter.cost()
        return answer

    landed = part("ingest", lambda: ingest(lake, DATASET, [str(new)]))
    stale = part("stale days", lambda: stale_days(lake, DATASET))
    reports = part("build", lambda: [build_day(lake, DATASET, s.day) for s in stale])
    costs["build"].facts.update(rows=landed.books.read, days=len(reports), read=sum(map(_rows_read, reports)))
    return costs


def _rows_read(report: DayReport) -> int:
    rebuilt = {ref.grain for ref in report.rebuilt}
    return sum(account.books.lines for grain, account in report.accounts.items() if grain.key in rebuilt)


def _row(size: int, rounds: list[dict[str, measure.Cost]]) -> dict[str, object]:
    facts = rounds[-1]["build"].facts
    row: dict[str, object] = {"files before": size, "rows of the file": facts["rows"], "days built": facts["days"], "rows read": facts["read"]}
    row["wall ms"] = min(sum(cost.wall for cost in costs.values()) for costs in rounds) * 1000
    row["CPU ms"] = min(sum(cost.cpu for cost in costs.values()) for costs in rounds) * 1000
    return row | {f"{name}: CPU ms": min(costs[name].cpu for costs in rounds) * 1000 for name in PARTS}


if __name__ == "__main__":
    main()
