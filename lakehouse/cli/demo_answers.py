"""The questions that the demo asks of the published marts, and how the answers are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from lakehouse.cli.output import table, text

if TYPE_CHECKING:
    import duckdb

    from lakehouse.datasets.model import Dataset
    from lakehouse.marts.specs import Question

_ROWS, _SHORT_CELLS = 5, 5


@dataclass(frozen=True)
class Answer:
    """A question in words, the SQL that was asked, and what came."""

    ask: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def answers(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[Answer]:
    """The first question of each mart that the dataset shows."""
    from lakehouse.marts.specs import find_mart

    return [_ask(con, find_mart(name).questions[0]) for name in dataset.showcase]


def example(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> tuple[str, ...]:
    """Arguments of `lakehouse explain row` for the row of a dated mart that counts most; none where no mart says how many rows it counts."""
    from lakehouse.marts.specs import mart_specs

    counted = [s for s in mart_specs(dataset.name) if s.explain_counts and s.dated]
    spec = next((s for s in counted if s.name in dataset.showcase), next(iter(counted), None))
    if spec is None:
        return ()
    columns = ", ".join(spec.grain)
    row = con.execute(f"SELECT {columns} FROM marts.{spec.name} ORDER BY {spec.explain_counts} DESC, {columns} LIMIT 1").fetchone()
    values = [str(v).lower() if isinstance(v, bool) else "" if v is None else str(v) for v in row or ()]
    return (spec.name, *(f"{name}={value}" for name, value in zip(spec.grain, values, strict=False)))


def show_answers(dataset: str, found: Sequence[Answer], console: Console, *, short: bool) -> None:
    """Print them: as tables, or (`short`) the first row of each on a line."""
    if short:
        console.print(f"[bold]{dataset}[/]")
    for one in found:
        if short:
            console.print(f"  {escape(one.ask)}\n    [dim]{_line(one)}[/]", soft_wrap=True)
        else:
            console.print(f"[bold]{escape(one.ask)}[/]")
            console.print(table(None, one.columns, one.rows))
            console.print()


def _line(one: Answer) -> str:
    if not one.rows:
        return "no row"
    cells = [f"{name} {text(value)}" for name, value in zip(one.columns, one.rows[0], strict=True)]
    more = f" (the first of {len(one.rows)}{'+' if len(one.rows) == _ROWS else ''} rows)" if len(one.rows) > 1 else ""
    return ", ".join(cells[:_SHORT_CELLS]) + more


def _ask(con: duckdb.DuckDBPyConnection, question: Question) -> Answer:
    found = con.execute(question.sql)
    columns = tuple(str(d[0]) for d in found.description or ())
    return Answer(question.ask, question.sql, columns, tuple(found.fetchmany(_ROWS)))
