"""One new file into a lake that holds 10, 100 and 270 of them: what is read, and how long it takes from file to clean.

    python benchmarks/one_new_file.py --folder /data/online_retail --work /tmp/bench

The files are daily; the new one touches its own day only. Each size is a lake of its own, and the same file comes into each.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import measure

from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import ingest

FOLDER = measure.HERE.parents[1] / "shared" / "realdata" / "commerce" / "online_retail"
SIZES = (10, 100, 270)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="daily files of invoices, *.csv.gz")
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"))
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    files = sorted(told.folder.glob("*.csv.gz"))
    if len(files) <= SIZES[-1]:
        raise SystemExit(f"{told.folder} holds {len(files)} files *.csv.gz, expected more than {SIZES[-1]}.")
    new, others = files[len(files) // 2], [f for f in files if f != files[len(files) // 2]]
    rows = [_one(told.work / f"one-new-file-{size}", others[:size], new) for size in SIZES]
    measure.show(f"{new.name} comes into a lake of so many files", rows, told.json)


def _one(place: Path, before: list[Path], new: Path) -> dict[str, object]:
    shutil.rmtree(place, ignore_errors=True)
    dataset = find_dataset("commerce")
    lake = open_lake(place).with_settings(LakeSettings())
    ingest(lake, dataset, [str(f) for f in before])
    for stale in stale_days(lake, dataset):
        build_day(lake, dataset, stale.day)
    meter = measure.Meter()
    landed = ingest(lake, dataset, [str(new)])
    reports = [build_day(lake, dataset, stale.day) for stale in stale_days(lake, dataset)]
    cost = meter.cost()
    return {
        "files before": len(before),
        "rows of the file": landed.books.read,
        "days built": len(reports),
        "rows read": sum(a.books.lines for r in reports for g, a in r.accounts.items() if any(x.grain == g.key for x in r.rebuilt)),
        "wall s": cost.wall,
        "CPU s": cost.cpu,
    }


if __name__ == "__main__":
    main()
