"""The frequent values of a day of clean, counted in the files that were just built, of these columns alone."""

from __future__ import annotations

import io
from collections.abc import Iterable

import polars as pl

from lakehouse.datasets.model import Dataset
from lakehouse.operations.report import Top, shown, top_columns
from lakehouse.settings import Lake
from lakehouse.tables.committed import naming_damage
from lakehouse.tables.records import TableFile

SHOWN = 5


def frequent_values(lake: Lake, dataset: Dataset, files: Iterable[TableFile]) -> tuple[Top, ...]:
    """The `SHOWN` most frequent values of each column that the dataset names; those without any value are left out.

    Columns of personal data are never read, not even where a report shows their tokens: a page of an asset is seen by more people.
    """
    columns = {c.name: c for c in dataset.contract.columns if c.pii is None}
    wanted = [name for name in top_columns(dataset) if name in columns]
    counted: dict[str, list[pl.DataFrame]] = {name: [] for name in wanted}
    rows = 0
    for file in files if wanted else ():
        rows += file.rows
        for name, counts in _counts(lake, wanted, file).items():
            counted[name].append(counts)
    tops = (_top(name, columns[name].description, pl.concat(counts), rows) for name, counts in counted.items() if counts)
    return tuple(top for top in tops if top.values)


def _counts(lake: Lake, columns: list[str], file: TableFile) -> dict[str, pl.DataFrame]:
    """Column -> `value` and `n` of its values in a file. That of an older contract may lack a column. `DamagedFileError` for one that is damaged."""
    local = lake.store.root
    with naming_damage([lake.store.uri(file.path)]):
        place = local / file.path if local is not None else io.BytesIO(lake.store.read(file.path))
        there = pl.read_parquet_schema(place)
        rows = pl.read_parquet(place, columns=[name for name in columns if name in there], hive_partitioning=False)
    return {one.name: one.drop_nulls().alias("value").value_counts(name="n").cast({"n": pl.Int64}) for one in rows}


def _top(column: str, meaning: str, counts: pl.DataFrame, rows: int) -> Top:
    found = counts.group_by("value").agg(pl.col("n").sum())
    first = found.sort(["n", "value"], descending=[True, False]).head(SHOWN)
    return Top(column, meaning, tuple((shown(value), n) for value, n in first.iter_rows()), found.height, rows - int(found["n"].sum()))
