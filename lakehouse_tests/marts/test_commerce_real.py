"""The recorded invoices through the published marts: every figure that came with them, books that close, and any order of the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commerce_lakes import CommerceLake
from dataset_lakes import REAL, assert_closed_and_settled, files_of

INVOICES = REAL / "commerce" / "online_retail"
pytestmark = pytest.mark.usefixtures("token_key_of_the_module")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> CommerceLake:
    """All recorded invoices, published."""
    if not INVOICES.is_dir():
        pytest.skip(f"no recorded invoices at {INVOICES}")
    made = CommerceLake.make(tmp_path_factory.mktemp("recorded"))
    made.ingest(INVOICES)
    made.build()
    made.publish()
    return made


@pytest.mark.slow
def test_the_figures_of_the_recorded_invoices_come_out_of_the_marts(recorded: CommerceLake) -> None:
    figures = json.loads((REAL / "EXPECTED.json").read_bytes())["commerce_online_retail_to_2011_10"]
    with recorded.marts() as con:

        def one(sql: str) -> Any:
            return con.execute(sql).fetchall()[0][0]

        found = {
            "files": one("SELECT count(DISTINCT fetch_id) FROM commerce_tenant_files"),
            "rows": one('SELECT sum("rows") FROM commerce_hourly_activity'),
            "distinct_rows": one("SELECT sum(distinct_lines) FROM commerce_revenue"),
            "invoices": one("SELECT sum(invoices) FROM commerce_revenue"),
            "gross_all": str(one("SELECT sum(revenue) FROM commerce_revenue")),
            "gross_distinct": str(one("SELECT sum(distinct_revenue) FROM commerce_revenue")),
            "cancel_lines": one("SELECT sum(cancel_lines) FROM commerce_revenue"),
            "null_customer": one("SELECT sum(lines_without_customer) FROM commerce_revenue"),
            "countries": one("SELECT count(DISTINCT tenant) FROM commerce_revenue"),
        }
        overview = con.execute(
            "SELECT sum(lines), sum(distinct_lines), sum(cancel_lines), sum(lines_without_customer), count(*), sum(revenue)::varchar, "
            "sum(distinct_revenue)::varchar FROM commerce_overview"
        ).fetchall()
    assert found == figures
    names = ("rows", "distinct_rows", "cancel_lines", "null_customer", "countries", "gross_all", "gross_distinct")
    assert overview == [tuple(figures[name] for name in names)], "the last day counts too"
    books = recorded.books()
    assert books.balanced()
    assert (books.kept, books.duplicate, books.quarantined) == (figures["rows"], 0, 0)


@pytest.mark.slow
def test_recorded_cancellations_lead_to_what_they_cancel(recorded: CommerceLake) -> None:
    with recorded.marts() as con:
        links = dict(con.execute("SELECT link, sum(lines) FROM commerce_cancellation_links GROUP BY 1").fetchall())
        last = con.execute("SELECT sum(cancel_lines) FROM commerce_revenue WHERE mart_date = '2011-10-31'").fetchall()[0][0]
        early = con.execute("SELECT count(*) FROM commerce_cancellations WHERE cancelled_at > event_at OR cancelled_quantity < -quantity").fetchall()
        shared = con.execute("SELECT max(found_by) FROM commerce_cancellations WHERE cancelled_pieces IS NOT NULL").fetchall()[0][0]
    assert links == {"same_quantity": 2_387, "greater_quantity": 3_772, "nothing_left": 38, "nothing_earlier": 1_286, "no_customer": 355}
    assert sum(links.values()) == 7_852 - last, "the last day is not over"
    assert early == [(0,)]
    assert shared > 1, "parts of a line are cancelled one after the other; the tests of the mart say that they are no more than it"


@pytest.mark.slow
def test_the_books_of_the_recorded_invoices_close_and_the_same_files_again_change_nothing(recorded: CommerceLake) -> None:
    assert_closed_and_settled(recorded, INVOICES)


@pytest.mark.slow
def test_recorded_invoices_in_any_order_and_any_groups_are_the_same_rows(recorded: CommerceLake, tmp_path: Path) -> None:
    other = CommerceLake.make(tmp_path / "other").fill_in_any_order(files_of(INVOICES), seed=3, largest=20)
    assert other.books() == recorded.books()
    assert other.content_of_many() == recorded.content_of_many()
