"""The numbers of a dataset that its page shows, asked as `lakehouse sql` asks. Counts, names and tokens; never the text of a record."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.contracts.sql import sql_text
from lakehouse.datasets.model import Dataset
from lakehouse.settings import Lake
from lakehouse.steps.query import connect, connect_marts

if TYPE_CHECKING:
    import duckdb

    from lakehouse.datasets.model import Trend

DAYS = 92  # that pictures and their tables show, the newest; sums are of all
TOP = 10
GROUPS = 6  # lines of a trend
_LONGEST = 80  # characters of a value
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
ADDRESS = "(an address)"


@dataclass(frozen=True)
class Day:
    """What became of the rows of a day. `quarantined`: rows and unreadable lines; `complete`: every window of it was read."""

    day: dt.date
    kept: int
    duplicates: int
    quarantined: int
    filtered: int
    held: int
    complete: bool

    @property
    def rows(self) -> int:
        """All of them; an unreadable line counts as a row."""
        return self.kept + self.duplicates + self.quarantined + self.filtered + self.held


@dataclass(frozen=True)
class Reason:
    """How many rows and lines a rule refused, or holds (level `held`)."""

    rule: str
    level: str
    count: int


@dataclass(frozen=True)
class Top:
    """The frequent values of a column of clean: value -> rows. `distinct`: how many values there are; `empty`: rows without one."""

    column: str
    meaning: str
    values: tuple[tuple[str, int], ...]
    distinct: int
    empty: int


@dataclass(frozen=True)
class TrendLines:
    """A trend of a mart: line -> date -> value. `groups`: how many lines there would be; the largest are here."""

    title: str
    mart: str
    lines: Mapping[str, Mapping[dt.date, float]]
    groups: int


@dataclass(frozen=True)
class Report:
    """All numbers of one page. `days`: those that were built, oldest first; `lateness`: upper bound in seconds -> rows; `now`: the lake's clock."""

    dataset: str
    title: str
    description: str
    now: dt.datetime
    days: tuple[Day, ...]
    reasons: tuple[Reason, ...]
    lateness: Mapping[int, int]
    tops: tuple[Top, ...]
    trends: tuple[TrendLines, ...]

    def total(self, term: str) -> int:
        """The sum of a term over all days."""
        return sum(int(getattr(day, term)) for day in self.days)


def report_of(lake: Lake, dataset: Dataset) -> Report:
    """The numbers of a dataset as it stands; without days where nothing was built yet."""
    name = dataset.name
    with connect(lake, [dataset]) as con:
        built = tuple(Day(*row) for row in con.execute(_DAYS).fetchall())
        reasons = tuple(
            Reason(*row)
            for row in con.execute(f'SELECT rule, level, count(*) AS n FROM quarantine."{name}" GROUP BY ALL ORDER BY n DESC, rule').fetchall()
        )
        late = con.execute("SELECT seconds, sum(rows)::BIGINT FROM ops.lateness GROUP BY ALL HAVING sum(rows) > 0 ORDER BY ALL").fetchall()
        tops = tuple(_top(con, dataset, column) for column in top_columns(dataset)) if built else ()
        trends = tuple(_trend(con, trend) for trend in dataset.trends if _is_published(con, trend.mart))
    contract = dataset.contract
    return Report(name, contract.title, contract.description, lake.now(), built, reasons, dict(late), tops, trends)


def trends_of(lake: Lake, dataset: Dataset, *, days: int | None = None) -> tuple[TrendLines, ...]:
    """The trends of the marts that are published, asked of their file alone. `days`: of the newest dates of each mart only."""
    if not dataset.trends:
        return ()
    with connect_marts(lake, dataset) as con:
        return tuple(_trend(con, trend, days) for trend in dataset.trends if _is_published(con, trend.mart))


def top_columns(dataset: Dataset) -> tuple[str, ...]:
    """The columns whose frequent values are shown: those that the dataset names, else those with a vocabulary in the contract."""
    closed = (c.name for c in dataset.contract.columns if c.type == "string" and c.allowed and c.pii is None)
    return dataset.top_values or tuple(closed)


def shown(value: object) -> str:
    """A value as a page may show it: cut, and nothing in it that looks like an address in clear, wherever a producer wrote one."""
    text = _ADDRESS.sub(ADDRESS, str(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


_DAYS = """
SELECT b.day, sum(b.kept)::BIGINT, sum(b.duplicate)::BIGINT, sum(b.quarantined + b.unreadable)::BIGINT, sum(b.filtered)::BIGINT, sum(b.held)::BIGINT,
       any_value(d.complete)
FROM ops.books b JOIN (SELECT DISTINCT day, complete FROM ops.builds) d USING (day)
GROUP BY b.day ORDER BY b.day
"""


def _top(con: duckdb.DuckDBPyConnection, dataset: Dataset, column: str) -> Top:
    table = f'clean."{dataset.name}"'
    rows = con.execute(
        f'SELECT "{column}", count(*) AS n FROM {table} WHERE "{column}" IS NOT NULL GROUP BY ALL ORDER BY n DESC, "{column}" LIMIT {TOP}'
    ).fetchall()
    told = con.execute(f'SELECT count(DISTINCT "{column}"), count(*) - count("{column}") FROM {table}').fetchone() or (0, 0)
    meaning = next(c.description for c in dataset.contract.columns if c.name == column)
    return Top(column, meaning, tuple((shown(value), n) for value, n in rows), *told)


def _is_published(con: duckdb.DuckDBPyConnection, mart: str) -> bool:
    return bool(con.execute("SELECT 1 FROM duckdb_views() WHERE schema_name = 'marts' AND view_name = ?", [mart]).fetchone())


def _trend(con: duckdb.DuckDBPyConnection, trend: Trend, days: int | None = None) -> TrendLines:
    """Its largest lines. Dates without rows are not in it."""
    name = f'"{trend.by}"::VARCHAR' if trend.by else sql_text(trend.title)
    mart = f'marts."{trend.mart}"'
    recent = f"mart_date > (SELECT max(mart_date) FROM {mart}) - {days}" if days is not None else "true"
    rows = con.execute(
        f"SELECT coalesce({name}, '-') AS line, mart_date, {trend.measure}::DOUBLE AS n FROM {mart} WHERE ({trend.where}) AND {recent} "
        "GROUP BY ALL HAVING n IS NOT NULL ORDER BY ALL"
    ).fetchall()
    found: dict[str, dict[dt.date, float]] = {}
    for line, date, value in rows:
        found.setdefault(line, {})[date] = value
    largest = sorted(found, key=lambda line: (-sum(found[line].values()), line))[:GROUPS]
    lines: dict[str, Mapping[dt.date, float]] = {}
    for line in largest:
        name = shown(line)
        lines[name if name not in lines else f"{name} {len(lines) + 1}"] = found[line]  # two addresses look the same
    return TrendLines(trend.title, trend.mart, lines, len(found))
