"""Files to raw to clean: hourly CSV files of clicks, gz, beside a Polars script that does the bare work in the same run.

    python benchmarks/files_to_clean.py --folder /data/globo --work /tmp/bench

Medians of the rounds, each in a fresh process, ours and the bare script in turn.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import measure

FOLDER = measure.HERE.parents[1] / "shared" / "realdata" / "clickstream" / "globo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="hourly files with the columns of the Globo clicks, *.csv.gz")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"))
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    costs: dict[str, list[measure.Cost]] = {"bare": [], "ours": []}
    for _ in range(told.rounds):
        for name, found in costs.items():
            place = told.work / f"clicks-{name}"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            found.append(measure.run("files_clicks.py", name, told.folder, place))
    bare, ours = measure.median(costs["bare"]), measure.median(costs["ours"])
    facts = ours.facts
    if not facts["balanced"] or facts["kept"] != bare.facts["kept"]:
        raise RuntimeError(f"ours kept {facts['kept']} rows, the bare script {bare.facts['kept']}; books balanced: {facts['balanced']}")
    rows = [
        {"what": name, "wall s": c.wall, "CPU s": c.cpu, "peak MB": c.peak_mb, "x wall": c.wall / bare.wall, "x CPU": c.cpu / bare.cpu}
        for name, c in (("bare Polars", bare), ("files to clean", ours), ("of it files to raw", measure.Cost(facts["raw_wall"], facts["raw_cpu"], 0)))
    ]
    measure.show(f"{facts['lines']:,} rows of CSV to {facts['kept']:,} clean rows, medians of {told.rounds}", rows, told.json)


if __name__ == "__main__":
    main()
