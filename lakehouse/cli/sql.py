"""`lakehouse sql`: one DuckDB session over marts, clean, quarantine and the operational tables."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.output import PIPE_WIDTH, error_panel, facts, hint, notes, print_csv, print_json, table
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading
from lakehouse.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

SHOWN_ROWS = 200
PROMPT, MORE = "lakehouse> ", "      ...> "
HELP = """\
Write SQL and end it with a semicolon. .tables lists tables, .schema NAME describes one, .help shows this, .quit leaves (or Ctrl-D).
marts.<model>  clean.<dataset>  quarantine.<dataset>  ops.books | fetches | parts | coverage | recovered | lateness | filtered | census | builds"""


def sql(
    ctx: typer.Context,
    query: Annotated[
        str | None,
        typer.Argument(metavar="SQL", help="SQL in DuckDB's dialect; `-` reads it from standard input. Left out: a prompt.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="Read the SQL from a file.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.", show_default=False)] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Rows shown in a table for people; 0 shows all. JSON and CSV are never cut.")
    ] = SHOWN_ROWS,
    lake: LakeOption = None,
) -> None:
    """Ask marts, clean, quarantine and books in one DuckDB session.

    Published marts are opened read-only: a build that runs at the same time neither waits nor fails. Of several statements the last answer is
    printed. A table for people rounds to four decimals; JSON and CSV do not. Columns of one name are n and n_1 in JSON.

    Example:  [bold]lakehouse sql "SELECT rule, count(*) FROM quarantine.workspace_audit GROUP BY ALL"[/]
    """
    if as_json and as_csv:
        raise ConfigurationError("Choose one of --json and --csv.")
    text = _text(query, file)
    from lakehouse.steps.query import connect

    with connect(open_for_reading(ctx, lake)) as con:
        if text is None:
            prompt(con, limit=limit)
            return
        form = "json" if as_json else "csv" if as_csv else "table"
        _print(_ask(con, text), form, limit)


def _text(query: str | None, file: Path | None) -> str | None:
    if query is not None and file is not None:
        raise ConfigurationError("Give the SQL as an argument or with -f, not both.")
    if file is not None:
        return _decoded(file.read_bytes(), str(file))
    if query == "-" or (query is None and not sys.stdin.isatty()):
        return _decoded(sys.stdin.buffer.read(), "Standard input")
    return query


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where} is not UTF-8: {error}. Expected text with SQL; save it as UTF-8.") from error


def _ask(con: duckdb.DuckDBPyConnection, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    import duckdb

    if not text.strip().strip(";"):
        raise ConfigurationError('There is no SQL to run. Example: lakehouse sql "SELECT * FROM ops.coverage"')
    try:
        return _interruptible(con, text)
    except duckdb.Error as error:
        raise ConfigurationError(f"DuckDB refused the query: {error}\nTables: lakehouse sql 'SHOW ALL TABLES', or .tables at the prompt.") from error


def _interruptible(con: duckdb.DuckDBPyConnection, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The answer, asked for in a thread: in this one DuckDB would look for Ctrl-C between its tasks only, of which one may last for minutes."""
    from concurrent.futures import ThreadPoolExecutor, wait

    def ask() -> tuple[list[str], list[tuple[Any, ...]]]:
        answer = con.execute(text)
        columns = [str(d[0]) for d in answer.description or []]
        return columns, answer.fetchall() if columns else []

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            while not asked.done():
                wait([asked], 0.1)  # not for ever: a signal that another thread was given is seen between two waits
            return asked.result()
        except KeyboardInterrupt:
            while not asked.done():
                con.interrupt()  # more than once: a query that has not begun does not hear it
                wait([asked], 0.1)
            raise


def _print(answer: tuple[list[str], list[tuple[Any, ...]]], form: str, limit: int) -> None:
    columns, rows = answer
    if form == "json":
        names = _told_apart(columns)
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    elif form == "csv":
        print_csv(columns, rows)
    else:
        shown = rows if limit == 0 else rows[:limit]
        console = facts()
        result = table(None, columns, shown)
        if not console.is_terminal:
            console.width = max(PIPE_WIDTH, console.measure(result).maximum)
        console.print(result)
        cut = f", the first {len(shown):,} shown (--limit 0 shows all)" if len(shown) < len(rows) else ""
        hint(f"{len(rows):,} row{'' if len(rows) == 1 else 's'}{cut}")


def _told_apart(columns: Sequence[str]) -> list[str]:
    """The names with a number behind those that were there before, in the manner of DuckDB: n, n_1. An object of JSON has each name once."""
    names: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in names or (number and name in columns):
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def prompt(con: duckdb.DuckDBPyConnection, *, limit: int) -> None:
    """Read SQL from the terminal until Ctrl-D. An error is shown, and the next line read; so it is after Ctrl-C, which ends a query that runs."""
    with contextlib.suppress(ImportError):  # not on Windows, whose terminal edits lines by itself
        import readline  # noqa: F401  line editing and history for input()
    notes().print(HELP)
    pending = ""
    while True:
        try:
            line = input(MORE if pending else PROMPT)
        except EOFError:
            notes().print()
            return
        except KeyboardInterrupt:
            notes().print()
            pending = ""
            continue
        if not pending and line.strip().startswith("."):
            if line.strip() in (".quit", ".exit", ".q"):
                return
            _dot_command(con, line.strip())
            continue
        pending = f"{pending}\n{line}".strip()
        if pending.endswith(";"):
            _answer(con, pending, limit)
            pending = ""


def _answer(con: duckdb.DuckDBPyConnection, text: str, limit: int) -> None:
    try:
        _print(_ask(con, text), "table", limit)
    except KeyboardInterrupt:
        notes().print("interrupted")
    except ConfigurationError as error:
        error_panel(str(error))


def _dot_command(con: duckdb.DuckDBPyConnection, line: str) -> None:
    from lakehouse.steps.query import relations

    command, _, name = line.partition(" ")
    if command == ".tables":
        facts().print(table(None, ["table", "columns", "what it is"], [(f"{r.schema}.{r.name}", r.columns, r.comment or "") for r in relations(con)]))
    elif command == ".schema" and name.strip():
        _answer(con, f"DESCRIBE {name.strip().rstrip(';')}", 0)
    else:
        notes().print(HELP)
