"""Records of both feeds to rows, case by case."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from commerce_lines import DATASET, FIRST, RETAIL, SECOND, START, run
from dataset_lines import KEY, assert_refused, assert_rows, changed, table_of

from lakehouse.datasets.commerce.transform import transform
from lakehouse.datasets.model import Records
from lakehouse.engines.kernel.tokens import token

CASES = Path(__file__).parent / "cases"
ROWS = json.loads((CASES / "rows.json").read_text())
REFUSED = json.loads((CASES / "refused.json").read_text())


@pytest.mark.parametrize("case", ROWS, ids=lambda c: c["name"])
def test_rows(case: dict[str, Any]) -> None:
    assert_rows(case, run(changed(START[case["of"]], case["change"])), "line_index")


@pytest.mark.parametrize("case", REFUSED, ids=lambda c: c["name"])
def test_refused(case: dict[str, Any]) -> None:
    assert_refused(case, run(changed(START[case["of"]], case["change"])))


def test_one_bad_line_of_an_order_leaves_the_others_in_their_places() -> None:
    lines = [
        {"sku": "A", "quantity": 1, "unit_price": "1"},
        {"sku": "B", "quantity": 1, "unit_price": "free"},
        {"sku": "C", "quantity": 1, "unit_price": "2"},
    ]
    result = run(changed(SECOND, {"order.lines": lines}))
    assert result.rows.select("line_index", "stock_code", "line_count").rows() == [(0, "A", 3), (2, "C", 3)]
    assert result.quarantine.select("row", "rule").rows() == [(1, "not_a_decimal")]


def test_lines_of_both_feeds_in_one_block_stay_in_their_order() -> None:
    page = changed(SECOND, {"event_id": "e2", "event_type": "page_view", "order": None})
    result = run(SECOND, RETAIL, page, changed(FIRST, {"event_id": "e3"}), RETAIL)
    assert result.rows.select("_line", "line_index", "feed").rows() == [
        (1, 0, "events"), (1, 1, "events"), (2, 0, "retail"), (3, 0, "events"), (4, 0, "events"), (4, 1, "events"), (5, 0, "retail"),
    ]  # fmt: skip


def test_a_customer_is_the_same_token_however_the_address_is_written() -> None:
    rows = run(SECOND, changed(SECOND, {"event_id": "e2", "customer.email": " ada@example.COM "})).rows
    assert rows["customer_email"].n_unique() == 1
    assert rows["customer_email"][0] == token("ada@example.com", KEY)


def hashes(*records: dict[str, Any]) -> list[str]:
    return run(*records).rows.sort("_line")["event_id"].to_list()


def test_rows_are_told_apart_by_every_one_of_their_texts_and_by_nothing_else() -> None:
    others = [
        changed(RETAIL, {name: value})
        for name, value in {
            "InvoiceNo": "536366", "StockCode": "85123B", "Description": "White hanging heart", "Quantity": "7", "InvoiceDate": "2026-11-20 08:27:00",
            "UnitPrice": "2.5550", "CustomerID": "17850", "Country": "EIRE",
        }.items()
    ]  # fmt: skip
    found = hashes(RETAIL, dict(reversed(RETAIL.items())), *others)
    assert found[0] == found[1]
    assert len(set(found)) == 9
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in found)
    assert hashes(*others, RETAIL)[-1] == found[0], "a hash is the same whatever stands beside its row"


def test_a_text_that_moved_to_the_next_column_makes_another_row() -> None:
    assert (
        len(set(hashes(changed(RETAIL, {"StockCode": "85", "Description": "123A"}), changed(RETAIL, {"StockCode": "85123", "Description": "A"}))))
        == 2
    )


def test_identical_rows_of_a_file_differ_in_their_number_alone() -> None:
    records = Records(table_of(DATASET, RETAIL, RETAIL, SECOND, RETAIL), lambda _: b"", {}, np.array([1, 2, 5, 3]))
    rows = transform(records, DATASET.contract)
    assert rows.select("_record", "repeat").rows() == [(0, 1), (1, 2), (2, 1), (2, 1), (3, 3)], "events have an id: a repeated one is a duplicate"
    assert rows.filter(feed="retail").drop("_record", "repeat").n_unique() == 1
    assert rows.select(DATASET.contract.key).n_unique() == rows.height


def test_an_empty_block_has_all_columns() -> None:
    rows = transform(Records(table_of(DATASET), lambda _: b"", {}), DATASET.contract)
    assert rows.height == 0
    assert {c.name for c in DATASET.contract.columns} <= set(rows.columns)


def test_a_float_never_touches_money() -> None:
    """0.1 + 0.2 in floats is 0.30000000000000004."""
    lines = [{"sku": str(n), "quantity": 1, "unit_price": price} for n, price in enumerate(["0.1", "0.2", 0.1, 0.2])]
    rows = run(changed(SECOND, {"order.lines": lines})).rows
    assert rows["amount"].dtype == pl.Decimal(28, 3)
    assert rows["amount"].sum() == Decimal("0.600")
