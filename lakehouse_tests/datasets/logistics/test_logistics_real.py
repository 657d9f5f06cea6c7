"""Three exports of a shop's orders and a month of flights as they were recorded: every figure that came with them is told by the marts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from dataset_lakes import KEY, REAL
from logistics_lakes import LogisticsLake

from lakehouse.accounts.books import Books
from lakehouse.operations.reconciliation import reconcile
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps.publish import publish_marts

FILES = REAL / "logistics"
CLOCK = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FILES.is_dir(), reason=f"no recorded orders and flights at {FILES}")]


def files() -> list[Path]:
    """The orders and the flights; customers, items and sellers tell of no step."""
    return [*sorted(FILES.glob("olist/*/olist_orders_dataset*")), *sorted(FILES.glob("flights/*.jsonl*"))]


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REAL / "EXPECTED.json").read_bytes())[name]
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> LogisticsLake:
    """Everything that was recorded, published."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        made = LogisticsLake.make(tmp_path_factory.mktemp("real") / "lake", dt.date(2013, 1, 1), CLOCK)
        made.ingest(*files())
        books = made.build()
        assert books == Books(lines=22_951, records=22_951, rows=57_463, duplicate=5_006, kept=52_457)
        publish_marts(made.lake, made.dataset)
    return made


def test_every_figure_of_the_orders_comes_out(real: LogisticsLake) -> None:
    wanted = expected("logistics_olist_three_exports")
    assert real.mart("SELECT sum(lines) FROM logistics_files WHERE feed = 'olist'").item() == wanted["input_rows"]
    names = {
        "orders": "sum(shipments)", "events": "sum(events)", "delivered_with_date": "sum(delivered)", "late_by_timestamp": "sum(late_by_timestamp)",
        "late_by_day": "sum(late_by_day)",
    }  # fmt: skip
    told = real.mart(f"SELECT {', '.join(names.values())} FROM logistics_shipments_daily WHERE feed = 'olist'").row(0)
    assert dict(zip(names, told, strict=True)) == {name: wanted[name] for name in names}
    overview = real.mart(
        "SELECT lines, shipments, status_events, delivered, late_by_timestamp, late_by_day FROM logistics_overview WHERE feed = 'olist'"
    )
    assert overview.row(0) == tuple(wanted[name] for name in ("input_rows", *names))
    told = real.mart("SELECT round(on_time_rate_by_day, 6), round(mean_days_to_deliver, 5) FROM logistics_overview WHERE feed = 'olist'").row(0)
    assert told == (wanted["on_time_rate_by_day"], wanted["avg_days_purchase_to_delivery"])
    rate, days = real.mart(
        "SELECT 1 - sum(late_by_day) / sum(judged), sum(seconds_to_deliver) / 86400 / sum(delivered) "
        "FROM logistics_shipments_daily WHERE feed = 'olist'"
    ).row(0)
    assert (round(rate, 6), round(days, 5)) == (wanted["on_time_rate_by_day"], wanted["avg_days_purchase_to_delivery"])
    assert dict(real.mart("SELECT status, sum(shipments)::int FROM logistics_statuses GROUP BY ALL").iter_rows()) == wanted["status"]


def test_steps_out_of_order_are_kept_and_reported(real: LogisticsLake) -> None:
    wanted = expected("logistics_olist_three_exports")
    found = dict(real.mart("SELECT code, sum(shipments)::int FROM logistics_exceptions WHERE kind = 'step_order' GROUP BY ALL").iter_rows())
    assert found["approved_after_picked_up"] == wanted["anomaly_approved_after_carrier"]
    assert found["picked_up_after_delivered"] == wanted["anomaly_carrier_after_customer"]
    assert found["created_after_picked_up"] == wanted["anomaly_purchase_after_carrier"]


def test_every_figure_of_the_flights_comes_out(real: LogisticsLake) -> None:
    wanted = expected("logistics_flights_2014_01")
    told = real.mart("SELECT sum(flights)::int, count(DISTINCT carrier_code), count(DISTINCT origin) FROM logistics_flights").row(0)
    assert told == (wanted["rows"], wanted["carriers"], wanted["origins"])
    assert real.mart("SELECT lines FROM logistics_overview WHERE feed = 'flights'").item() == wanted["rows"]


def test_the_books_close_and_a_second_run_changes_nothing(real: LogisticsLake) -> None:
    assert reconcile(real.lake, real.dataset).closes
    assert real.ingest(*files()).manifests == ()
    assert real.build() == Books()
    assert publish_marts(real.lake, real.dataset).skipped


def test_the_files_in_another_order_and_in_groups_give_the_same_rows(real: LogisticsLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    other = LogisticsLake.make(tmp_path / "other", dt.date(2013, 1, 1), CLOCK).fill_in_any_order(files(), seed=1, largest=10)
    assert other.books() == real.books()
    assert other.content_of_many() == real.content_of_many()
    assert other.rows()["feed"].n_unique() == 2
