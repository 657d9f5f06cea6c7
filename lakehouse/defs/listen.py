"""Who started a run in this process hears what it does: the command line prints the same reports that the assets got from the steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

Advance = Callable[[str, int, int], None]
"""Called with (what was done, done so far, in all)."""


@dataclass
class Listener:
    """Collects the reports of the steps, in order, and the partitions that failed in the last try, and passes progress on."""

    advance: Advance | None = None
    reports: list[Any] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)


_LISTENER: ContextVar[Listener | None] = ContextVar("lakehouse_run_listener", default=None)


@contextlib.contextmanager
def listening(advance: Advance | None = None) -> Iterator[Listener]:
    """Hear the runs that are executed in this block, by this thread."""
    listener = Listener(advance)
    token = _LISTENER.set(listener)
    try:
        yield listener
    finally:
        _LISTENER.reset(token)


def report(one: Any) -> None:
    """Hand over the report of a step. Nobody listens in a run that Dagster launched."""
    listener = _LISTENER.get()
    if listener is not None:
        listener.reports.append(one)


def failures(found: Mapping[str, Exception]) -> None:
    """Hand over the partitions that failed in this try, all of them or none."""
    listener = _LISTENER.get()
    if listener is not None:
        listener.failures = dict(found)


def advance(what: str, done: int, total: int) -> None:
    """Say how far a run is."""
    listener = _LISTENER.get()
    if listener is not None and listener.advance is not None:
        listener.advance(what, done, total)
