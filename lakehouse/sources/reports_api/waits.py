"""Waiting so that others can see it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from lakehouse.sources.waiting import Wait


class Waits:
    """The waits of all threads of a client."""

    def __init__(self, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._under_way: dict[int, tuple[Wait, float]] = {}

    def sleep(self, wait: Wait) -> None:
        """Sleep for as long as the wait says."""
        thread = threading.get_ident()
        with self._lock:
            self._under_way[thread] = (wait, self._clock() + wait.seconds)
        try:
            self._sleep(wait.seconds)
        finally:
            with self._lock:
                del self._under_way[thread]

    def now(self) -> tuple[Wait, ...]:
        """The waits at this moment, each with the seconds that are left of it."""
        with self._lock:
            now = self._clock()
            return tuple(replace(wait, seconds=max(0.0, until - now)) for wait, until in self._under_way.values())
