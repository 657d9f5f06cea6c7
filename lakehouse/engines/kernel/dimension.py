"""Records of a dimension to its rows: typed, checked, one row for each thing. Small beside events: it is made whole, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from lakehouse.contracts.model import Column
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import polars_type
from lakehouse.datasets.model import Dimension
from lakehouse.engines.kernel import shape, tokens, validate
from lakehouse.settings import TokenKey

ASIDE = {"file": pl.String(), "line": pl.Int64(), "rule": pl.String(), "field": pl.String()}
DUPLICATE = "duplicate"

_PATTERNS = {"int64": r"^-?[0-9]{1,19}$", "float64": r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$"}
_RULES = {"date": "time_unreadable", "timestamp": "time_unreadable", "bool": "changed_type"}
_BOOLS = {"true": True, "false": False}


@dataclass(frozen=True)
class DimensionRows:
    """`rows`: one for each thing, in the order of the key, with all `table_columns`. `aside`: what is not among them (`ASIDE`), duplicates too.

    `conflicts`: duplicates that say something else than the row that won.
    """

    rows: pl.DataFrame
    aside: pl.DataFrame
    conflicts: int


def dimension_rows(records: Iterable[tuple[str, int, bytes]], dimension: Dimension, key: TokenKey) -> DimensionRows:
    """The rows of records, each (file, its number in the file, line of JSON). Blank lines must not be among them."""
    texts: list[tuple[Any, ...]] = []
    refused: list[tuple[str, int, str, str | None]] = []
    for file, number, line in records:
        told = _texts(line, dimension)
        if isinstance(told, tuple):
            texts.append((file, number, *told))
        else:
            refused.append((file, number, told.rule, told.field or None))
    names = [c.name for c in dimension.columns]
    raw = pl.DataFrame(texts, schema={"_file": pl.String, "_line": pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")
    typed = raw.with_columns([_typed(raw[c.name], c) for c in dimension.columns]).with_columns(_faults(raw, dimension))
    typed = tokens.tokenise(typed, dimension, key)
    bad = validate.find_faults(typed, dimension)
    good = typed.with_row_index("row").join(bad.select("row"), on="row", how="anti", maintain_order="left").drop("row", "_faults")
    unfit = bad.join(raw.with_row_index("row"), on="row").select(file="_file", line="_line", rule="rule", field="field")
    rows, copies, conflicts = _one_of_each(good, dimension)
    aside = pl.concat([pl.DataFrame(refused, schema=ASIDE, orient="row"), unfit, copies]).sort("file", "line")
    return DimensionRows(_until(rows, dimension).select(c.name for c in dimension.table_columns), aside, conflicts)


def _texts(line: bytes, dimension: Dimension) -> tuple[str | None, ...] | shape.Conflict:
    """The values of a record as texts, in the order of the columns, or why it is none."""
    try:
        record = shape.parse(line)
    except (shape.DuplicateKey, ValueError, RecursionError):
        return shape.Conflict("unreadable_json", "")
    if not isinstance(record, dict):
        return shape.Conflict("not_an_object", "")
    if record.keys() == {"_raw"}:
        return shape.Conflict("unsplittable", "")
    found = [record.get(c.path or c.name) for c in dimension.columns]
    nested = next((c.name for c, value in zip(dimension.columns, found, strict=True) if isinstance(value, dict | list)), None)
    if nested is not None:
        return shape.Conflict("changed_type", nested)
    return tuple(None if v is None or v == "" else json.dumps(v) if isinstance(v, bool) else str(v) for v in found)


def _typed(texts: pl.Series, column: Column) -> pl.Series:
    """The texts as what the column wants; null where they are no such thing."""
    kind = polars_type(column.type)
    match column.type:
        case "string":
            return texts
        case "timestamp":
            return parse_times(texts)
        case "date":
            return texts.str.to_date("%Y-%m-%d", strict=False)
        case "bool":
            return texts.replace_strict(_BOOLS, default=None, return_dtype=pl.Boolean)
        case "int64" | "float64":
            plain = pl.select(pl.when(texts.str.contains(_PATTERNS[column.type])).then(texts)).to_series()
            return plain.cast(kind, strict=False).alias(texts.name)
        case _:
            return texts.cast(kind, strict=False)


def _faults(raw: pl.DataFrame, dimension: Dimension) -> pl.Series:
    told = []
    for column in dimension.columns:
        rule = _RULES.get(column.type, "not_a_number") if isinstance(column.type, str) else "not_a_number"
        unread = raw[column.name].is_not_null() & _typed(raw[column.name], column).is_null()
        told.append(pl.when(unread).then(pl.lit(f"{rule}:{column.name}")))
    return raw.select(pl.concat_list(told).list.drop_nulls().alias(validate.FAULTS))[validate.FAULTS]


def _one_of_each(good: pl.DataFrame, dimension: Dimension) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """(one row per key, the others as `ASIDE`, how many of those say something else)."""
    content = [c.name for c in dimension.columns]
    rest = [name for name in content if name not in dimension.key]
    order = ([dimension.version_column] if dimension.version_column is not None else []) + [*rest, "_file", "_line"]
    newest_first = [n == 0 and dimension.version_column is not None for n in range(len(order))]
    ranked = good.sort(*dimension.key, *order, descending=[False] * len(dimension.key) + newest_first, nulls_last=True)
    first = ranked.select(pl.struct(dimension.key).is_first_distinct()).to_series()
    rows, others = ranked.filter(first), ranked.filter(~first)
    alike = others.join(rows.select(content), on=content, how="semi", nulls_equal=True).height
    copies = others.select(file="_file", line="_line", rule=pl.lit(DUPLICATE), field=pl.lit(None, dtype=pl.String))
    return rows, copies, others.height - alike


def _until(rows: pl.DataFrame, dimension: Dimension) -> pl.DataFrame:
    """The rows with the end of their validity."""
    if dimension.valid_from is None:
        return rows
    thing = [name for name in dimension.key if name != dimension.valid_from]
    ordered = rows.sort(*thing, dimension.valid_from)
    following = pl.col(dimension.valid_from).shift(-1)
    return ordered.with_columns(valid_to=following.over(thing) if thing else following)
