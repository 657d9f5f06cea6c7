"""How long the client waits: full jitter, what the server asks for, and the rate limit."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_api_helpers import NOW, Waits

from lakehouse.errors import ConfigurationError
from lakehouse.sources.reports_api.ratelimit import TokenBucket
from lakehouse.sources.reports_api.retry import RetryPolicy, retry_after


@pytest.mark.parametrize(("failures", "longest"), [(1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (9, 60), (500, 60)])
def test_the_wait_is_anything_up_to_a_doubling_limit_of_a_minute(failures: int, longest: float) -> None:
    policy = RetryPolicy()
    assert policy.delay(failures, None, lambda: 0.0) == 0
    assert policy.delay(failures, None, lambda: 0.5) == longest / 2
    assert policy.delay(failures, None, lambda: 0.999999) <= longest


def test_the_server_is_never_asked_before_the_time_it_named() -> None:
    policy = RetryPolicy()
    assert policy.delay(1, 90.0, lambda: 0.0) == 90.0
    assert 90.0 <= policy.delay(9, 90.0, lambda: 0.9) <= 91.0
    assert policy.delay(9, 0.0, lambda: 0.9) <= 1.0


def test_ten_tries_outlast_a_quota_window_of_a_minute() -> None:
    policy = RetryPolicy()
    assert sum(policy.delay(failures, None, lambda: 0.5) for failures in range(1, policy.attempts)) > 120


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Fri, 20 Nov 2026 15:00:30 GMT"}, 30.0),
        ({"Retry-After": "Fri, 20 Nov 2026 14:00:00 GMT"}, 0.0),
        ({"Retry-After": "Tue, 16 Aug 2022 10:00:05 GMT", "Date": "Tue, 16 Aug 2022 10:00:00 GMT"}, 5.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_against_the_servers_own(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, lambda: NOW) == seconds


@given(
    per_minute=st.integers(2, 6000),
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=400),
)
def test_no_minute_ever_sees_more_than_the_limit(per_minute: int, gaps: list[float]) -> None:
    waits = Waits()
    bucket = TokenBucket(per_minute, clock=waits.monotonic)
    moments = []
    for gap in gaps:
        waits.sleep(gap)
        waits.sleep(bucket.take())
        moments.append(waits.monotonic())
    for first in range(len(moments) - per_minute):
        assert moments[first + per_minute] - moments[first] > 60 - 1e-6


def test_the_rate_reaches_what_is_allowed() -> None:
    waits = Waits()
    bucket = TokenBucket(120, clock=waits.monotonic)
    for _ in range(241):
        waits.sleep(bucket.take())
    assert 120 <= waits.monotonic() <= 123


def test_without_a_limit_nothing_waits() -> None:
    bucket = TokenBucket(None)
    assert [bucket.take() for _ in range(10_000)] == [0.0] * 10_000


def test_threads_share_one_limit() -> None:
    asked: list[float] = []
    bucket = TokenBucket(60, clock=lambda: 0.0)
    threads = [threading.Thread(target=lambda: asked.extend([bucket.take() for _ in range(5)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The clock stands: one call goes at once, each of the other 19 has a turn of its own, 60/59 s after the one before.
    assert sorted(asked) == pytest.approx([turn * 60 / 59 for turn in range(20)])


@pytest.mark.parametrize("per_minute", [1, 0.5, -3])
def test_a_limit_that_cannot_work_is_refused(per_minute: float) -> None:
    with pytest.raises(ConfigurationError, match=r"at least 2 .*datasets\.<name>\.source\.queries_per_minute in lake\.json"):
        TokenBucket(per_minute)


def test_the_date_of_the_answer_may_be_missing() -> None:
    assert retry_after({"Retry-After": "Fri, 20 Nov 2026 15:01:00 GMT", "Date": "today"}, lambda: NOW) == dt.timedelta(minutes=1).total_seconds()
