"""What the marts of `commerce` say of cancellations without a price or a currency: what is unknown is not 0, and not of the currency of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from commerce_lakes import CommerceLake

pytestmark = pytest.mark.usefixtures("token_key_of_the_module")
PRICED = {"sku": "A", "name": "Cup", "quantity": 2, "unit_price": "1.255"}
PRICELESS = {"sku": "A", "name": "Cup", "quantity": 2}


def event(number: int, tenant: str, kind: str, day: int, line: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """An order or its cancellation, of one line."""
    order = {"order_id": "o1", "lines": [line], **({"currency": currency} if currency is not None else {})}
    return {
        "schema_version": 2, "event_id": str(number), "event_type": kind, "event_time": f"2026-11-{day}T10:00:00Z", "tenant_id": tenant,
        "session_id": "s1", "customer": {"id": "c1"}, "order": order,
    }  # fmt: skip


EVENTS = [
    event(1, "priceless", "order_placed", 16, PRICED, "EUR"),
    event(2, "priceless", "order_cancelled", 17, PRICELESS, "EUR"),
    event(3, "stateless", "order_placed", 16, PRICED, "EUR"),
    event(4, "stateless", "order_cancelled", 17, PRICED, None),
    event(5, "both", "order_placed", 16, PRICED, "EUR"),
    event(6, "both", "order_cancelled", 17, PRICELESS, None),
    event(7, "later", "order_placed", 18, PRICED, "EUR"),  # so that the day before is over
]


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of these orders."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "shops.jsonl").write_text("".join(json.dumps(one) + "\n" for one in EVENTS))
    made = CommerceLake.make(folder / "lake")
    made.ingest(folder / "shops.jsonl")
    assert made.build().kept == len(EVENTS)
    made.publish()
    with made.marts() as con:
        yield con


def test_a_day_of_cancellations_without_a_price_has_no_known_revenue(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute(
        "SELECT mart_date::VARCHAR, revenue, distinct_revenue, sold, cancelled, adjusted FROM commerce_revenue WHERE tenant = 'priceless' ORDER BY 1"
    )
    paid, nothing = Decimal("2.510"), Decimal(0)
    assert found.fetchall() == [("2026-11-16", paid, paid, paid, nothing, nothing), ("2026-11-17", None, None, nothing, None, nothing)]
    of_links = marts.execute("SELECT link, lines, amount FROM commerce_cancellation_links WHERE tenant = 'priceless'").fetchall()
    assert of_links == [("by_order", 1, None)]


def test_what_is_known_of_a_customer_is_told_without_what_is_not(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute("SELECT currency, sold, cancelled, revenue FROM commerce_customers WHERE tenant = 'priceless'").fetchall()
    assert found == [("EUR", Decimal("2.510"), None, Decimal("2.510"))]


def test_an_amount_without_a_currency_is_not_added_to_those_of_another(marts: duckdb.DuckDBPyConnection) -> None:
    found = marts.execute("SELECT tenant, currencies, revenue, distinct_revenue FROM commerce_overview WHERE tenant <> 'later' ORDER BY 1").fetchall()
    paid = Decimal("2.510")
    assert found == [("both", 1, paid, paid), ("priceless", 1, paid, paid), ("stateless", 1, None, None)]
