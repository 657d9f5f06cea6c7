"""Waiting so that others can see it, and end it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from lakehouse.errors import TransientError
from lakehouse.sources.waiting import Wait


class Waits:
    """The waits of all threads of a client. `sleep` is for tests."""

    def __init__(self, sleep: Callable[[float], object] | None, clock: Callable[[], float]) -> None:
        self._stopped = threading.Event()
        self._sleep, self._clock = sleep or self._stopped.wait, clock
        self._lock = threading.Lock()
        self._under_way: dict[int, tuple[Wait, float]] = {}

    def sleep(self, wait: Wait) -> None:
        """Sleep for as long as the wait says. Raises `TransientError` when somebody has no more use for the answer."""
        thread = threading.get_ident()
        with self._lock:
            self._under_way[thread] = (wait, self._clock() + wait.seconds)
        try:
            self._sleep(wait.seconds)
        finally:
            with self._lock:
                del self._under_way[thread]
        if self._stopped.is_set():
            raise TransientError(f"Waiting for {wait.application!r} was broken off ({wait.cause}).")

    def stop(self) -> None:
        """End all waits, those to come too."""
        self._stopped.set()

    def now(self) -> tuple[Wait, ...]:
        """The waits at this moment, each with the seconds that are left of it."""
        with self._lock:
            now = self._clock()
            return tuple(replace(wait, seconds=max(0.0, until - now)) for wait, until in self._under_way.values())
