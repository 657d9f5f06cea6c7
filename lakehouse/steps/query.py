"""One DuckDB session over everything that a lake holds: marts, clean, quarantine and the operational tables.

`marts.<model>`          the published mart tables of every dataset
`clean.<dataset>`        the deduplicated rows
`quarantine.<dataset>`   what was refused or is held (level held), with rule, part and line; never raw text
`ops.<table>`            books, fetches, parts, coverage, recovered, lateness, filtered, census, builds; all datasets, the first column names which

A bare name is looked for in marts first. Published marts are attached read-only, so a build that runs is not in the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.contracts.sql import sql_name, sql_text
from lakehouse.datasets.registry import all_datasets
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake

if TYPE_CHECKING:
    import duckdb

    from lakehouse.datasets.model import Dataset

OPS_TABLES = ("books", "fetches", "parts", "coverage", "recovered", "lateness", "filtered", "census", "builds")
SCHEMAS = ("marts", "clean", "quarantine", "ops")


@dataclass(frozen=True)
class Relation:
    """One table or view of the session; `comment` says what it is, where somebody said so."""

    schema: str
    name: str
    columns: int
    comment: str | None = None


def connect(lake: Lake, datasets: Sequence[Dataset] | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with everything attached; close it after use. UTC, in memory, nothing of the lake is written.

    `datasets`: default all that are known. What a dataset does not have yet is an empty table. Raises `LakeFormatError` for damaged published marts.
    """
    import duckdb

    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'")
    for schema in SCHEMAS:
        con.execute(f"CREATE SCHEMA {schema}")
    chosen = list(datasets if datasets is not None else all_datasets())
    for dataset in chosen:
        _register_layers(con, lake, dataset)
        _attach_marts(con, lake, dataset)
    _unite_ops(con, chosen)
    con.execute("SET search_path = 'main,marts,clean,ops'")
    return con


def connect_marts(lake: Lake, dataset: Dataset) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the published marts of one dataset alone, in schema `marts`; close it after use. No build record is read for it."""
    import duckdb

    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'")
    con.execute("CREATE SCHEMA marts")
    _attach_marts(con, lake, dataset)
    return con


def relations(con: duckdb.DuckDBPyConnection) -> list[Relation]:
    """Every table of the session, in the order of `SCHEMAS`."""
    rows = con.execute(
        """
        SELECT t.schema_name, t.name, count(c.column_name), any_value(t.comment)
        FROM (SELECT schema_name, view_name AS name, comment FROM duckdb_views() WHERE database_name = 'memory' AND NOT internal
              UNION ALL SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = 'memory' AND NOT internal) t
        LEFT JOIN duckdb_columns() c ON c.database_name = 'memory' AND c.schema_name = t.schema_name AND c.table_name = t.name
        GROUP BY ALL
        """
    ).fetchall()
    found = [Relation(*row) for row in rows if row[0] in SCHEMAS]
    return sorted(found, key=lambda r: (SCHEMAS.index(r.schema), r.name))


def _register_layers(con: duckdb.DuckDBPyConnection, lake: Lake, dataset: Dataset) -> None:
    from lakehouse.tables.dimensions import current_dimensions, register_dimensions
    from lakehouse.tables.views import register_views

    inner = _inner(dataset)
    con.execute(f"CREATE SCHEMA {inner}")
    register_views(con, lake, dataset.contract, inner)
    register_dimensions(con, lake, dataset, inner, current_dimensions(lake, dataset))
    for dimension in dataset.dimensions:
        view = f"clean.{sql_name(f'{dataset.name}_{dimension.name}')}"
        con.execute(f"CREATE VIEW {view} AS SELECT * FROM {inner}.{sql_name(dimension.name)}")
        con.execute(f"COMMENT ON VIEW {view} IS {sql_text(dimension.description)}")
    con.execute(f"CREATE VIEW clean.{sql_name(dataset.name)} AS SELECT * FROM {inner}.clean")
    con.execute(f"COMMENT ON VIEW clean.{sql_name(dataset.name)} IS {sql_text(dataset.contract.description)}")
    con.execute(f"CREATE VIEW quarantine.{sql_name(dataset.name)} AS SELECT * FROM {inner}.quarantine")
    con.execute(f"COMMENT ON VIEW quarantine.{sql_name(dataset.name)} IS 'What was refused or is held: rule, part and line, never raw text.'")


def _unite_ops(con: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]) -> None:
    for name in OPS_TABLES:
        parts = [f"SELECT {sql_text(d.name)} AS dataset, * FROM {_inner(d)}.{name}" for d in datasets]
        if parts:
            con.execute(f"CREATE VIEW ops.{name} AS {' UNION ALL BY NAME '.join(parts)}")


def _attach_marts(con: duckdb.DuckDBPyConnection, lake: Lake, dataset: Dataset) -> None:
    from lakehouse.marts.publish import published_path
    from lakehouse.steps.published import attach_published

    path = published_path(lake, dataset)
    if path is None:
        return
    database = f"{_inner(dataset)}_marts"
    attach_published(con, path, database, dataset)
    found = con.execute("SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = ? AND NOT internal", [database])
    for schema, name, comment in found.fetchall():
        con.execute(f"CREATE VIEW marts.{sql_name(name)} AS SELECT * FROM {database}.{sql_name(schema)}.{sql_name(name)}")
        con.execute(f"COMMENT ON VIEW marts.{sql_name(name)} IS {sql_text(comment or '')}")


def _inner(dataset: Dataset) -> str:
    if not dataset.name.isidentifier():
        raise ConfigurationError(f"The dataset name {dataset.name!r} cannot be used in SQL. Expected letters, digits and underscores.")
    return f"dataset_{dataset.name}"
