"""Money is read exactly or not at all."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.contracts.decimals import parse_decimals
from lakehouse.contracts.model import DecimalType

MONEY = DecimalType(18, 3)


def parsed(text: str | None) -> Decimal | None:
    found: Decimal | None = parse_decimals(pl.Series("price", [text], dtype=pl.String), MONEY).to_list()[0]
    return found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2.55", "2.55"),
        ("-11062.06", "-11062.06"),
        ("0.001", "0.001"),
        ("7", "7"),
        ("007.10", "7.1"),
        ("-0", "0"),
        ("1.2340000", "1.234"),
        ("12.300", "12.3"),
        ("999999999999999.999", "999999999999999.999"),
        ("000000000000000000000000001.5", "1.5"),
    ],
)
def test_a_plain_decimal_is_itself(text: str, number: str) -> None:
    assert parsed(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", " 3", "3 ", "1e3", "1E-2", "+1.5", ".5", "5.", "1,5", "1.2345", "1.2340001", "9999999999999999", "NaN", "1\n", "٣"]
)
def test_what_would_have_to_be_rounded_or_guessed_is_none(text: str) -> None:
    assert parsed(text) is None


def test_a_column_keeps_its_name_type_and_nulls() -> None:
    found = parse_decimals(pl.Series("price", ["1.5", None, "x"]), MONEY)
    assert (found.name, found.dtype, found.to_list()) == ("price", pl.Decimal(18, 3), [Decimal("1.500"), None, None])
    assert parse_decimals(pl.Series("price", [], dtype=pl.String), MONEY).dtype == pl.Decimal(18, 3)


@given(st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=3))
def test_every_number_with_as_many_decimals_as_the_type_comes_back(number: Decimal) -> None:
    assert parsed(f"{number:f}") == number


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_a_number_is_exact_or_refused(number: Decimal) -> None:
    assert parsed(f"{number:f}") == (number if number == round(number, 3) else None)
