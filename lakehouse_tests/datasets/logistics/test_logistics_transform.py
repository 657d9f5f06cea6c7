"""Records of the three feeds to rows, case by case."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dataset_lines import KEY, assert_refused, assert_rows, changed, table_of
from logistics_lines import CREATED, DATASET, FIRST, FLIGHT, ORDER, POSITION, SCAN, SECOND, START, run

from lakehouse.datasets.logistics.transform import transform
from lakehouse.datasets.model import Records
from lakehouse.engines.kernel.dedupe import deduplicate
from lakehouse.engines.kernel.tokens import token

CASES = Path(__file__).parent / "cases"
ROWS = json.loads((CASES / "rows.json").read_text())
REFUSED = json.loads((CASES / "refused.json").read_text())


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c["name"])
def test_rows(case: dict[str, Any]) -> None:
    assert_rows(case, run(changed(START[case["of"]], case["change"])))


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c["name"])
def test_refused(case: dict[str, Any]) -> None:
    assert_refused(case, run(changed(START[case["of"]], case["change"])))


def test_one_bad_time_of_an_order_refuses_that_step_alone() -> None:
    result = run(changed(ORDER, {"order_delivered_carrier_date": "soon"}))
    assert result.rows["status"].to_list() == ["created", "approved", "delivered"]
    assert result.quarantine.select("row", "rule", "field").rows() == [(2, "time_unreadable", "event_time")]


def test_lines_of_all_feeds_in_one_block_stay_in_their_order() -> None:
    result = run(SECOND, ORDER, FLIGHT, FIRST, ORDER, POSITION)
    assert result.rows["_line"].to_list() == [1, *[2] * 4, 3, 4, *[5] * 4, 6]
    assert result.rows.group_by("_line", maintain_order=True).agg(pl.col("feed").first())["feed"].to_list() == [
        "events", "olist", "flights", "events", "olist", "events",
    ]  # fmt: skip


def test_a_step_is_told_once_whatever_the_id_and_version_of_its_event() -> None:
    """The newest version is kept: it says more."""
    result = run(
        FIRST, changed(FIRST, {"event_id": "e2"}), changed(SECOND, {"event_id": "e3"}), changed(SECOND, {"event_time": "2026-11-20T11:00:00Z"})
    )
    kept = deduplicate(result.rows, DATASET.contract).kept
    assert kept.select("event_id", "carrier_service").rows() == [("e3", "express"), ("e1", "express")]


def test_a_scan_is_told_once_per_id_and_time() -> None:
    result = run(SCAN, SCAN, changed(SCAN, {"event_time": "2026-11-20T10:00:01Z"}), changed(SCAN, {"event_id": "e2"}))
    assert deduplicate(result.rows, DATASET.contract).kept.height == 3


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_exports_the_one_that_tells_more_is_kept_whatever_came_first(turned: bool) -> None:
    early = changed(ORDER, {"order_status": "shipped", "order_delivered_customer_date": ""})
    result = run(*((ORDER, early) if turned else (early, ORDER)))
    found = deduplicate(result.rows, DATASET.contract)
    assert found.kept.height == 4
    assert set(found.kept["order_status"]) == {"delivered"}
    assert found.key_conflicts == 3


def test_a_person_is_the_same_token_however_phone_and_address_are_written() -> None:
    rows = run(FIRST, SECOND).rows
    assert rows["driver_phone"].unique().to_list() == [token("+49170550001", KEY)]
    assert rows["driver_email"].unique().to_list() == [token("ada@example.com", KEY)]
    assert rows["driver_id"].unique().to_list() == ["D1"]


@pytest.mark.parametrize(
    ("record", "hours", "held"),
    [
        (FIRST, 71, 0), (FIRST, 73, 1), (CREATED, 23, 0), (CREATED, 25, 1), (SCAN, 23, 0), (SCAN, 25, 1), (POSITION, 1.9, 0), (POSITION, 2.1, 1),
    ],
)  # fmt: skip
def test_how_late_an_event_may_be_goes_by_its_type(record: dict[str, Any], hours: float, held: int) -> None:
    came = dt.datetime.fromisoformat(record["event_time"]) + dt.timedelta(hours=hours)
    result = run(changed(record, {"ingest_time": came.isoformat()}))
    assert (result.books.held, result.books.kept) == (held, 1 - held)


def test_exports_of_what_is_long_over_are_never_late() -> None:
    assert run(changed(ORDER, {"order_purchase_timestamp": "2016-01-01 00:00:00"}), changed(FLIGHT, {"FlightDate": "2014-01-01"})).books.held == 0


def test_an_empty_block_has_all_columns() -> None:
    rows = transform(Records(table_of(DATASET), lambda _: b"", {}), DATASET.contract)
    assert rows.height == 0
    assert {c.name for c in DATASET.contract.columns} <= set(rows.columns)
