"""One declaration, two ways to run it: row by row as a stream, and by SQL in batch. Their final numbers are equal."""

from __future__ import annotations

import datetime as dt

import pytest
from logistics_lakes import DAYS, START, LogisticsLake
from window_stream import Stream

from lakehouse.contracts.windows import EventWindows
from lakehouse.datasets.logistics.contract import CONTRACT
from lakehouse.datasets.logistics.windows import DAILY, KPIS, THROUGHPUT, WINDOWS


def batch(lake: LogisticsLake, windows: EventWindows) -> dict[tuple[dt.datetime, tuple[object, ...]], tuple[object, ...]]:
    """The published numbers of declared windows."""
    found = lake.mart(f"SELECT * FROM {windows.name}")
    return {
        (row["window_start"].replace(tzinfo=dt.UTC), tuple(row[k] for k in windows.keys)): tuple(row[m.name] for m in windows.measures)
        for row in found.iter_rows(named=True)
    }


@pytest.mark.parametrize("windows", [*WINDOWS, THROUGHPUT.pieces], ids=lambda w: w.name)
@pytest.mark.parametrize("with_late", [False, True], ids=["held", "released"])
def test_the_stream_ends_with_the_numbers_of_batch(windows: EventWindows, with_late: bool, built: LogisticsLake, released: LogisticsLake) -> None:
    lake = released if with_late else built
    rows = lake.rows().filter(feed="events").sort("ingest_time", "event_id")
    stream = Stream(windows)
    found = stream.run(rows.iter_rows(named=True))
    assert all(stream.firings[kind] > 0 for kind in ("early", "on_time", "late"))
    end = dt.datetime.combine(START, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=DAYS)
    # A window belongs to the date of its last instant: those that end after the last day are not over.
    assert {place: numbers for place, numbers in found.items() if place[0] + windows.size <= end} == batch(lake, windows)


def test_what_is_held_is_in_no_window_until_it_is_released(built: LogisticsLake, released: LogisticsLake) -> None:
    sums = "SELECT sum(events) FROM logistics_kpis_daily"
    before, after = (lake.mart(sums).item() for lake in (built, released))
    assert before == built.rows().filter(feed="events").height
    assert after == released.rows().filter(feed="events").height > before


def test_the_declarations_fit_the_contract() -> None:
    for windows in WINDOWS:
        windows.check(CONTRACT)
    assert (KPIS.slides, THROUGHPUT.slides, DAILY.slides) == (False, True, False)
