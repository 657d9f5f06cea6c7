"""A few tasks at once, as long as what they hold in memory together stays within a budget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def run_within(tasks: Sequence[tuple[int, Callable[[], T]]], *, workers: int, budget: int) -> list[T]:
    """The results of tasks `(weight, task)`, in their order. A task heavier than the budget runs alone.

    After the first error, or an interrupt, no other task begins; it is raised when those under way are done.
    """
    room = Room(budget)

    def run(weight: int, task: Callable[[], T]) -> T:
        with room.take(weight):
            try:
                return task()
            except BaseException:
                room.close()
                raise

    with ThreadPoolExecutor(workers, thread_name_prefix="grain") as pool:
        futures = [pool.submit(run, weight, task) for weight, task in tasks]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            room.close()
            pool.shutdown(wait=True, cancel_futures=True)
        errors = [error for f in futures if not f.cancelled() and (error := f.exception()) is not None]
        failed = next((error for error in errors if not isinstance(error, ClosedError)), None)
        if failed is not None:
            raise failed
        return [f.result() for f in futures]


class ClosedError(Exception):
    """The task was not begun: nobody wants it any more."""


class Room:
    """A budget that is waited for. What weighs more than all of it is let in alone."""

    def __init__(self, budget: int) -> None:
        self._budget, self._taken, self._closed = budget, 0, False
        self._changed = threading.Condition()

    @property
    def closed(self) -> bool:
        """Whether nobody is let in any more."""
        return self._closed

    def close(self) -> None:
        """Let nobody in any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @contextmanager
    def take(self, weight: int) -> Iterator[None]:
        """Wait until there is room, and take it. Raises `ClosedError` once the room is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._taken or self._taken + weight <= self._budget)
            if self._closed:
                raise ClosedError
            self._taken += weight
        try:
            yield
        finally:
            with self._changed:
                self._taken -= weight
                self._changed.notify_all()
