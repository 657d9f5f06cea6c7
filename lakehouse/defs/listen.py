"""Who started a run in this process hears what it does: the command line prints the same reports that the assets got from the steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from lakehouse.sources.waiting import Wait
from lakehouse.steps.waiting import Waiting

Advance = Callable[[str, int, int], None]
"""Called with (what was done, done so far, in all)."""


@dataclass
class Listener:
    """Collects the reports of the steps, in order, and the partitions that failed in the last try, and passes progress and waits on.

    `kept`: partitions that stay as they were made before, and why. `gave_up`: the source failed so often that asking it for more is no use now.
    """

    advance: Advance | None = None
    waiting: Waiting | None = None
    reports: list[Any] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    gave_up: bool = False


_LISTENER: ContextVar[Listener | None] = ContextVar("lakehouse_run_listener", default=None)


@contextlib.contextmanager
def listening(advance: Advance | None = None, waiting: Waiting | None = None) -> Iterator[Listener]:
    """Hear the runs that are executed in this block, by this thread."""
    listener = Listener(advance, waiting)
    token = _LISTENER.set(listener)
    try:
        yield listener
    finally:
        _LISTENER.reset(token)


def heard() -> bool:
    """Whether somebody listens: the run is executed by a command, not by Dagster."""
    return _LISTENER.get() is not None


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


def kept(key: str, why: str) -> None:
    """Say that a partition stays as it was made before, and why."""
    listener = _LISTENER.get()
    if listener is not None:
        listener.kept[key] = why


def advance(what: str, done: int, total: int) -> None:
    """Say how far a run is."""
    listener = _LISTENER.get()
    if listener is not None and listener.advance is not None:
        listener.advance(what, done, total)


def waiting(waits: Sequence[Wait]) -> None:
    """Say what a run waits for; nothing when it goes on."""
    listener = _LISTENER.get()
    if listener is not None and listener.waiting is not None:
        listener.waiting(waits)


def gave_up() -> None:
    """Say that the source is left alone for now."""
    listener = _LISTENER.get()
    if listener is not None:
        listener.gave_up = True
