"""The clock of the simulated Reports API: what has happened by now, and what is visible."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

from lakehouse.errors import ConfigurationError


class SimulatorClock:
    """A time that stands until it is set again, another clock, or the system's. Safe between threads."""

    def __init__(self, now: dt.datetime | Callable[[], dt.datetime] | None = None) -> None:
        self._lock = threading.Lock()
        self._now: dt.datetime | Callable[[], dt.datetime] | None = None
        self.set(now)

    def now(self) -> dt.datetime:
        """The time (aware, UTC)."""
        with self._lock:
            now = self._now
        if now is None:
            return dt.datetime.now(dt.UTC)
        return now if isinstance(now, dt.datetime) else now()

    def set(self, now: dt.datetime | Callable[[], dt.datetime] | None) -> None:
        """Set it; None is the system's time."""
        if isinstance(now, dt.datetime) and now.tzinfo is None:
            raise ConfigurationError(f"The clock needs a time with a zone, such as 2026-11-20T12:00:00Z, got {now.isoformat()}.")
        with self._lock:
            self._now = now.astimezone(dt.UTC) if isinstance(now, dt.datetime) else now
