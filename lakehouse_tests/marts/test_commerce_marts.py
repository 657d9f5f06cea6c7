"""What the marts of `commerce` say: of a few files by hand, of a sample by its truth, of recorded invoices by the figures that came with them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from commerce_lakes import CLOCK, CommerceLake, table
from dataset_lakes import assert_explained
from shown_lakes import assert_assets_have_their_charts, assert_page_has_every_section, assert_row_leads_to_lines_of_files

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.commerce.generator import Arguments, generate
from lakehouse.landing.ledger import load_ledger
from lakehouse.marts.specs import MartSpec, mart_specs
from lakehouse.tables.views import committed_accounts

CASES = Path(__file__).parent / "cases"
EXPECTED = json.loads((CASES / "commerce_expected.json").read_text())
SPECS = mart_specs("commerce")
pytestmark = pytest.mark.usefixtures("token_key_of_the_module")
_SHARED_OUT = ("raw_bytes", "seconds", "share_of_bytes")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> CommerceLake:
    """The files of the cases, one of them a second time under another name; published."""
    made = CommerceLake.make(tmp_path_factory.mktemp("small"))
    made.ingest(CASES / "commerce" / "first", hours_ago=1)
    made.ingest(CASES / "commerce" / "late")
    made.build()
    made.publish()
    return made


@pytest.fixture(scope="module")
def marts(small: CommerceLake) -> Iterator[duckdb.DuckDBPyConnection]:
    with small.marts() as con:
        yield con


def plain(value: Any) -> Any:
    """A value as the case file writes it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        return round(value, 9)
    return value.isoformat() if isinstance(value, dt.date) else value


def ordered(rows: Any) -> list[list[Any]]:
    return sorted(([plain(v) for v in row] for row in rows), key=repr)


@pytest.mark.parametrize("case", EXPECTED, ids=lambda c: c["name"])
def test_value(case: dict[str, Any], marts: duckdb.DuckDBPyConnection) -> None:
    assert ordered(marts.execute(f"SELECT {case['columns']} FROM {case['mart']} WHERE {case['where']}").fetchall()) == ordered(case["rows"])


def test_every_mart_has_an_expected_value() -> None:
    assert {s.name for s in SPECS} - {c["mart"] for c in EXPECTED} == {"commerce_tenant_files"}, "that one is held against the accounts below"


def test_the_tenant_is_in_every_row_of_every_mart(marts: duckdb.DuckDBPyConnection) -> None:
    for spec in SPECS:
        assert marts.execute(f"SELECT count(*) FROM {spec.name} WHERE tenant IS NULL").fetchall() == [(0,)]
        assert "tenant" in spec.grain, spec.name


def test_what_a_day_cost_is_shared_out_to_the_last_byte_and_second(small: CommerceLake, marts: duckdb.DuckDBPyConnection) -> None:
    landed = sum(p.part.raw_bytes for parts in load_ledger(small.lake, "commerce").parts.values() for p in parts)
    accounts = committed_accounts(small.lake, small.dataset.contract).values()
    for mart in ("commerce_tenant_files", "commerce_tenant_costs"):
        found = marts.execute(f'SELECT sum(raw_bytes), sum(seconds), sum("rows") FROM {mart}').fetchall()[0]
        assert found[0] == pytest.approx(landed, rel=1e-9)
        assert found[1] == pytest.approx(sum(a.seconds for a in accounts), rel=1e-9)
        assert found[2] == sum(a.books.kept for a in accounts)


def test_a_file_is_shared_out_by_rows_and_its_copy_is_nobodys(small: CommerceLake, marts: duckdb.DuckDBPyConnection) -> None:
    told: dict[str, dict[str, float]] = {}
    for fetch, tenant, size in marts.execute(
        "SELECT fetch_id, tenant, raw_bytes FROM commerce_tenant_files WHERE mart_date = '2026-11-16'"
    ).fetchall():
        told.setdefault(fetch, {})[tenant] = size
    shops, original, copy = sorted(told.values(), key=lambda shares: ("(nobody)" in shares, "Germany" in shares))
    assert set(shops) == {"merchant_1", "merchant_2"}
    assert original["United Kingdom"] / original["Germany"] == pytest.approx(6, rel=1e-9)
    assert copy == {"(nobody)": pytest.approx(sum(original.values()), rel=1e-9)}


@pytest.fixture(scope="module")
def clean(small: CommerceLake) -> Iterator[duckdb.DuckDBPyConnection]:
    with small.views() as con:
        yield con


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
def test_every_row_is_explained_by_as_many_clean_rows_as_it_counts(spec: MartSpec, small: CommerceLake, marts, clean) -> None:
    assert spec.explain is not None
    assert_explained(spec, small, marts, clean)


@pytest.mark.parametrize("question", [q for s in SPECS for q in s.questions], ids=lambda q: q.ask)
def test_every_question_is_answered(question, marts) -> None:
    assert marts.execute(question.sql).fetchall()


def test_every_mart_answers_a_question() -> None:
    assert all(spec.questions for spec in SPECS)


