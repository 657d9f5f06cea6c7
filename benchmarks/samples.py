"""What generating samples takes: the generator of each dataset, each in a process of its own.

    python benchmarks/samples.py --events 10000000 --work /tmp/bench

Imports left out; the files are removed again. All arguments but the number are the generators' own defaults: `clickstream` adds a tenth of clicks
and a tenth of log lines to the events, and of `workspace_audit` they are activities, each of one event or more. The limit is for 10 million.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
from pathlib import Path

import measure

from lakehouse.datasets.model import FileSource
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.operations.truth import generator_of

MOST = 120  # seconds for 10 million events
START = dt.date(2026, 10, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--datasets", nargs="+", default=[dataset.name for dataset in all_datasets()])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", metavar="DATASET", help=argparse.SUPPRESS)  # the process that generates
    told = parser.parse_args()
    if told.one:
        _generate(told.one, told.work, told.events, told.days)
        return
    rows = [_row(name, told.events, _cost(name, told)) for name in told.datasets]
    measure.show(f"Samples of {told.events:,} events over {told.days} days, medians of {told.rounds}", rows, told.json)


def _cost(name: str, told: argparse.Namespace) -> measure.Cost:
    costs, place = [], told.work / f"sample-{name}"
    for _ in range(told.rounds):
        shutil.rmtree(place, ignore_errors=True)
        try:
            costs.append(measure.run("samples.py", "--one", name, "--work", place, "--events", told.events, "--days", told.days))
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return measure.median(costs)


def _generate(name: str, place: Path, events: int, days: int) -> None:
    """Generate one sample, as `lakehouse simulate` does, and report the cost."""
    dataset = find_dataset(name)
    generator = generator_of(dataset)
    meter = measure.Meter()
    if isinstance(dataset.source, FileSource):
        truth = generator.generate(place, generator.Arguments(seed=1, start=START, days=days, events=events))
    else:
        start = dt.datetime.combine(START, dt.time(), tzinfo=dt.UTC)
        truth = generator.generate(place, seed=1, start=start, end=start + dt.timedelta(days=days), events=events)
    cost = meter.cost()
    files = [f.stat().st_size for f in place.rglob("*") if f.is_file()]
    facts = {"lines": truth.total.fetch.read, "rows": truth.total.books.kept, "files": len(files), "bytes": sum(files)}
    measure.report(measure.Cost(cost.wall, cost.cpu, cost.peak_mb, facts))


def _row(name: str, events: int, cost: measure.Cost) -> dict[str, object]:
    facts = cost.facts
    row: dict[str, object] = {"dataset": name, "lines": facts["lines"], "rows to keep": facts["rows"], "files": facts["files"]}
    row |= {"MB written": facts["bytes"] / 1e6, "wall s": cost.wall, "CPU s": cost.cpu, "peak MB": cost.peak_mb, "limit s": f"{MOST}"}
    return row | {"wall µs/event": cost.wall / events * 1e6}


if __name__ == "__main__":
    main()
