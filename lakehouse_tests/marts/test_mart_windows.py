"""The models of declared windows are those that are committed, and their SQL tells what the declaration says."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import duckdb
import pytest

from lakehouse.contracts.windows import EventWindows, Measure
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.marts.windows import window_models

AGAIN = "Write it anew with: python -m lakehouse.marts.generate"
MODELS = [(path, text) for dataset in all_datasets() for path, text in window_models(dataset)]
MINUTE = dt.timedelta(minutes=1)
DATASET = replace(
    find_dataset("workspace_audit"),
    windows=(
        EventWindows(
            "slides", 3 * MINUTE, ("event_name",),
            (Measure("n"), Measure("quoted", where=("event_name", "it's")), Measure("bytes", "sum", "num_response_bytes"),
             Measure("most", "max", "num_response_bytes"), Measure("least", "min", "num_response_bytes")),
            only=("event_name", ("it's", "b")), every=MINUTE, panes="pieces",
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize(("path", "text"), MODELS, ids=lambda value: getattr(value, "stem", ""))
def test_the_committed_models_are_those_of_the_declarations(path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, AGAIN


def told(rows: list[tuple[str, str, int | None]], first: str, last: str) -> dict[str, list[tuple[object, ...]]]:
    """What the models say of (time, name, bytes), for the mart dates from `first` to `last`."""
    with duckdb.connect() as con:
        con.execute("CREATE TABLE clean (event_date date, event_time timestamp, event_name varchar, num_response_bytes bigint)")
        con.executemany("INSERT INTO clean VALUES (CAST(? AS timestamp)::date, ?, ?, ?)", [(at, at, name, size) for at, name, size in rows])
        for path, text in window_models(DATASET):
            ranges = {
                "{{ in_mart_dates('event_date') }}": "true", "{{ in_mart_dates() }}": f"mart_date BETWEEN date '{first}' AND date '{last}'",
                "{{ in_mart_dates(before=1) }}": f"mart_date BETWEEN date '{first}' - 1 AND date '{last}'",
                "{{ source('workspace_audit', 'clean') }}": "clean", "{{ ref('pieces') }}": "pieces",
            }  # fmt: skip
            sql = text
            for written, meant in ranges.items():
                sql = sql.replace(written, meant)
            con.execute(f"CREATE TABLE {path.stem} AS {sql}")
        return {name: con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in ("pieces", "slides")}


def at(day: int, time: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-03-{day:02d} {time}")


def test_a_window_counts_what_counts_and_sums_what_is_there() -> None:
    rows = [("2026-03-02 12:00:10", "it's", 5), ("2026-03-02 12:00:59.999999", "it's", None), ("2026-03-02 12:01:00", "it's", 2),
            ("2026-03-02 12:00:00", "c", 9)]  # fmt: skip
    found = told([*rows, ("2026-03-02 12:00:00", "b", None)], "2026-03-01", "2026-03-03")
    day = dt.date(2026, 3, 2)
    assert found["pieces"] == [
        (day, at(2, "12:00"), "b", 1, 0, None, None, None),
        (day, at(2, "12:00"), "it's", 2, 2, 5, 5, 5),
        (day, at(2, "12:01"), "it's", 1, 1, 2, 2, 2),
    ]
    assert [row[1:] for row in found["slides"] if row[2] == "it's"] == [
        (at(2, "11:58"), "it's", 2, 2, 5, 5, 5),
        (at(2, "11:59"), "it's", 3, 3, 7, 5, 2),
        (at(2, "12:00"), "it's", 3, 3, 7, 5, 2),
        (at(2, "12:01"), "it's", 1, 1, 2, 2, 2),
    ]


@pytest.mark.parametrize(
    ("first", "last", "starts"),
    [
        (2, 2, ["23:56", "23:57"]),  # those whose last instant is of the second
        (3, 3, ["23:58"]),
        (2, 3, ["23:56", "23:57", "23:58"]),
        (4, 4, []),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_of_its_last_instant(first: int, last: int, starts: list[str]) -> None:
    found = told([("2026-03-02 23:58:30", "b", 1)], f"2026-03-{first:02d}", f"2026-03-{last:02d}")
    assert [row[1] for row in found["slides"]] == [at(2, start) for start in starts]
