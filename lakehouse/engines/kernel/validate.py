"""Rows against the contract: Pandera on eager frames, with a reason for each row that fails.

Pandera checks no values on a LazyFrame (it passes them without a word), so only eager frames come here. Nothing is coerced and nothing is dropped by
it: the rows that fail are split off by us, with the rule that they broke.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import polars as pl

from lakehouse.contracts.model import Column, Contract, HasColumns
from lakehouse.contracts.types import frame_schema

FAULTS = "_faults"
_ROW = "_row_of_frame"


@lru_cache(maxsize=16)
def pandera_schema(contract: HasColumns) -> Any:
    """The Pandera schema of the columns whose values may break a rule. Check names are the names of our rules."""
    import pandera.polars as pa

    types = frame_schema(contract)
    ruled = [(c, checks) for c in contract.columns if (checks := _checks(c)) or not c.nullable]
    columns = {c.name: pa.Column(types[c.name], checks=checks, nullable=c.nullable, coerce=False) for c, checks in ruled}
    return pa.DataFrameSchema(columns, strict=False, coerce=False, ordered=False)


def _checks(column: Column) -> list[Any]:
    import pandera.polars as pa

    checks: list[Any] = []
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum, error="out_of_range"))
    if column.maximum is not None:
        checks.append(pa.Check.le(column.maximum, error="out_of_range"))
    if column.pattern is not None:
        checks.append(pa.Check.str_matches(f"^(?:{column.pattern})$", error="bad_format"))
    if column.allowed is not None and not column.open_vocabulary:
        checks.append(pa.Check.isin(column.allowed, error="not_allowed"))
    return checks


@lru_cache(maxsize=16)
def breached(contract: HasColumns) -> tuple[pl.Expr, pl.Expr]:
    """(whether a frame has any row that the Pandera schema would refuse, which rows those are).

    Pandera takes some 10 ms whatever the number of rows, and more for many: nearly all rows are without fault, and it is asked only which rule the
    others break.
    """
    found: list[pl.Expr] = []
    for column in contract.columns:
        value = pl.col(column.name)
        if not column.nullable:
            found.append(value.is_null())
        if column.minimum is not None:
            found.append(value < column.minimum)
        if column.maximum is not None:
            found.append(value > column.maximum)
        if column.pattern is not None:
            found.append(value.str.contains(f"^(?:{column.pattern})$").not_())
        if column.allowed is not None and not column.open_vocabulary:
            found.append(value.is_in(column.allowed).not_())
    none = pl.lit(value=False)
    return pl.any_horizontal(none, *(f.any() for f in found)), pl.any_horizontal(none, *found)


def find_faults(frame: pl.DataFrame, contract: HasColumns) -> pl.DataFrame:
    """The first fault of each bad row: columns `row` (UInt32 index), `rule`, `field`; empty when all rows keep the contract.

    What the transform could not make of a value (`_faults`, "rule:column") comes before what Pandera finds. Raises `TypeError` for a LazyFrame
    and for a frame whose column types are not the contract's (a transform that breaks its promise, not bad data).
    """
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"expected an eager polars.DataFrame, got {type(frame).__name__}: Pandera checks no values on lazy frames")
    found = [f for f in (_from_transform(frame), _from_pandera(frame, contract)) if f.height]
    if not found:
        return _empty()
    return pl.concat(found).unique("row", keep="first", maintain_order=True).sort("row")


@lru_cache(maxsize=1)
def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "rule": pl.String, "field": pl.String})


def _from_transform(frame: pl.DataFrame) -> pl.DataFrame:
    if FAULTS not in frame.columns or frame[FAULTS].null_count() == frame.height:
        return _empty()
    told = frame.lazy().with_row_index("row").select("row", FAULTS).filter(pl.col(FAULTS).list.len() > 0)
    parts = told.select("row", pl.col(FAULTS).list.first().str.splitn(":", 2).alias("f")).collect()
    return parts.select("row", rule=pl.col("f").struct[0], field=pl.col("f").struct[1])


def _from_pandera(frame: pl.DataFrame, contract: HasColumns) -> pl.DataFrame:
    from pandera.errors import SchemaErrors

    types = frame.schema
    for name, kind in frame_schema(contract).items():
        if types.get(name) != kind:
            raise TypeError(f"transform of {contract.name} broke its promise: column {name}: expected {kind}, got {types.get(name)}")
    any_row, rows = breached(contract)
    if not frame.select(any_row).item():
        return _empty()
    bad = frame.with_row_index(_ROW).filter(rows)
    try:
        pandera_schema(contract).validate(bad, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return _empty()
    rule = pl.col("check").str.replace(r"^not_nullable$", "null_in_required_column").str.replace(r"\(.*$", "")
    row = pl.lit(bad[_ROW]).gather(pl.col("index"))
    faults: pl.DataFrame = cases.select(row=row, rule=rule, field=pl.col("column").cast(pl.String)).sort("row", maintain_order=True)
    return faults


def unknown_values(frame: pl.DataFrame, contract: Contract) -> dict[str, int]:
    """Values that an open vocabulary does not list: "column=value" -> rows."""
    found: dict[str, int] = {}
    for column in contract.columns:
        if column.open_vocabulary and column.allowed is not None:
            odd = frame[column.name].drop_nulls()
            for value, count in odd.filter(~odd.is_in(column.allowed)).value_counts().iter_rows():
                found[f"{column.name}={value}"] = count
    return found
