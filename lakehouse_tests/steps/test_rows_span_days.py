"""A record whose rows lie on several days stays whole: its rows are where its line is."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
from build_lakes import DAY, BuildLake, event

from lakehouse.contracts.model import Contract
from lakehouse.datasets.model import Records
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps.build import stale_days
from lakehouse.tables.views import clean_version

NEXT = DAY + dt.timedelta(days=1)
TWO = {"events": [{"name": "activity"}, {"name": "revoke"}]}


@pytest.fixture
def spanning(made: BuildLake) -> BuildLake:
    """The second event of a record is of the day after it."""
    transform = made.dataset.transform

    def two_days(records: Records, contract: Contract) -> pl.DataFrame:
        return transform(records, contract).with_columns(pl.col("event_time") + pl.duration(days=pl.col("event_index")))

    made.dataset = replace(made.dataset, transform=two_days, contract=replace(made.dataset.contract, rows_span_days=True))
    return made


def test_a_row_of_another_day_is_kept_under_the_day_of_its_record(spanning: BuildLake) -> None:
    spanning.land(event(3, 1, **TWO), event(4, 2))
    report = spanning.build()
    assert (report.committed, report.books.kept, report.books.quarantined) == (True, 3, 0)
    files = clean_version(spanning.lake, spanning.dataset.contract).files
    rows = pl.read_parquet(list(files), hive_partitioning=True, try_parse_hive_dates=True).sort("event_time")
    assert rows.select(pl.col("event_time").dt.date(), "event_date").rows() == [(DAY, DAY), (DAY, DAY), (NEXT, DAY)]
    check = next(c for c in report.checks if c.name == "event_time_in_partition")
    assert (check.passed, check.metadata) == (True, {"files_outside": 0})
    assert [c.name for c in report.checks if not c.passed and c.severity == "error"] == []
    assert reconcile(spanning.lake, spanning.dataset).closes
    assert stale_days(spanning.lake, spanning.dataset) == []


def test_without_the_word_of_the_contract_such_a_row_is_misrouted(spanning: BuildLake) -> None:
    spanning.dataset = replace(spanning.dataset, contract=replace(spanning.dataset.contract, rows_span_days=False))
    spanning.land(event(3, 1, **TWO), event(4, 2))
    report = spanning.build()
    assert (report.books.kept, report.books.quarantined) == (2, 1)
