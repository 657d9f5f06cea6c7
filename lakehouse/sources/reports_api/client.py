"""The client of the Admin SDK Reports API: walks one window of one application, page by page, and yields its items verbatim."""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from lakehouse.errors import TerminalError, TransientError
from lakehouse.sources.ahead import one_ahead
from lakehouse.sources.reports_api.answers import Answer, Identity, problem_of, refusal, retry_cause
from lakehouse.sources.reports_api.counters import Counters
from lakehouse.sources.reports_api.options import ReportsApiOptions
from lakehouse.sources.reports_api.order import OrderWatch
from lakehouse.sources.reports_api.pages import Page, parse_page
from lakehouse.sources.reports_api.ratelimit import TokenBucket
from lakehouse.sources.reports_api.retry import Retryable, RetryPolicy, retry_after
from lakehouse.sources.reports_api.transport import Transport
from lakehouse.sources.reports_api.waits import Waits
from lakehouse.sources.waiting import Wait

OWN_LIMIT = "own limit of queries per minute"  # what a wait of the client's is for, beside failures

log = logging.getLogger(__name__)


class Authorization(Protocol):
    """What the client needs of credentials."""

    identity: Identity

    def headers(self) -> dict[str, str]:
        """Headers of a request."""
        ...

    def renew(self, refused: Mapping[str, str]) -> None:
        """Get another token after these headers were refused."""
        ...


class Walk:
    """The pages of one window: an iterator of lists of lines, newest first, with counters of its own.

    `start` and `end` are what is really asked for: the start is moved to what the API still keeps. The next page is asked
    for while one is worked on: two are in memory at a time. The window has been read without gaps only when the iterator is exhausted.
    """

    def __init__(self, pages: Iterator[list[bytes]], start: dt.datetime, end: dt.datetime, counters: Counters) -> None:
        self.start = start
        self.end = end
        self._pages = pages
        self._counters = counters

    @property
    def counters(self) -> dict[str, Any]:
        """Counts of this walk so far, for its manifest."""
        return self._counters.as_dict()

    def __iter__(self) -> Iterator[list[bytes]]:
        """Itself."""
        return self

    def __next__(self) -> list[bytes]:
        """The lines of the next page."""
        return next(self._pages)


