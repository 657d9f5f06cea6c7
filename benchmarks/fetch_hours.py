"""Fetch a stretch of time into a lake and report the cost. Started by the benchmarks, one process each."""

from __future__ import annotations

import argparse
import datetime as dt

import measure
import requests  # noqa: F401  imported before the clock starts

from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import open_lake
from lakehouse.sources.reports_api import open_source
from lakehouse.steps.fetch import fetch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("start", type=dt.datetime.fromisoformat)
    parser.add_argument("end", type=dt.datetime.fromisoformat)
    told = parser.parse_args()
    lake, dataset = open_lake(told.lake), find_dataset("workspace_audit")
    source = open_source(lake, dataset)
    meter = measure.Meter()
    report = fetch(lake, dataset, told.start, told.end, source=source)
    report.raise_for_errors()
    books = report.books
    pages = [m.http["pages"] for m in report.manifests]
    measure.report(meter.cost(pages=pages, read=books.read, landed=books.placed + books.unplaced, re_read=books.re_read))


if __name__ == "__main__":
    main()
