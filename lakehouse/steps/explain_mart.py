"""What is behind a row of a published mart: the clean rows it was made of, and the raw lines behind those.

A mart says in its specification which clean rows a row of it is made of. They are read from the files of the clean version that the mart was built
from, not from the newest: the answer explains the number that was published.
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
from lakehouse.marts.explain import clean_predicate
from lakehouse.marts.publish import current_version
from lakehouse.marts.records import VersionRecord
from lakehouse.marts.specs import MartSpec, find_mart
from lakehouse.settings import Lake
from lakehouse.steps.origins import Origins, SourceLine
from lakehouse.steps.published import open_published

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class CleanRow:
    """One clean row behind a mart's row: where its line is, what identifies it, and the line of the file that it came from, of a source of files."""

    line: LineRef
    event_time: dt.datetime
    values: dict[str, Any]
    origin: SourceLine | None = None


@dataclass(frozen=True)
class MartRow:
    """A row of a mart and what is behind it.

    `where`: the condition on the clean table that the row stands for. `clean_rows`: how many clean rows meet it; `counted`: how many the row
    itself says (None where the mart counts something else). `rows`: the first of them by time. `parts`: raw part -> lines of it. `derives_from`:
    the marts between.
    """

    mart: str
    row: dict[str, Any]
    version: int
    where: str
    clean_rows: int
    counted: int | None
    rows: tuple[CleanRow, ...]
    parts: dict[str, int]
    derives_from: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether the mart counts as many rows as there are."""
        return self.counted is None or self.counted == self.clean_rows


def explain_rows(lake: Lake, dataset: Dataset, mart: str, conditions: Mapping[str, str], *, rows: int = 1, lines: int = 20) -> list[MartRow]:
    """What is behind rows of a published mart.

    `conditions`: column -> value as text (cast to the column's type; an empty text is null). `rows`: at most so many rows of the mart, in the
    order of its grain; `lines`: at most so many clean rows of each. Raises `ConfigurationError` for an unknown mart or column, a value that is not
    of the column's type, nothing published, no such row, a mart that is not made of clean rows, and a version whose clean files are gone.
    """
    spec = _spec(dataset, mart)
    version = current_version(lake, dataset)
    if version is None:
        raise ConfigurationError(f"No marts of {dataset.name} are published yet: materialize them, or run `lakehouse demo`.")
    origins = Origins(lake, load_ledger(lake, dataset.name))
    with open_published(lake, dataset, version) as con:
        return [_behind(con, spec, row, version, lines, origins) for row in _mart_rows(con, spec, conditions, rows)]


def _spec(dataset: Dataset, mart: str) -> MartSpec:
    spec = find_mart(mart)
    if spec.dataset != dataset.name:
        raise ConfigurationError(f"The mart {mart} is of the dataset {spec.dataset}, not of {dataset.name}.")
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
        answer = con.execute(f"SELECT * FROM published.{spec.name} WHERE {where} ORDER BY {order} LIMIT {int(rows)}", values)
        columns = [str(d[0]) for d in answer.description]
        found = [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
    except duckdb.ConversionException as error:
        given = ", ".join(f"{name}={value} ({types[name]})" for name, value in conditions.items())
        raise ConfigurationError(f"A value is not of the type of its column: {given}. {str(error).splitlines()[0]}") from error
    if not found:
        given = ", ".join(f"{name}={value}" for name, value in conditions.items()) or "it is empty"
        raise ConfigurationError(f"No row of {spec.name} is like that: {given}. See its rows with: lakehouse sql 'SELECT * FROM marts.{spec.name}'")
    return found


def _behind(con: duckdb.DuckDBPyConnection, spec: MartSpec, row: dict[str, Any], version: VersionRecord, lines: int, origins: Origins) -> MartRow:
    where = clean_predicate(spec, row, version)
    counts = con.execute(f"SELECT _part, count(*) FROM clean WHERE {where} GROUP BY 1 ORDER BY 1").fetchall()
    found = list(_clean_rows(con, where, lines))
    sources = origins.find([one.line for one in found])
    return MartRow(
        mart=spec.name,
        row=row,
        version=version.number,
        where=where,
        clean_rows=sum(int(n) for _, n in counts),
        counted=int(row[spec.explain_counts]) if spec.explain_counts is not None else None,
        rows=tuple(replace(one, origin=source) for one, source in zip(found, sources, strict=True)),
        parts={str(part): int(n) for part, n in counts},
        derives_from=_derives(spec),
    )


def _clean_rows(con: duckdb.DuckDBPyConnection, where: str, lines: int) -> Iterator[CleanRow]:
    answer = con.execute(f"SELECT * FROM clean WHERE {where} ORDER BY event_time, _part, _line LIMIT {int(lines)}")
    columns = [str(d[0]) for d in answer.description]
    for found in answer.fetchall():
        values = dict(zip(columns, found, strict=True))
        line = LineRef(values.pop("_part"), values.pop("_line"))
        yield CleanRow(line, values.pop("event_time"), {k: v for k, v in values.items() if v is not None and not k.startswith("_")})


def _derives(spec: MartSpec) -> tuple[str, ...]:
    found: list[str] = []
    while spec.derives_from is not None and spec.derives_from not in found:
        found.append(spec.derives_from)
        spec = find_mart(spec.derives_from)
    return tuple(found)
