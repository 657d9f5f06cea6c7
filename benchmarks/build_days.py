"""Build the days of a lake and report the cost. Started by the benchmarks, one process each."""

from __future__ import annotations

import argparse
import datetime as dt

import measure

from lakehouse.datasets.registry import find_dataset  # isort: skip  as in every process of ours, before the libraries that have threads
import pandera.polars  # noqa: F401  imported before the clock starts, as the libraries of the yardsticks are

from lakehouse.engines import polars_engine  # noqa: F401
from lakehouse.settings import open_lake
from lakehouse.steps.build import build_days


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("days", nargs="+", type=dt.date.fromisoformat)
    parser.add_argument("--dataset", default="workspace_audit")
    told = parser.parse_args()
    lake, dataset = open_lake(told.lake), find_dataset(told.dataset)
    meter = measure.Meter()
    with build_days(lake, dataset, told.days) as builds:
        reports = [build() for build in builds]
    books = [r.books for r in reports]
    facts = {
        "lines": sum(b.lines for b in books),
        "kept": sum(b.kept for b in books),
        "quarantined": sum(b.quarantined + b.unreadable for b in books),
        "rebuilt": sum(len(r.rebuilt) for r in reports),
        "reused": sum(r.reused for r in reports),
        "balanced": all(b.balanced() for b in books),
    }
    measure.report(meter.cost(**facts))


if __name__ == "__main__":
    main()
