"""Days and times on the command line, read the same way by every command."""

from __future__ import annotations

import datetime as dt
from typing import Any

import typer

_DAYS = ("%Y-%m-%d",)
_TIMES = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d")


def parse_day(text: str) -> dt.datetime:
    """The first instant of a day, naive (UTC is meant). `typer.BadParameter` for anything else."""
    return _parse(text, _DAYS, "a day (UTC), such as 2026-11-18")


def parse_time(text: str) -> dt.datetime:
    """An instant, naive (UTC is meant). `typer.BadParameter` for anything else."""
    return _parse(text, _TIMES, "a time (UTC), such as 2026-11-18, 2026-11-18T13, 2026-11-18T13:30 or 2026-11-18T13:30:00Z")


DAY: dict[str, Any] = {"parser": parse_day, "metavar": "DAY", "show_default": False}
TIME: dict[str, Any] = {"parser": parse_time, "metavar": "TIME", "show_default": False}


def _parse(text: str, formats: tuple[str, ...], expected: str) -> dt.datetime:
    wrong: ValueError | None = None
    for form in formats:
        try:
            return dt.datetime.strptime(text, form)  # noqa: DTZ007  made aware where it is used
        except ValueError as error:
            wrong = error
    raise typer.BadParameter(f"expected {expected}, got {text!r}.") from wrong
