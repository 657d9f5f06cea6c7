"""How long to wait before another try: full jitter, capped; the server's `Retry-After` wins."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable, Mapping
from dataclasses import dataclass


class Retryable(Exception):  # noqa: N818  it is no error yet
    """Worth another try. `cause`: what the retry is counted under. `wait`: seconds that the server asked for."""

    def __init__(self, cause: str, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.wait = wait


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` tries in all. The wait before try n+1 is random in [0, min(cap, base * 2**n)] seconds.

    Ten tries of this wait 2.5 minutes on average: longer than the API's quota window of a minute. `patience`: the longest `Retry-After` that is
    waited for; whoever asks for more is not coming back within this run.
    """

    attempts: int = 10
    base: float = 1.0
    cap: float = 60.0
    patience: float = 300.0

    def delay(self, failures: int, retry_after: float | None, random: Callable[[], float]) -> float:
        """Seconds to wait after so many failures in a row (1 or more); `random` yields [0, 1)."""
        jitter = random() * min(self.cap, self.base * 2.0**failures)
        return jitter if retry_after is None else retry_after + min(jitter, 1.0)


def retry_after(headers: Mapping[str, str], now: Callable[[], dt.datetime]) -> float | None:
    """Seconds that the header `Retry-After` asks for: a number, or a date minus the answer's own `Date` (the server's clock; else `now`)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    return max(0.0, (until - (_http_date(headers.get("Date", "")) or now())).total_seconds())


def _http_date(text: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
