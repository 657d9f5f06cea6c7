"""Views over committed builds: clean, quarantine, books, lateness, filtered rows, census. They list the files of the table itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import PARTITION, Column, ColumnType, Contract, DecimalType, ListType, StructType
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.contracts.sql import sql_text
from lakehouse.landing.file_names import file_names
from lakehouse.landing.frontiers import read_before
from lakehouse.landing.ledger import load_ledger, read_manifests
from lakehouse.settings import Lake
from lakehouse.tables import builds, delta
from lakehouse.tables.committed import naming_damage, refuse_damaged
from lakehouse.tables.grains import table_folder
from lakehouse.tables.records import Build, GrainAccount

if TYPE_CHECKING:
    import duckdb

_TERMS = Books.__struct_fields__
_DUCKDB = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMPTZ"}
_UTC = pa.timestamp("us", "UTC")
Fields = dict[str, Any]  # column -> Arrow type


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


Accounts = dict[tuple[dt.date, Grain], GrainAccount]


def committed_accounts(lake: Lake, contract: Contract) -> Accounts:
    """The accounts of all committed builds, by day and grain."""
    return builds.accounts_of(lake, builds.committed_builds(lake, contract).values())


def books_table(accounts: Accounts) -> pa.Table:
    """One row per committed grain and part: day, grain, part, fetch_id, number, application, landed_at and all terms of the books."""
    rows = [
        {
            "day": day,
            "grain": grain.key,
            "part": part.part,
            "fetch_id": part.fetch_id,
            "number": part.number,
            "application": part.application,
            "landed_at": part.landed_at,
            **{term: getattr(part.books, term) for term in _TERMS},
        }
        for (day, grain), account in accounts.items()
        for part in account.parts
    ]
    text = {name: pa.string() for name in ("grain", "part", "fetch_id", "application")}
    fields: Fields = {"day": pa.date32(), **text, "number": pa.int64(), "landed_at": _UTC, **dict.fromkeys(_TERMS, pa.int64())}
    return _table(rows, fields)


def builds_table(committed: Iterable[Build], accounts: Accounts) -> pa.Table:
    """One row per committed grain: what it is called, whether its day is complete, and its sums (`quarantined`: lines and rows)."""
    rows = []
    for build in committed:
        for ref in build.grains:
            account = accounts[build.day, Grain.parse(ref.grain)]
            rows.append(
                {
                    "day": build.day,
                    "grain": ref.grain,
                    "digest": ref.digest,
                    "fingerprint": build.fingerprint,
                    "complete": build.complete,
                    "holes": build.holes,
                    "seen": build.seen,
                    "kept": account.books.kept,
                    "duplicates": account.books.duplicate,
                    "quarantined": account.books.quarantined + account.books.unreadable,
                    "key_conflicts": account.key_conflicts,
                    "rows_with_extra": account.rows_with_extra,
                    "seconds": account.seconds,
                }
            )
    numbers = ("fingerprint", "holes", "seen", "kept", "duplicates", "quarantined", "key_conflicts", "rows_with_extra")
    fields: Fields = {"day": pa.date32(), "grain": pa.string(), "digest": pa.string(), "complete": pa.bool_(), **dict.fromkeys(numbers, pa.int64())}
    fields["seconds"] = pa.float64()
    return _table(rows, fields)


def lateness_table(accounts: Accounts) -> pa.Table:
    """day, grain, seconds (upper bound of the bucket, from event to landing), rows kept."""
    rows = [
        {"day": day, "grain": grain.key, "seconds": seconds, "rows": count}
        for (day, grain), account in accounts.items()
        for seconds, count in account.lateness.items()
    ]
    return _table(rows, {"day": pa.date32(), "grain": pa.string(), "seconds": pa.int64(), "rows": pa.int64()})


def filtered_table(accounts: Accounts) -> pa.Table:
    """day, grain, application, rule, rows filtered out."""
    rows = [
        {"day": day, "grain": grain.key, "application": application, "rule": rule, "rows": count}
        for (day, grain), account in accounts.items()
        for application, rules in account.filtered_rules.items()
        for rule, count in rules.items()
    ]
    return _table(rows, {"day": pa.date32(), **dict.fromkeys(("grain", "application", "rule"), pa.string()), "rows": pa.int64()})


def census_table(accounts: Accounts) -> pa.Table:
    """The schema registry: day, path, kind, declared, count, contract_version."""
    counts: dict[tuple[dt.date, str, str, bool, int], int] = {}
    for (day, _), account in accounts.items():
        for field in account.census:
            key = (day, field.path, field.kind, field.declared, account.contract_version)
            counts[key] = counts.get(key, 0) + field.count
    names = ("day", "path", "kind", "declared", "contract_version")
    rows = [{**dict(zip(names, key, strict=True)), "count": count} for key, count in sorted(counts.items())]
    fields: Fields = {
        "day": pa.date32(),
        "path": pa.string(),
        "kind": pa.string(),
        "declared": pa.bool_(),
        "contract_version": pa.int64(),
        "count": pa.int64(),
    }
    return _table(rows, fields)


def fetches_table(lake: Lake, dataset: str) -> pa.Table:
    """One row per manifest: what was asked for, when, and the books of the fetch.

    `file`: the URL that was read. `file_name`: its path below the inbox; of a redrive those of the files whose lines it mended. `read_before`: see
    `landing.frontiers`.
    """
    manifests = list(read_manifests(lake, dataset))
    names = file_names(manifests)
    before = read_before(manifests)
    rows = [
        {
            "number": m.number,
            "fetch_id": m.fetch_id,
            "source": m.source,
            "application": m.application,
            "kind": m.kind,
            "purpose": m.purpose,
            "window_start": m.window.start if m.window else None,
            "window_end": m.window.end if m.window else None,
            "read_before": before.get(m.number),
            "file": m.file.url if m.file else None,
            "file_name": names.get(m.number),
            "landed_at": m.landed_at,
            "read": m.books.read,
            "re_read": m.books.re_read,
            "placed": m.books.placed,
            "unplaced": m.books.unplaced,
            "late_recovered": m.late_recovered,
            "order_violations": m.order_violations,
            "parts": len(m.parts),
        }
        for m in manifests
    ]
    text = dict.fromkeys(("fetch_id", "source", "application", "kind", "purpose", "file", "file_name"), pa.string())
    times = dict.fromkeys(("window_start", "window_end", "read_before", "landed_at"), _UTC)
    numbers = dict.fromkeys(("number", "read", "re_read", "placed", "unplaced", "late_recovered", "order_violations", "parts"), pa.int64())
    return _table(rows, {**numbers, **text, **times})


def parts_table(lake: Lake, dataset: str) -> pa.Table:
    """One row per raw part: part, fetch_id, application, grain, lines, raw_bytes (as the source wrote them), stored_bytes (as they lie there)."""
    rows = [
        {
            "part": landed.part.path,
            "fetch_id": landed.fetch_id,
            "application": landed.application,
            "grain": landed.part.grain,
            "lines": landed.part.lines,
            "raw_bytes": landed.part.raw_bytes,
            "stored_bytes": landed.part.size,
        }
        for parts in load_ledger(lake, dataset).parts.values()
        for landed in parts
    ]
    text = dict.fromkeys(("part", "fetch_id", "application", "grain"), pa.string())
    return _table(rows, {**text, **dict.fromkeys(("lines", "raw_bytes", "stored_bytes"), pa.int64())})


def recovered_table(lake: Lake, dataset: str) -> pa.Table:
    """purpose, late_recovered, share: which fetches found the lines that came late (share of all of them, null while there are none)."""
    rows = [{"purpose": r.purpose, "late_recovered": r.count, "share": r.share} for r in load_ledger(lake, dataset).recovered if r.late]
    return _table(rows, {"purpose": pa.string(), "late_recovered": pa.int64(), "share": pa.float64()})


def coverage_table(lake: Lake, dataset: str) -> pa.Table:
    """application, start, end: what was read without gaps."""
    coverage = load_ledger(lake, dataset).coverage
    rows = [{"application": application, "start": w.start, "end": w.end} for application, windows in coverage.items() for w in windows]
    return _table(rows, {"application": pa.string(), "start": _UTC, "end": _UTC})


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


def _table(rows: list[dict[str, Any]], fields: Fields) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(fields.items())))
