"""What is behind a row of a published mart: the clean rows or quarantined rows it was made of, and the raw lines behind those.

A mart says in its specification which rows of clean, of quarantine or of both a row of it is made of. They are read from the files of the builds that
the mart was built from, not from the newest: the answer explains the number that was published.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.marts.explain import predicate
from lakehouse.marts.publish import current_version
from lakehouse.marts.records import VersionRecord
from lakehouse.marts.specs import MartSpec, find_mart
from lakehouse.settings import Lake
from lakehouse.steps.origins import Origins, SourceLine
from lakehouse.steps.published import add_quarantine, open_published

if TYPE_CHECKING:
    import duckdb

# Opening the files takes longer than looking into them: for many rows of a mart they are read once, as long as they are no burden to memory.
_FEW_ROWS = 20
_LOADED_AT_MOST = 200_000  # clean rows


@dataclass(frozen=True)
class CleanRow:
    """One clean row behind a mart's row: where its line is, what identifies it, and the line of the file that it came from, of a source of files."""

    line: LineRef
    event_time: dt.datetime
    values: dict[str, Any]


@dataclass(frozen=True)
class QuarantinedRow:
    """One quarantined row behind a mart's row. `row`: its index in its record, None where the whole line was refused. Never raw text."""

    line: LineRef
    row: int | None
    level: str
    rule: str
    field: str | None
    detail: str | None
    event_time: dt.datetime | None


@dataclass(frozen=True)
class Quarantined:
    """What was put aside behind a mart's row: like the fields of `MartRow`. What broke several rules counts once in `found` and `parts`."""

    where: str
    found: int
    counted: int | None
    rows: tuple[QuarantinedRow, ...]
    parts: dict[str, int]


