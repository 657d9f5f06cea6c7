"""Columns that hold nothing: left out while rows are compared, because they take as long as others, and added again where a table wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from lakehouse.contracts.model import Contract
from lakehouse.contracts.types import polars_type


def narrow(rows: pl.DataFrame, keep: Sequence[str] = ()) -> pl.DataFrame:
    """The rows without the columns that hold nothing, but for those to keep: even they take 16 bytes a row, and most events fill less than half."""
    return rows[[c.name for c in rows if c.name in keep or c.null_count() < max(1, len(c))]]


def with_all_columns(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The rows with the columns of the clean table but its partition, in their order, those that they lack without a value."""
    nothing = _nothing(contract)
    absent = [column.new_from_index(0, rows.height) for name, column in nothing.items() if name not in rows.columns]
    return rows.hstack(absent)[list(nothing)]


@lru_cache(maxsize=16)
def _nothing(contract: Contract) -> dict[str, pl.Series]:
    return {c.name: pl.Series(c.name, [None], dtype=polars_type(c.type)) for c in contract.table_columns[:-1]}
