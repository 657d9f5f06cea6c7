"""Exact numbers as producers write them, to decimals. No float is made on the way and nothing is rounded."""

from __future__ import annotations

import polars as pl

from lakehouse.contracts.model import DecimalType


def parse_decimals(texts: pl.Series, kind: DecimalType) -> pl.Series:
    """Decimal(precision, scale) of a column of strings; null where a text is no plain decimal number that fits.

    `-11062.06`, `2.550` and `7` are such numbers. `1e3`, ` 7`, `.5`, `1,5` are none, nor is a number with more digits than the type keeps (zeros at
    its end do not count): a price that would have to be rounded is refused, not changed.
    """
    return texts.to_frame("text").select(decimals(pl.col("text"), kind).alias(texts.name)).to_series()


def decimals(text: pl.Expr, kind: DecimalType) -> pl.Expr:
    """`parse_decimals` as an expression over a column of strings."""
    plain = rf"^-?0*[0-9]{{1,{kind.precision - kind.scale}}}(?:\.[0-9]{{1,{kind.scale}}}0*)?$"
    # Zeros that the type does not keep are cut off before the cast: whatever it does with digits past the scale, it never sees any.
    kept = text.str.replace(rf"(\.[0-9]{{{kind.scale}}})0+$", "$1")
    return pl.when(text.str.contains(plain)).then(kept).cast(pl.Decimal(kind.precision, kind.scale), strict=False)
