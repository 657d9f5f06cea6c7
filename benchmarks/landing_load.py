"""Landing under its load: lines that are read again and again, sweeps with nothing new, and looking at a lake with a long history.

    python benchmarks/landing_load.py --work /tmp/bench

The first table: lines read eight times by twelve fetches that overlap, per line beside the same lines read once, and a sweep that brings nothing new
(the time from the last line read until its manifest is durable, stale days are asked for and its days are "built"). The second: what people and
sensors do while nothing is new, in a lake of 30 days, 5,040 parts and 10,000 manifests, beside one of three days and 1,000 manifests. Loading the
ledger is the yardstick there: nothing may grow with the history more than its checkpoint does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
from pathlib import Path

import clean_load
import lakes
import lakes_of_history
import measure

TWICE = 2.0
SECONDS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="unique lines that are read again and again")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--manifests", type=int, default=10_000)
    parser.add_argument("--base", type=int, default=500_000, help="events of the generated files that the lines are taken from")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, default=Path("/tmp/lakehouse-bench"), help="where files and lakes are made; those with a history are kept"
    )
    parser.add_argument("--json", type=Path, help="file for the first table; the second gets the same name with -history")
    told = parser.parse_args()
    files = clean_load.generated(told.work, told.base)
    again = [measure.run("land_again.py", told.work / "landing", files, "--lines", told.lines) for _ in range(told.rounds)]
    lakes.emptied(told.work / "landing")
    measure.show(f"Landing {told.lines:,} lines, medians of {told.rounds}", _landing(again), told.json)
    lines = lakes.unique_lines(sorted(files.glob("*/*.gz")), 1000)
    found = []
    for days, manifests in ((max(1, told.days // 10), told.manifests // 10), (told.days, told.manifests)):
        place = told.work / f"history-{days}-{manifests}"
        lakes_of_history.lake_of_history(place, lines, days=days, manifests=manifests)
        middle = lakes_of_history.FIRST + dt.timedelta(days=days // 2)
        found.append(measure.run("look.py", place, middle, "--rounds", max(3, told.rounds)))
    json_file = told.json.with_stem(f"{told.json.stem}-history") if told.json else None
    measure.show(f"A lake of {told.days} days and {told.manifests:,} manifests while nothing is new", _history(*found), json_file)


def _landing(costs: list[measure.Cost]) -> list[dict[str, object]]:
    def each(name: str) -> tuple[float, float, int]:
        wall, cpu, lines = zip(*(cost.facts[name] for cost in costs), strict=True)
        return statistics.median(wall), statistics.median(cpu), lines[0]

    once = each("once")
    rows: list[dict[str, object]] = []
    for what, (wall, cpu, lines), limit in (
        ("one reading", once, ""),
        ("12 overlapping fetches, each line 8 times", each("again"), f"{TWICE:g} x CPU"),
        ("a sweep with nothing new", each("sweep"), f"{TWICE:g} x CPU"),
    ):
        ratio = cpu / lines / (once[1] / once[2])
        rows.append(
            {"what": what, "lines": lines, "wall s": wall, "CPU s": cpu, "CPU us/line": cpu / lines * 1e6, "x one reading": ratio, "limit": limit}
        )
    after = [cost.facts["after"] for cost in costs]
    wall, cpu = (statistics.median(values) for values in zip(*after, strict=True))
    last = costs[-1].facts
    told = (
        f"after its last line: {last['swept_parts']} parts, {last['stale']} stale days, {last['rebuilt']} grains rebuilt, {last['committed']} commits"
    )
    rows.append({"what": told, "lines": 0, "wall s": wall, "CPU s": cpu, "CPU us/line": 0.0, "x one reading": 0.0, "limit": f"{SECONDS:g} s wall"})
    return rows


def _history(short: measure.Cost, long: measure.Cost) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in [name for name in long.facts if name != "manifests"]:
        (_, before), (wall, cpu) = ([statistics.median(v) for v in zip(*cost.facts[name], strict=True)] for cost in (short, long))
        limit = f"{SECONDS:g} s wall" if name == "build_day, unchanged" else ""
        rows.append({"what": name, "wall s": wall, "CPU s": cpu, "CPU s, a tenth of it": before, "x a tenth": cpu / before, "limit": limit})
    return rows


if __name__ == "__main__":
    main()