@dataclass(frozen=True)
class MartRow:
    """A row of a mart and what is behind it.

    `where`: the condition on the clean table that the row stands for (None: the mart is made of no clean rows). `clean_rows`: how many clean rows
    meet it; `counted`: how many the row itself says (None where the mart counts something else). `rows`: the first of them by time. `parts`: raw
    part -> clean rows of it. `quarantine`: the same of quarantined rows; None for a mart that is made of none. `derives_from`: the marts between.
    `origins`: where each of `lines` stood in a file, None for what no file brought.
    """

    mart: str
    row: dict[str, Any]
    version: int
    where: str | None
    clean_rows: int
    counted: int | None
    rows: tuple[CleanRow, ...]
    parts: dict[str, int]
    quarantine: Quarantined | None
    derives_from: tuple[str, ...]
    origins: tuple[SourceLine | None, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the mart counts as many rows as there are."""
        aside = self.quarantine is None or self.quarantine.counted in (None, self.quarantine.found)
        return aside and self.counted in (None, self.clean_rows)

    @property
    def lines(self) -> tuple[LineRef, ...]:
        """The raw line of each of `rows`, then of each of `quarantine.rows`. A line of several rows is there for each."""
        aside = self.quarantine.rows if self.quarantine is not None else ()
        return (*(r.line for r in self.rows), *(r.line for r in aside))


def explain_rows(lake: Lake, dataset: Dataset, mart: str, conditions: Mapping[str, str], *, rows: int = 1, lines: int = 20) -> list[MartRow]:
    """What is behind rows of a published mart.

    `conditions`: column -> value as text (cast to the column's type; an empty text is null). `rows`: at most so many rows of the mart, in the
    order of its grain; `lines`: at most so many clean rows, and so many quarantined ones, of each. Raises `ConfigurationError` for an unknown mart or
    column, a value that is not of the column's type, nothing published, no such row, and a version whose files are gone.
    """
    spec = _spec(dataset, mart)
    version = current_version(lake, dataset)
    if version is None:
        raise ConfigurationError(f"No marts of {dataset.name} are published yet. Publish them with: lakehouse replay --stale")
    with open_published(lake, dataset, version) as con:
        found = _mart_rows(con, spec, conditions, rows)
        if spec.explain_quarantine is not None:
            add_quarantine(con, lake, dataset, version)
        if len(found) > _FEW_ROWS and sum(built.kept for built in version.days.values()) <= _LOADED_AT_MOST:
            con.execute("CREATE TABLE loaded AS FROM clean; DROP VIEW clean; ALTER TABLE loaded RENAME TO clean")
        behind = [_behind(con, spec, row, version, lines) for row in found]
    origins = Origins(lake, load_ledger(lake, dataset.name))
    return [replace(one, origins=tuple(origins.find(one.lines))) for one in behind]


def _spec(dataset: Dataset, mart: str) -> MartSpec:
    spec = find_mart(mart)
    if spec.dataset != dataset.name:
        raise ConfigurationError(
            f"The mart {mart} is of the dataset {spec.dataset}, but was looked for in {dataset.name}. Give --dataset {spec.dataset}, or leave it out."
        )
    return spec


def _mart_rows(con: duckdb.DuckDBPyConnection, spec: MartSpec, conditions: Mapping[str, str], rows: int) -> list[dict[str, Any]]:
    import duckdb

    types = {column.name: column.type for column in spec.columns}
    unknown = [name for name in conditions if name not in types]
    if unknown:
        raise ConfigurationError(f"The mart {spec.name} has no column {', '.join(unknown)}. It has: {', '.join(types)}.")
    where = " AND ".join(f'"{name}" IS NOT DISTINCT FROM CAST(? AS {types[name]})' for name in conditions) or "true"
    values = [value or None for value in conditions.values()]
    order = ", ".join(f'"{name}"' for name in spec.grain)
    try:
        found = _dicts(con, f"SELECT * FROM marts.{spec.name} WHERE {where} ORDER BY {order} LIMIT {int(rows)}", values)
    except duckdb.ConversionException as error:
        given = ", ".join(f"{name}={value} ({types[name]})" for name, value in conditions.items())
        raise ConfigurationError(f"A value is not of the type of its column: {given}. {str(error).splitlines()[0]}") from error
    if not found:
        given = ", ".join(f"{name}={value}" for name, value in conditions.items()) or "it is empty"
        raise ConfigurationError(f"No row of {spec.name} is like that: {given}. See its rows with: lakehouse sql 'SELECT * FROM marts.{spec.name}'")
    return found


def _behind(con: duckdb.DuckDBPyConnection, spec: MartSpec, row: dict[str, Any], version: VersionRecord, lines: int) -> MartRow:
    where, parts, quarantine = None, {}, None
    if spec.explain is not None:
        where = predicate(spec, spec.explain, row, version)
        parts = _parts(con, f"SELECT _part, count(*) FROM clean WHERE {where} GROUP BY 1")
    if spec.explain_quarantine is not None:
        counted = int(row[spec.explain_quarantine_counts]) if spec.explain_quarantine_counts is not None else None
        quarantine = _quarantined(con, predicate(spec, spec.explain_quarantine, row, version), counted, lines)
    return MartRow(
        mart=spec.name,
        row=row,
        version=version.number,
        where=where,
        clean_rows=sum(parts.values()),
        counted=int(row[spec.explain_counts]) if spec.explain_counts is not None else None,
        rows=tuple(_clean_rows(con, where, lines)) if where is not None and parts else (),
        parts=parts,
        quarantine=quarantine,
        derives_from=_derives(spec),
    )


def _clean_rows(con: duckdb.DuckDBPyConnection, where: str, lines: int) -> Iterator[CleanRow]:
    for values in _dicts(con, f"SELECT * FROM clean WHERE {where} ORDER BY event_time, _part, _line LIMIT {int(lines)}"):
        line = LineRef(values.pop("_part"), values.pop("_line"))
        yield CleanRow(line, values.pop("event_time"), {k: v for k, v in values.items() if v is not None and not k.startswith("_")})


def _quarantined(con: duckdb.DuckDBPyConnection, where: str, counted: int | None, lines: int) -> Quarantined:
    parts = _parts(con, f'SELECT part, count(DISTINCT (line, "row")) FROM quarantine WHERE {where} GROUP BY 1')
    columns = 'part, line, "row", level, rule, field, detail, event_time'
    found = _dicts(con, f'SELECT {columns} FROM quarantine WHERE {where} ORDER BY part, line, "row", rule, field LIMIT {int(lines)}') if parts else []
    rows = tuple(QuarantinedRow(LineRef(values.pop("part"), values.pop("line")), **values) for values in found)
    return Quarantined(where, sum(parts.values()), counted, rows, parts)


def _parts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return {str(part): int(n) for part, n in sorted(con.execute(query).fetchall())}


def _dicts(con: duckdb.DuckDBPyConnection, query: str, values: list[str | None] | None = None) -> list[dict[str, Any]]:
    answer = con.execute(query, values)
    columns = [str(d[0]) for d in answer.description]
    return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


def _derives(spec: MartSpec) -> tuple[str, ...]:
    found: list[str] = []
    while spec.derives_from is not None and spec.derives_from not in found:
        found.append(spec.derives_from)
        spec = find_mart(spec.derives_from)
    return tuple(found)
