"""How long to wait before another try: full jitter, capped; the server's `Retry-After` wins. And for how long in all."""

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

    @property
    def words(self) -> str:
        """The cause for people."""
        return _words(self.cause, str(self))

    @property
    def away(self) -> bool:
        """Whether the source is away or broken. One that limits its rate, or says when to come again, is there."""
        return self.cause != "rate_limit" and self.wait is None


@dataclass(frozen=True)
class RetryPolicy:
    """`attempts` tries in all. The wait before try n+1 is random in [0, min(cap, base * 2**n)] seconds.

    Ten tries of this wait 2.5 minutes on average: longer than the API's quota window of a minute. `patience`: the longest `Retry-After` that is
    waited for; whoever asks for more is not coming back within this run. `away`: a source that is away (`Retryable.away`) is given up so many
    seconds after its first failure in a row, with the last try at that time.
    """

    attempts: int = 10
    base: float = 1.0
    cap: float = 60.0
    patience: float = 300.0
    away: float = 60.0

    def delay(self, failures: int, retry_after: float | None, random: Callable[[], float]) -> float:
        """Seconds to wait after so many failures in a row (1 or more); `random` yields [0, 1)."""
        jitter = random() * min(self.cap, self.base * 2.0**failures)
        return jitter if retry_after is None else retry_after + min(jitter, 1.0)

    def wait(self, failures: int, failed: Retryable, away_for: float, random: Callable[[], float]) -> float | None:
        """Seconds to wait after so many failures, the last of which was `failed`; None to give up. `away_for`: seconds since it went away."""
        if failures >= self.attempts or self._asks_too_much(failed):
            return None
        delay = self.delay(failures, failed.wait, random)
        if not failed.away:
            return delay
        left = self.away - away_for
        return min(delay, left) if left > 0 else None

    def why_no_more(self, failed: Retryable, away_for: float) -> str:
        """Half a sentence on a limit that the source cannot know; empty where the tries were used up."""
        if self._asks_too_much(failed):
            return f"; it asks to wait {failed.wait:.0f} s, more than the {self.patience:.0f} s that are waited for"
        return f"; a source that is away is given up after {self.away:g} s" if failed.away and away_for >= self.away else ""

    def _asks_too_much(self, failed: Retryable) -> bool:
        return failed.wait is not None and failed.wait > self.patience


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


_WORDS = {
    "rate_limit": "rate limit",
    "timeout": "no answer in time",
    "truncated": "answer cut short",
    "bad_encoding": "answer cannot be unpacked",
    "html_body": "HTML instead of JSON",
    "not_a_page": "answer is no page",
    "token_endpoint": "no token",
}
_BROKEN = {"refused": "connection refused", "reset": "connection reset", "resol": "name not found", "name or service": "name not found"}


def _words(cause: str, message: str) -> str:
    if cause.startswith("http_"):
        return f"HTTP {cause.removeprefix('http_')}"
    if cause in _WORDS:
        return _WORDS[cause]
    return next((words for hint, words in _BROKEN.items() if hint in message.lower()), "connection lost")


def _http_date(text: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
