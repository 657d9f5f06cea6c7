"""A client-side rate limit that threads share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lakehouse.errors import ConfigurationError


class TokenBucket:
    """Lets at most `per_minute` calls through in any 60 seconds: a burst of one second's worth, then an even flow that leaves room for it.

    `per_minute` None lets everything through. A caller takes its turn under the lock and waits for it outside, so that threads queue in order.
    """

    def __init__(self, per_minute: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        if per_minute is not None and per_minute < 2:
            raise ConfigurationError(
                f"A rate limit needs at least 2 queries a minute, got {per_minute}. Mend datasets.<name>.source.queries_per_minute in lake.json."
            )
        self._burst = max(1.0, per_minute / 60) if per_minute else 0.0
        self._per_second = (per_minute - self._burst) / 60 if per_minute else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = self._burst
        self._filled = clock()

    def take(self) -> float:
        """Take one turn; returns the seconds until it comes, which the caller waits."""
        if not self._burst:
            return 0.0
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._per_second) - 1
            self._filled = now
            return max(0.0, -self._tokens / self._per_second)
