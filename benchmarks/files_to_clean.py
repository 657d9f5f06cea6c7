"""Files to raw to clean to marts: hourly CSV files of clicks, gz, through the dataset `clickstream`, beside a bare Polars script.

    python benchmarks/files_to_clean.py --folder /data/globo --work /tmp/bench

Medians of the rounds, each in a fresh process, the bare script, ours and the marts in turn. The bare script ends where clean does: the marts stand
beside nothing. What dbt takes to start (import and parse, with no project parsed before) is a row of its own. The marts' CPU and memory are those of
our process and of dbt's together.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lakes
import measure

FOLDER = measure.HERE.parents[1] / "shared" / "realdata" / "clickstream" / "globo"
LIMIT = "x wall 4; 1,500 MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="hourly files with the columns of the Globo clicks, clicks_*.csv.gz")
    parser.add_argument("--files", type=int, help="only the first so many; default all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"))
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    some = ("--files", told.files) if told.files else ()
    costs: dict[str, list[measure.Cost]] = {"bare": [], "ours": [], "marts": []}
    lakes.emptied(told.work / "clicks")
    for number in range(told.rounds):
        places = {name: told.work / "clicks" / f"{name}-{number}" for name in ("bare", "ours")}
        for name, place in places.items():
            place.mkdir(parents=True)
            costs[name].append(measure.run("files_clicks.py", name, told.folder, place, *some))
        costs["marts"].append(measure.run("files_clicks.py", "marts", told.folder, places["ours"]))
    lakes.emptied(told.work / "clicks")  # not between the rounds: for minutes after many files were deleted ext4 is slow to make new ones
    bare, ours, marts = (measure.median(costs[name]) for name in costs)
    _check(bare, ours, marts)
    title = f"{ours.facts['lines']:,} rows of CSV to {ours.facts['kept']:,} clean rows of {ours.facts['days']} days, medians of {told.rounds}"
    measure.show(title, _rows(bare, ours, marts, costs["marts"]), told.json)


def _rows(bare: measure.Cost, ours: measure.Cost, marts: measure.Cost, rounds: list[measure.Cost]) -> list[dict[str, object]]:
    starts = measure.median([measure.Cost(c.facts["start_wall"], c.facts["start_cpu"], c.facts["start_mb"]) for c in rounds])
    table = (
        ("bare Polars", bare, bare, ""),
        ("files to clean", ours, bare, LIMIT),
        ("of it files to raw", measure.Cost(ours.facts["raw_wall"], ours.facts["raw_cpu"], 0), bare, ""),
        ("dbt's start: import, parse", starts, None, ""),
        (f"publishing {marts.facts['marts']} marts, {marts.facts['tests']} tests", marts, None, ""),
    )
    return [
        {"what": what, "wall s": c.wall, "CPU s": c.cpu, "peak MB": c.peak_mb or "", **_beside(c, peer), "limit": limit}
        for what, c, peer, limit in table
    ]


def _beside(cost: measure.Cost, peer: measure.Cost | None) -> dict[str, object]:
    return {"x wall": cost.wall / peer.wall, "x CPU": cost.cpu / peer.cpu} if peer else {"x wall": "", "x CPU": ""}


def _check(bare: measure.Cost, ours: measure.Cost, marts: measure.Cost) -> None:
    """Raise unless all three tell of the same rows."""
    kept, facts = bare.facts["kept"], ours.facts
    if not facts["balanced"] or facts["kept"] != kept or marts.facts["events"] != kept:
        told = f"ours kept {facts['kept']} rows, the marts count {marts.facts['events']}, the bare script kept {kept}"
        raise RuntimeError(f"{told}; books balanced: {facts['balanced']}")


if __name__ == "__main__":
    main()