class ReportsApiClient:
    """Asks the API, for as many threads as like. `now` is the lake's clock; sleep, random and monotonic are for tests."""

    def __init__(
        self,
        options: ReportsApiOptions,
        *,
        now: Callable[[], dt.datetime],
        authorizer: Authorization | None = None,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], None] | None = None,
        rand: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self._now = now
        self._authorizer = authorizer
        self._retry = retry or RetryPolicy(away=options.away)
        self._rand = rand
        self._monotonic = monotonic
        self._waits = Waits(sleep, monotonic)
        self._queries = TokenBucket(options.queries_per_minute, clock=monotonic)
        self._transport = Transport(options)
        self._counters = Counters()

    @property
    def counters(self) -> dict[str, Any]:
        """Counts of all walks of this client."""
        return self._counters.as_dict()

    @property
    def identity(self) -> Identity:
        """Who asks."""
        return self._authorizer.identity if self._authorizer else Identity()

    @property
    def waiting(self) -> tuple[Wait, ...]:
        """What its threads wait for at this moment before they ask again."""
        return self._waits.now()

    def stop(self) -> None:
        """Wait for nothing any more: whoever waits, and whoever would, fails with `TransientError`."""
        self._waits.stop()

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def window(self, application: str, start: dt.datetime, end: dt.datetime) -> Walk:
        """Walk the window [start, end). The API may take both ends as inclusive: a record at `end` may come too and is not dropped.

        Raises `TerminalError` for a window that the API no longer keeps or that lies in the future; the walk raises `TransientError` after the last
        attempt, or `TerminalError` for a refusal.
        """
        begin = self._clamp(application, start, end)
        query = {
            "startTime": _rfc3339(begin),
            "endTime": _rfc3339(end, up=True),
            "maxResults": str(self.options.page_size),
            "prettyPrint": "false",
        }
        counters = Counters(self._counters)
        return Walk(one_ahead(self._pages(application, query, counters)), begin, end, counters)

    def newest(self, application: str) -> bytes | None:
        """The newest record that is visible: one request, for a first contact. None when there is none."""
        query = {"maxResults": "1", "prettyPrint": "false"}
        for lines in self._pages(application, query, Counters(self._counters)):
            if lines:
                return lines[0]
        return None

    def _clamp(self, application: str, start: dt.datetime, end: dt.datetime) -> dt.datetime:
        if start.tzinfo is None or end.tzinfo is None or start >= end:
            raise TerminalError(f"Expected a window with start < end and time zones, got {start.isoformat()} to {end.isoformat()}.")
        now = self._now()
        oldest = now - self.options.retention
        # A minute of grace: the API's clock is not ours and moves on while the pages are read; it refuses a window that is wholly too old.
        if end <= oldest + dt.timedelta(minutes=1):
            days = self.options.retention.days
            raise TerminalError(
                f"The Reports API keeps {days} days: the window {start.isoformat()} to {end.isoformat()} of {application!r} can no longer be fetched "
                f"(it is {now.isoformat()}; the oldest that can be asked for is {oldest.isoformat()})."
            )
        if start >= now:
            raise TerminalError(
                f"The window {start.isoformat()} to {end.isoformat()} of {application!r} lies in the future: it is {now.isoformat()}."
            )
        if start < oldest:
            log.warning("%s: the window from %s is cut to %s, the API keeps no more", application, start.isoformat(), oldest.isoformat())
        return max(start, oldest)

    def _pages(self, application: str, query: Mapping[str, str], counters: Counters) -> Iterator[list[bytes]]:
        seen: set[str] = set()
        token: str | None = None
        watch = OrderWatch()
        for _ in range(self.options.max_pages):
            page, body = self._page(application, {**query, **({"pageToken": token} if token else {})}, counters)
            counters.add(
                pages=1,
                records=len(page.items),
                bytes=len(body),
                malformed_pages=int(page.malformed),
                order_violations=watch.violations(body, page.items),
            )
            token = page.next_token
            if token in seen:
                raise TransientError(f"The Reports API gave the same page token twice for {application!r} ({_where(query)}): the walk would not end.")
            yield page.items
            if token is None:
                return
            seen.add(token)
        raise TerminalError(
            f"The walk of {application!r} ({_where(query)}) did not end after {self.options.max_pages} pages: ask for a shorter window."
        )

    def _page(self, application: str, query: Mapping[str, str], counters: Counters) -> tuple[Page, bytes]:
        """One page and its body, asked for as often and as long as the policy allows."""
        waited = 0.0
        away_since: float | None = None
        for failures in range(1, self._retry.attempts + 1):
            try:
                return self._attempt(application, query, counters, failures)
            except Retryable as again:
                failed = again
            now = self._monotonic()
            away_since = (away_since if away_since is not None else now) if failed.away else None
            away_for = now - away_since if away_since is not None else 0.0
            delay = self._retry.wait(failures, failed, away_for, self._rand)
            if delay is None:
                break
            log.info("%s: %s, trying again in %.1f s (%s)", application, failed.cause, delay, failed)
            counters.retried(failed.cause)
            counters.waited(delay)
            waited += delay
            self._waits.sleep(Wait(application, failed.words, failures + 1, self._retry.attempts, delay))
        raise TransientError(
            f"The Reports API gave no page of {application!r} ({_where(query)}) after {failures} tries and {waited:.0f} s of waiting"
            f"{self._retry.why_no_more(failed, away_for)}. The last failure: {failed.cause}: {failed}"
        ) from failed

    def _attempt(self, application: str, query: Mapping[str, str], counters: Counters, attempt: int) -> tuple[Page, bytes]:
        headers = self._headers()
        answer = self._ask(application, query, headers, counters, attempt)
        if answer.status == 401 and self._authorizer is not None:
            counters.retried("unauthorized")
            self._authorizer.renew(headers)
            answer = self._ask(application, query, self._headers(), counters, attempt)
        if answer.status == 200:
            page = parse_page(answer.body)
            if page.error is None:
                return page, answer.body
        problem = problem_of(answer.status, answer.body)
        cause = retry_cause(problem)
        if cause is None:
            raise refusal(problem, application, self.identity, paging="pageToken" in query)
        raise Retryable(cause, f"{problem.code} {problem.reason}: {problem.message}", retry_after(answer.headers, self._now))

    def _ask(self, application: str, query: Mapping[str, str], headers: Mapping[str, str], counters: Counters, attempt: int) -> Answer:
        if seconds := self._queries.take():
            counters.waited(seconds)
            self._waits.sleep(Wait(application, OWN_LIMIT, attempt, self._retry.attempts, seconds))
        counters.add(requests=1)
        url = f"{self.options.url}/admin/reports/v1/activity/users/all/applications/{quote(application, safe='')}"
        return self._transport.get(url, query, headers)

    def _headers(self) -> dict[str, str]:
        return self._authorizer.headers() if self._authorizer is not None else {}


def _rfc3339(moment: dt.datetime, *, up: bool = False) -> str:
    """Milliseconds, as the API writes its own times; what lies between them is rounded to the outside of the window."""
    utc = moment.astimezone(dt.UTC)
    if up:
        utc += dt.timedelta(microseconds=-utc.microsecond % 1000)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _where(query: Mapping[str, str]) -> str:
    return f"{query.get('startTime', 'the beginning')} to {query.get('endTime', 'now')}"
