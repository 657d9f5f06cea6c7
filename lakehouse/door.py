"""The door for Python: what `lakehouse.open(url)` gives. Reads only; heavy libraries are imported when something is read.

lake = lakehouse.open("data")
lake.clean("workspace_audit").scan().group_by("application").len().collect()
lake.mart("top_users")
lake.sql("SELECT rule, count(*) FROM quarantine.workspace_audit GROUP BY ALL")
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import pyarrow as pa

    from lakehouse.datasets.model import Dataset
    from lakehouse.tables.views import CleanVersion


@dataclass(frozen=True)
class CleanTable:
    """The clean table of a dataset at one version: the one that was current at the first look."""

    lake: Lake
    dataset: Dataset

    @cached_property
    def files(self) -> CleanVersion:
        """The version and the exact files that it is made of, by day."""
        from lakehouse.tables.views import clean_version

        return clean_version(self.lake, self.dataset.contract)

    def days(self) -> list[dt.date]:
        """Days that hold rows, sorted."""
        return sorted(day for day, files in self.files.by_day.items() if files)

    def scan(self, start: dt.date | None = None, end: dt.date | None = None) -> pl.LazyFrame:
        """A LazyFrame with the contract's columns and provenance, also when there are no rows yet.

        `start` (inclusive) and `end` (exclusive) pick days; the files of other days are not opened. Raises `LakeFormatError` when one of the
        files is gone, damaged or no file.
        """
        from lakehouse.contracts.types import table_schema

        days = [day for day in self.days() if (start is None or day >= start) and (end is None or day < end)]
        return _scan([uri for day in days for uri in self.files.by_day[day]], table_schema(self.dataset.contract))


@dataclass(frozen=True)
class Door:
    """An open lake, for reading. Every answer is of the moment of the call."""

    lake: Lake

    def clean(self, dataset: str) -> CleanTable:
        """The clean rows of a dataset: `.scan()` gives a Polars LazyFrame. `ConfigurationError` for an unknown dataset."""
        return CleanTable(self.lake, _find(dataset))

    def quarantine(self, dataset: str) -> pl.DataFrame:
        """What was refused: rule, field, part, line, time, never raw text."""
        return self.sql(f"SELECT * FROM quarantine.{_find(dataset).name}")

    def books(self, dataset: str) -> pl.DataFrame:
        """One row per committed (day, grain, part): what became of its lines and rows."""
        import polars as pl

        from lakehouse.tables.ops import books_table
        from lakehouse.tables.views import committed_accounts

        frame = pl.from_arrow(books_table(committed_accounts(self.lake, _find(dataset).contract)))
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  from_arrow of a table
        return frame

    def mart(self, name: str) -> pl.DataFrame:
        """A published mart. `ConfigurationError` names the marts that there are."""
        with self.connect() as con:
            from lakehouse.steps.query import relations

            known = [r.name for r in relations(con) if r.schema == "marts"]
            if name not in known:
                there = f"There are: {', '.join(known)}." if known else "Nothing is published yet: run `lakehouse demo` or materialize the marts."
                raise ConfigurationError(f"There is no published mart {name!r}. {there}")
            return _frame(con, f'SELECT * FROM marts."{name}"')

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """The answer to one DuckDB query over `marts.*`, `clean.*`, `quarantine.*` and `ops.*`."""
        with self.connect() as con:
            return _frame(con, query, parameters)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB session that `sql` uses, for more than one query. Close it."""
        from lakehouse.steps.query import connect

        return connect(self.lake)


def _find(name: str) -> Dataset:
    from lakehouse.datasets.registry import find_dataset

    return find_dataset(name)


def _frame(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
    import duckdb

    try:
        answer = con.sql(query, params=list(parameters))
    except duckdb.Error as error:
        raise ConfigurationError(f"DuckDB refused the query: {error}") from error
    if answer is None:
        raise ConfigurationError(f"Expected a query that gives rows, such as SELECT, got: {query[:80]!r}.")
    frame: pl.DataFrame = answer.pl()
    return frame


def _scan(files: Sequence[str], schema: pa.Schema) -> pl.LazyFrame:
    import polars as pl

    from lakehouse.tables.committed import scan_committed

    empty = pl.from_arrow(schema.empty_table())
    assert isinstance(empty, pl.DataFrame)  # noqa: S101  from_arrow of a table
    if not files:
        return empty.lazy()
    options = {"hive_partitioning": True, "missing_columns": "insert", "extra_columns": "ignore"}
    return scan_committed(files, schema=dict(empty.schema), **options)
