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

    The first error stops what has not begun, and is raised when what has begun is done.
    """
    room = _Room(budget)

    def run(weight: int, task: Callable[[], T]) -> T:
        with room.take(weight):
            return task()

    with ThreadPoolExecutor(workers, thread_name_prefix="grain") as pool:
        futures = [pool.submit(run, weight, task) for weight, task in tasks]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        failed = next((error for f in futures if not f.cancelled() and (error := f.exception()) is not None), None)
        if failed is not None:
            raise failed
        return [f.result() for f in futures]


class _Room:
    """A budget that is waited for."""

    def __init__(self, budget: int) -> None:
        self._budget, self._taken = budget, 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, weight: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + weight <= self._budget)
            self._taken += weight
        try:
            yield
        finally:
            with self._changed:
                self._taken -= weight
                self._changed.notify_all()
