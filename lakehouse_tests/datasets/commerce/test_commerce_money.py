"""Money keeps every digit on its way: the kernel's checks, deduplication, the Delta table, DuckDB."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from build_lakes import KEY, line
from commerce_lines import DATASET, DAY, RETAIL, SECOND, run
from dataset_lines import LANDED, changed
from position_lines import land_by_position

from lakehouse.engines.kernel.dedupe import content_hash, deduplicate
from lakehouse.engines.kernel.validate import find_faults
from lakehouse.settings import ENV_TOKEN_KEY, DatasetSettings, LakeSettings, open_lake
from lakehouse.steps.build import build_day
from lakehouse.tables import delta
from lakehouse.tables.views import register_views

CONTRACT = DATASET.contract
LARGE = "999999999999999.999"


def priced(*prices: str) -> pl.DataFrame:
    """Rows of one event that was told with these prices, in this order."""
    lines = [[{"sku": "A", "quantity": 1, "unit_price": price}] for price in prices]
    return run(*(changed(SECOND, {"order.lines": one}) for one in lines)).rows.sort("_line")


def test_the_hash_of_a_row_follows_the_number_and_not_how_it_was_written() -> None:
    same = content_hash(priced("2.5", "2.50", "2.500", "02.5"), CONTRACT)
    assert same.n_unique() == 1
    assert content_hash(priced("2.5", "2.501", LARGE), CONTRACT).n_unique() == 3


def test_copies_that_differ_by_a_thousandth_conflict_and_the_same_one_is_kept_in_any_order() -> None:
    one, other = priced("2.500", "2.501"), priced("2.501", "2.500")
    kept = [deduplicate(rows, CONTRACT) for rows in (one, other)]
    assert [d.key_conflicts for d in kept] == [1, 1]
    assert kept[0].kept["unit_price"].to_list() == kept[1].kept["unit_price"].to_list()
    assert deduplicate(priced("2.5", "2.500"), CONTRACT).key_conflicts == 0


def test_limits_of_decimal_columns_hold_to_the_last_digit() -> None:
    limited = tuple(replace(c, minimum=1, maximum=3, nullable=False) if c.name == "unit_price" else c for c in CONTRACT.columns)
    contract = replace(CONTRACT, columns=limited)
    rows = pl.concat([priced("0.999", "1", "3.000", "3.001"), priced("2").with_columns(unit_price=pl.lit(None, dtype=pl.Decimal(18, 3)))])
    assert find_faults(rows, contract).rows() == [
        (0, "out_of_range", "unit_price"),
        (3, "out_of_range", "unit_price"),
        (4, "null_in_required_column", "unit_price"),
    ]


def test_a_transform_whose_decimals_have_another_scale_is_told() -> None:
    with pytest.raises(TypeError, match=r"column unit_price: expected Decimal\(precision=18, scale=3\)"):
        find_faults(priced("1").with_columns(pl.col("unit_price").cast(pl.Decimal(18, 2))), CONTRACT)


def test_delta_and_duckdb_have_the_decimals_that_the_contract_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    lake = open_lake(tmp_path).with_settings(LakeSettings(clock=LANDED, datasets={"commerce": DatasetSettings(start=DAY)}))
    prices = ["0.1", "0.2", LARGE, "-11062.06"]
    land_by_position(lake, CONTRACT, [line(changed(RETAIL, {"UnitPrice": price, "Quantity": "3"})) for price in prices], application="retail")
    build_day(lake, DATASET, DAY)
    opened = delta.open_table(lake, "commerce")
    assert opened is not None
    kinds = {field.name: str(field.type) for field in opened.schema().fields}
    assert "decimal(18,3)" in kinds["unit_price"]
    assert "decimal(28,3)" in kinds["amount"]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        register_views(con, lake, CONTRACT, "lake")
        types = {row[0]: row[1] for row in con.execute("DESCRIBE lake.clean").fetchall()}
        assert (types["unit_price"], types["amount"]) == ("DECIMAL(18,3)", "DECIMAL(28,3)")
        found = con.execute("SELECT unit_price, amount FROM lake.clean ORDER BY unit_price").fetchall()
        assert found == [(Decimal(p), 3 * Decimal(p)) for p in sorted(prices, key=Decimal)]
        assert con.execute("SELECT sum(amount) FROM lake.clean").fetchall() == [(sum(3 * Decimal(p) for p in prices),)]
