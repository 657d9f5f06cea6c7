"""What one event is in schema version 1 and in schema version 2: the same rows."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from commerce_lines import DATASET, FIRST, RETAIL, SECOND, run
from dataset_lines import Record, changed, fates
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engines.kernel.dedupe import deduplicate

CONTENT = [c for c in DATASET.contract.content_columns if c != "record_version"]
_RENAMED = {"timestamp": "event_time", "merchant_id": "tenant_id", "user": "customer", "item": "product"}
_LINE = {"product_id": "sku", "name": "name", "qty": "quantity", "price": "unit_price"}


def retold(first: Record) -> Record:
    """A record of version 1 in version 2, by hand."""
    second: Record = {"schema_version": 2}
    for name, value in copy.deepcopy(first).items():
        if name == "item":
            second["product"] = {_LINE[k]: v for k, v in value.items()}
        elif name == "model_scores":
            second["ml_context"] = {"model_scores": value}
        elif name == "order":
            items = value.pop("items", None)
            second["order"] = value | ({"lines": [{_LINE[k]: v for k, v in one.items()} for one in items]} if items is not None else {})
        elif name != "schema_version":
            second[_RENAMED.get(name, name)] = value
    return second


def test_the_records_of_these_tests_are_one_event() -> None:
    assert retold(FIRST) == SECOND


ITEM = st.fixed_dictionaries(
    {"product_id": st.sampled_from(["A", "B"]), "qty": st.integers(-3, 9), "price": st.sampled_from(["1", "2.555", "free"])},
    optional={"name": st.sampled_from(["Cup", "Löffel"])},
)
RECORDS = st.fixed_dictionaries(
    {
        "schema_version": st.just(1),
        "event_id": st.just("e1"),
        "event_type": st.sampled_from(["page_view", "order_placed", "order_cancelled", "cart_item_added"]),
        "timestamp": st.just("2026-11-20T10:00:00Z"),
        "merchant_id": st.just("m"),
    },
    optional={
        "user": st.fixed_dictionaries({}, optional={"id": st.just("c"), "email": st.just("a@example.com")}),
        "item": ITEM,
        "order": st.fixed_dictionaries({"order_id": st.just("o"), "currency": st.just("EUR")}, optional={"items": st.lists(ITEM, max_size=3)}),
        "model_scores": st.fixed_dictionaries({}, optional={"fraud": st.floats(0, 2), "churn": st.just(0.5)}),
        "processing_flags": st.lists(st.sampled_from(["pii_contains", "x"]), max_size=2),
        "more": st.just(1),
    },
)


@settings(max_examples=50)
@given(RECORDS)
def test_an_event_is_the_same_rows_in_both_versions(first: dict[str, Any]) -> None:
    one, other = run(first), run(retold(first))
    assert one.rows.select(CONTENT).equals(other.rows.select(CONTENT))
    assert fates(one) == fates(other)
    assert set(one.rows["record_version"]) <= {1}
    assert set(other.rows["record_version"]) <= {2}


def test_of_an_event_told_in_both_versions_the_newer_telling_is_kept() -> None:
    for records in ((FIRST, SECOND), (SECOND, FIRST)):
        kept = deduplicate(run(*records).rows, DATASET.contract)
        assert kept.kept["record_version"].to_list() == [2, 2]
        assert sum(kept.duplicates.values()) == 2


def test_records_of_all_versions_and_of_none_stand_side_by_side() -> None:
    page = changed(FIRST, {"event_id": "e2", "event_type": "page_view", "order": None})
    result = run(SECOND, page, RETAIL, changed(SECOND, {"event_id": "e3", "schema_version": 9}), changed(FIRST, {"event_id": "e4"}))
    assert result.rows.select("_line", "record_version").rows() == [(1, 2), (1, 2), (2, 1), (3, None), (5, 1), (5, 1)]
    assert fates(result) == [(4, "unknown_version", "record_version")]


@pytest.mark.parametrize("path", ["event_time", "tenant_id", "customer", "product", "ml_context"])
def test_a_field_of_version_2_in_a_record_of_version_1_is_not_believed(path: str) -> None:
    """A record of version 1 that carries one is read by the layout that it says it has."""
    value: Any = {"event_time": "2026-11-20T11:00:00Z", "tenant_id": "other"}.get(path, {})
    result = run(changed(FIRST, {path: value}))
    assert result.rows.select("tenant", "customer_id", "stock_code").rows() == [("merchant_7", "c1", "A"), ("merchant_7", "c1", "B")]