@pytest.mark.parametrize(("mart", "where"), [("commerce_orders", (f"feed={feed}",)) for feed in ("events", "retail")])
def test_a_row_leads_to_the_lines_of_the_files(mart: str, where: tuple[str, ...], small: CommerceLake) -> None:
    assert_row_leads_to_lines_of_files(small, mart, *where)


def test_the_page_and_the_assets_show_every_picture(small: CommerceLake) -> None:
    assert_page_has_every_section(small)
    assert_assets_have_their_charts(small)


# --- a sample ---------------------------------------------------------------------------------------------------------

DAYS = 4
ARGUMENTS = Arguments(seed=11, start=CLOCK.date() - dt.timedelta(days=DAYS), days=DAYS, events=3_000, invoice_lines=1_500, merchants=4)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "commerce"
    generate(folder, ARGUMENTS)
    return folder


@pytest.fixture(scope="module")
def whole(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> CommerceLake:
    """A lake with all tenants of the sample, published twice: before the late files and after them."""
    made = CommerceLake.make(tmp_path_factory.mktemp("whole"))
    made.ingest(sample / "first", hours_ago=1)
    made.build()
    made.publish()
    made.ingest(sample / "late")
    made.build()
    made.publish()
    return made


def of_a_tenant(sample: Path, folder: Path, tenant: str) -> Path:
    """The files of the sample with the lines of one tenant only."""
    for file in sorted(sample.glob("*/*.*")):
        header, *rest = file.read_bytes().splitlines(keepends=True)
        mine = [line for line in ([header, *rest] if file.suffix == ".jsonl" else rest) if names(line, tenant)]
        place = folder / file.relative_to(sample)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join([header, *mine] if file.suffix == ".csv" else mine))
    return folder


def names(line: bytes, tenant: str) -> bool:
    """Whether a line of a file tells of a tenant."""
    return f'_id":"{tenant}"'.encode() in line or line.rstrip().endswith(f",{tenant}".encode())


@pytest.mark.slow
@pytest.mark.parametrize("tenant", ["merchant_2", "Germany"])
def test_the_marts_of_a_tenant_are_those_of_a_lake_that_holds_nobody_else(tenant: str, whole: CommerceLake, sample: Path, tmp_path: Path) -> None:
    alone = CommerceLake.make(tmp_path / "lake")
    alone.ingest(of_a_tenant(sample, tmp_path / "files", tenant))
    alone.build()
    alone.publish()
    with whole.marts() as all_tenants, alone.marts() as one:
        for spec in SPECS:
            # What a tenant costs, and up to which day all is in, depends on who shares its files.
            without = [c.name for c in spec.columns if c.name in (*_SHARED_OUT, "fetch_id", "complete_through")]
            mine = table(all_tenants, spec.name, f"tenant = '{tenant}'", without)
            assert mine == table(one, spec.name, "tenant <> '(nobody)'", without), spec.name
            assert mine or (spec.name == "commerce_conversion") == (tenant == "Germany"), spec.name


@pytest.mark.slow
def test_the_marts_of_a_sample_say_what_its_truth_says(whole: CommerceLake, sample: Path) -> None:
    tenants = SampleTruth.load(sample).facts["tenants"]
    with whole.marts() as con:
        rows = con.execute('SELECT tenant, sum("rows") FROM commerce_hourly_activity GROUP BY 1').fetchall()
        assert dict(rows) == {name: facts["rows"] for name, facts in tenants.items()}
        money = con.execute("SELECT tenant, sum(sold), -sum(cancelled), sum(cancel_lines) FROM commerce_revenue GROUP BY 1").fetchall()
        expected = {n: (Decimal(f["amount"]), Decimal(f["cancelled_amount"]), f["cancelled_rows"]) for n, f in tenants.items()}
        assert {name: tuple(values) for name, *values in money} == expected
        names = ("visits", "visits_with_product", "visits_with_cart", "visits_with_order")
        visits = con.execute(f"SELECT tenant, {', '.join(f'sum({name})' for name in names)} FROM commerce_conversion GROUP BY 1").fetchall()
        assert {name: tuple(values) for name, *values in visits} == {n: tuple(f[v] for v in names) for n, f in tenants.items() if "visits" in f}
        orders = con.execute("SELECT tenant, sum(orders) FROM commerce_orders WHERE feed = 'events' GROUP BY 1").fetchall()
        assert dict(orders) == {n: f["orders"] for n, f in tenants.items() if "orders" in f}


@pytest.mark.slow
def test_days_built_one_after_the_other_are_the_marts_built_at_once(whole: CommerceLake, sample: Path, tmp_path: Path) -> None:
    fresh = CommerceLake.make(tmp_path / "lake")
    fresh.ingest(sample / "first", hours_ago=1)
    fresh.ingest(sample / "late")
    fresh.build()
    fresh.publish()
    with whole.marts() as one, fresh.marts() as other:
        for spec in SPECS:
            without = [c.name for c in spec.columns if c.name in ("seconds", "fetch_id")]
            assert table(one, spec.name, without=without) == table(other, spec.name, without=without), spec.name
