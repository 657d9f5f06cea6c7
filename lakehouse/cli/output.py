"""How commands print: facts to stdout (tables for people, JSON for machines), everything else to stderr."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import msgspec
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_KEPT_WHOLE = 20  # characters of a cell that a narrow terminal does not break
_GAP = 2  # between columns
PIPE_WIDTH = 200  # a pipe or a file has no width; Rich would cut tables at 80


def facts() -> Console:
    """The console for what a command is asked for."""
    return _console(stderr=False)


def notes() -> Console:
    """The console for progress, hints and errors: never mixed into the facts."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    file = _kept_stderr() if stderr and stream is sys.__stderr__ else None
    return Console(file=file, stderr=stderr, width=width, highlight=False, emoji=False)


@functools.cache
def _kept_stderr() -> TextIO:
    """Where stderr went when it was first asked for. While a step of a run is executed, Dagster turns descriptor 2 to a file of its own."""
    return os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)


def to_json(value: object) -> str:
    """JSON of facts: dataclasses, structs, dates, decimals and enums included."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2).decode()


def _plain(value: object) -> object:
    if hasattr(value, "item"):
        return value.item()  # numpy and Arrow scalars
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(to_json(value) + "\n")


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """RFC 4180 on stdout, header first, but lines end as everywhere on the terminal: a carriage return would stick to the last value in a shell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    sys.stdout.write(out.getvalue())


def text(value: object) -> str:
    """A cell for people: numbers with separators and four decimals at most, times to the second, nothing for null. Markup in data is not obeyed."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _fraction(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return escape(str(value))


def _fraction(value: float) -> str:
    """At most four digits behind the point, and four in all of what is tiny or huge: nobody wants to read 0.30000000000000004."""
    if 0 < abs(value) < 0.001 or abs(value) >= 1e15:
        return f"{value:.4g}"
    whole, point, digits = f"{value:,.4f}".partition(".")
    return f"{whole}.{digits.rstrip('0') or '0'}" if point else whole


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], *, raw: bool = False) -> Table:
    """A Rich table; columns that hold numbers are right-aligned. `raw`: cells are markup already.

    In a narrow terminal headers and long texts fold, numbers and dates do not.
    """
    body = [list(row) for row in rows]
    look: dict[str, Any] = {"box": SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0), "show_header": any(columns)}
    result = Table(title=title, title_justify="left", header_style="bold", **look)
    kept = _kept_whole(body, len(columns), raw=raw)
    widths = _narrowed(columns, body, kept, raw=raw)
    for index, name in enumerate(columns):
        cells = [row[index] for row in body]
        numeric = any(_is_number(cell) for cell in cells) and all(cell is None or _is_number(cell) for cell in cells)
        result.add_column(escape(name), justify="right" if numeric else "left", overflow="fold", min_width=kept[index] or None, width=widths[index])
    for row in body:
        result.add_row(*(cell if raw and isinstance(cell, str) else text(cell) for cell in row))
    return result


def _kept_whole(body: Sequence[Sequence[object]], columns: int, *, raw: bool) -> list[int]:
    """Widths that columns keep in a narrow terminal: short cells whole where all of them fit, else numbers and dates only, else nothing."""
    room = facts().width - 3 * columns
    for most in (_KEPT_WHOLE, 12):
        widths = [max((cell_len(text(r[i])) for r in body if not (raw and isinstance(r[i], str))), default=0) for i in range(columns)]
        kept = [min(width, _KEPT_WHOLE) if width <= most or most == _KEPT_WHOLE else 0 for width in widths]
        if sum(kept) <= room:
            return kept
    return [0] * columns


def _narrowed(columns: Sequence[str], body: Sequence[Sequence[object]], kept: Sequence[int], *, raw: bool) -> Sequence[int | None]:
    """Widths that fit a terminal that is too narrow: the widest column gives first, none what it keeps whole. Nones where Rich may choose.

    Rich takes from every column alike and then gives those their least width back, so that the last ones would be cut off.
    """
    room = facts().width - _GAP * (len(columns) - 1)
    cells = [[Text.from_markup(cell if raw and isinstance(cell, str) else text(cell)).cell_len for cell in row] for row in body]
    widths = [min(room, max(cell_len(name), *(row[index] for row in cells), 0)) for index, name in enumerate(columns)]
    least = [max(width, 1) for width in kept]
    if sum(widths) <= room or sum(least) > room:
        return [None] * len(columns)
    while sum(widths) > room:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def tick(good: bool) -> str:
    """A mark that says yes or no without colour too."""
    return "[green]✓[/]" if good else "[bold red]✗[/]"


def error_panel(message: str, *, title: str = "It did not work") -> None:
    """One clear panel on stderr."""
    notes().print(Panel(escape(message), title=title, title_align="left", border_style="red", expand=False, padding=(0, 1)))


def warn(message: str) -> None:
    """A line that wants attention, on stderr."""
    notes().print(f"[yellow]warning:[/] {escape(message)}")


class Warnings(logging.Handler):
    """Shows what the rooms log as a warning, in the manner of `warn`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        warn(record.getMessage())


def hint(message: str) -> None:
    """A line that helps, on stderr. `message` is markup."""
    notes().print(f"[dim]{message}[/]")


class Noted(Progress):
    """A progress display with room for a line below it."""

    note = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars, and the note where there is one."""
        yield from super().get_renderables()
        if self.note:
            yield Text(self.note, style="yellow")


def progress(*, quiet: bool = False) -> Noted:
    """A progress display on stderr; silent where stderr is no terminal."""
    console = notes()
    return Noted(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
