"""Views over committed builds: clean and quarantine, which list the files of the table itself, beside the tables of operations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse.contracts.model import PARTITION, Column, ColumnType, Contract, DecimalType, ListType, StructType
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.contracts.sql import sql_text
from lakehouse.settings import Lake
from lakehouse.tables import builds, delta
from lakehouse.tables.committed import naming_damage, refuse_damaged
from lakehouse.tables.grains import table_folder
from lakehouse.tables.ops import (
    Accounts,
    books_table,
    builds_table,
    census_table,
    coverage_table,
    fetches_table,
    filtered_table,
    lateness_table,
    parts_table,
    recovered_table,
)
from lakehouse.tables.records import Build

if TYPE_CHECKING:
    import duckdb

_DUCKDB = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMPTZ"}


@dataclass(frozen=True)
class CleanVersion:
    """One version of the clean table: the files it is made of (as DuckDB, Polars and others open them), by day too, and its builds."""

    version: int
    files: tuple[str, ...]
    by_day: dict[dt.date, tuple[str, ...]]
    builds: dict[dt.date, Build]


def clean_version(lake: Lake, contract: Contract) -> CleanVersion:
    """The clean table as it stands now; version -1 without files where there is none."""
    table = delta.open_table(lake, contract.name)
    if table is None:
        return CleanVersion(-1, (), {}, {})
    folder = lake.store.uri(table_folder(contract.name))
    by_day = {day: tuple(f"{folder}/{path}" for path in sorted(files)) for day, files in sorted(delta.active_files(table).items())}
    files = tuple(path for paths in by_day.values() for path in paths)
    return CleanVersion(table.version(), files, by_day, builds.builds_of(lake, contract, table))


def quarantine_files(lake: Lake, contract: Contract, committed: Iterable[Build] | None = None) -> tuple[str, ...]:
    """The quarantine files of committed builds."""
    found = builds.committed_builds(lake, contract).values() if committed is None else committed
    return tuple(lake.store.uri(a.quarantine.path) for a in builds.accounts_of(lake, found).values() if a.quarantine is not None)


def committed_accounts(lake: Lake, contract: Contract) -> Accounts:
    """The accounts of all committed builds, by day and grain."""
    return builds.accounts_of(lake, builds.committed_builds(lake, contract).values())


def register_views(
    con: duckdb.DuckDBPyConnection, lake: Lake, contract: Contract, schema: str, *, days: Collection[dt.date] | None = None
) -> CleanVersion:
    """Create `<schema>.clean` and `.quarantine`, views over the exact files of one version, and the tables of operations.

    Those are `.books`, `.fetches`, `.parts`, `.coverage`, `.recovered`, `.lateness`, `.filtered`, `.census` and `.builds`. All are there, with their
    columns, also when nothing was built yet. `days`: show the committed builds of these days only (fetches, parts, coverage and what they recovered
    are shown whole). Returns the whole version of the clean table that they are of.
    """
    con.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    version = clean_version(lake, contract)
    shown = [build for day, build in version.builds.items() if days is None or day in days]
    accounts = builds.accounts_of(lake, shown)
    aside = [lake.store.uri(a.quarantine.path) for a in accounts.values() if a.quarantine is not None]
    files = [path for day, paths in version.by_day.items() if days is None or day in days for path in paths]
    older = any(account.contract_version != contract.version for account in accounts.values())
    file_view(con, f'"{schema}".clean', files, contract.table_columns, fill=older)
    file_view(con, f'"{schema}".quarantine', aside, QUARANTINE)
    tables: dict[str, pa.Table] = {
        "books": books_table(accounts),
        "builds": builds_table(shown, accounts),
        "lateness": lateness_table(accounts),
        "filtered": filtered_table(accounts),
        "census": census_table(accounts),
        "fetches": fetches_table(lake, contract.name),
        "parts": parts_table(lake, contract.name),
        "coverage": coverage_table(lake, contract.name),
        "recovered": recovered_table(lake, contract.name),
    }
    for name, table in tables.items():
        con.register(f"_{name}_arrow", table)
        con.execute(f'CREATE OR REPLACE TABLE "{schema}".{name} AS SELECT * FROM _{name}_arrow')
        con.unregister(f"_{name}_arrow")
    return version


def file_view(con: duckdb.DuckDBPyConnection, name: str, files: Sequence[str], columns: Sequence[Column], *, fill: bool = False) -> None:
    """Create a view over Parquet files with exactly these columns; it has no rows where there are no files.

    `fill`: columns that no file has are null (files of an older contract only). Raises `LakeFormatError` for a file that is gone or damaged.
    """
    casts = ", ".join(f'CAST("{c.name}" AS {duckdb_type(c.type)}) AS "{c.name}"' for c in columns)
    nulls = ", ".join(f'CAST(NULL AS {duckdb_type(c.type)}) AS "{c.name}"' for c in columns)
    if not files:
        con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {nulls} WHERE false")
        return
    import duckdb

    refuse_damaged(files)
    listed = ", ".join(map(sql_text, files))
    hive = f"hive_partitioning=true, hive_types={{'{PARTITION.name}': DATE}}, " if PARTITION.name in {c.name for c in columns} else ""
    # Without union_by_name a column that the oldest file lacks would be dropped without a word.
    rows = f"read_parquet([{listed}], {hive}union_by_name=true)"
    if fill:
        rows = f"(SELECT {nulls} WHERE false UNION ALL BY NAME SELECT * FROM {rows})"
    with naming_damage(files, (duckdb.Error,)):  # DuckDB looks at the end of every file here
        con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {casts} FROM {rows}")


def duckdb_type(kind: ColumnType) -> str:
    """How DuckDB writes a column type."""
    match kind:
        case DecimalType(precision, scale):
            return f"DECIMAL({precision},{scale})"
        case ListType(item):
            return f"{duckdb_type(item)}[]"
        case StructType(fields):
            return "STRUCT(" + ", ".join(f'"{name}" {duckdb_type(t)}' for name, t in fields) + ")"
        case _:
            return _DUCKDB[kind]
