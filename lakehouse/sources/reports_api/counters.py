"""What a walk did on the wire, counted."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any


class Counters:
    """Counts of one walk, added to those of its client as they happen. Safe between threads.

    requests: HTTP requests sent, retries included. pages, records: what came. bytes: of page bodies, unpacked. malformed_pages: pages with an item
    that is no JSON. order_violations: records later than the one before them. waited_seconds: for the rate limit and before retries.
    retries: cause -> how often (`http_503`, `rate_limit`, `timeout`, `connection`, `truncated`, `html_body`, `not_a_page`, `bad_encoding`,
    `unauthorized`, `token_endpoint`).
    """

    def __init__(self, parent: Counters | None = None) -> None:
        self._parent = parent
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()
        self._waited = 0.0

    def add(self, **counts: int) -> None:
        """Add to named counts."""
        with self._lock:
            self._counts.update(counts)
        if self._parent is not None:
            self._parent.add(**counts)

    def retried(self, cause: str) -> None:
        """Count a retry."""
        with self._lock:
            self._retries[cause] += 1
        if self._parent is not None:
            self._parent.retried(cause)

    def waited(self, seconds: float) -> None:
        """Count time spent waiting."""
        with self._lock:
            self._waited += seconds
        if self._parent is not None:
            self._parent.waited(seconds)

    def as_dict(self) -> dict[str, Any]:
        """All of them, for a manifest."""
        names = ("requests", "pages", "records", "bytes", "malformed_pages", "order_violations")
        with self._lock:
            return {
                **{name: self._counts[name] for name in names},
                "waited_seconds": round(self._waited, 3),
                "retries": dict(sorted(self._retries.items())),
            }
