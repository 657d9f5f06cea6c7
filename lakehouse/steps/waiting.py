"""Windows that are under way in threads, seen from the thread that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Protocol, TypeVar

from lakehouse.sources.waiting import Wait

T = TypeVar("T")
_LOOK_EVERY = 0.5  # seconds

Waiting = Callable[[Sequence[Wait]], None]
"""Called twice a second while windows wait before they ask the source again, and once with nothing when none does any more."""


class Waits(Protocol):
    """A source that tells what it waits for, and can be told to stop."""

    @property
    def waiting(self) -> Sequence[Wait]:
        """What its threads wait for at this moment before they ask again."""
        ...

    def stop(self) -> None:
        """Wait for nothing any more."""
        ...


def as_they_end(asked: Iterable[Future[T]], source: Waits, waiting: Waiting | None) -> Iterator[Future[T]]:
    """The futures as they end; in between, what the source waits for is told."""
    left, told = set(asked), False
    while left:
        done, left = wait(left, timeout=_LOOK_EVERY if waiting is not None else None, return_when=FIRST_COMPLETED)
        now = source.waiting
        if waiting is not None and (now or told):
            waiting(now)
        told = bool(now)
        yield from done
    if told and waiting is not None:
        waiting(())
