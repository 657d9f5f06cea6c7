"""How long a page is waited for in all, and what can be seen of it meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from reports_api_helpers import HOUR, NOW, QuickClient, many, told

from lakehouse.errors import TransientError
from lakehouse.sources.reports_api.client import OWN_LIMIT, ReportsApiClient
from lakehouse.sources.reports_api.options import ReportsApiOptions
from lakehouse.sources.reports_api.retry import Retryable
from lakehouse.sources.waiting import Seldom, Wait, sentence

MakeClient = Callable[..., QuickClient]


def test_a_source_that_is_away_is_given_up_a_minute_after_its_first_failure(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"status": 503, "times": 99}]), attempts=10)
    with pytest.raises(TransientError, match=r"after 7 tries and 60 s of waiting; a source that is away is given up after 60 s\. .*http_503"):
        client.read()
    assert client.waits.slept == [1, 2, 4, 8, 16, 29]  # half of 2, 4, 8 and so on; what is left of the minute at last


def test_a_rate_limit_is_waited_for_longer_than_a_minute(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"status": 429, "times": 8}]), attempts=10)
    assert len(client.read()) == 3
    assert sum(client.waits.slept) == 1 + 2 + 4 + 8 + 16 + 30 + 30 + 30


def test_a_source_that_says_when_to_come_again_is_there(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"status": 503, "retry_after": 40, "times": 3}]), attempts=10)
    assert len(client.read()) == 3
    assert client.waits.slept == [41, 41, 41]


def test_the_minute_begins_anew_when_the_source_was_there_in_between(serve: Any, client_of: MakeClient) -> None:
    faults = [{"status": 503, "times": 4}, {"status": 429}, {"status": 503, "times": 2}]
    client = client_of(serve(told(*many(3)), faults=faults), attempts=10)
    assert len(client.read()) == 3
    assert client.waits.slept == [1, 2, 4, 8, 16, 30, 30]


def test_no_patience_is_one_try(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(3)), faults=[{"status": 503, "times": 9}])
    client = _patient(server.url, 0)
    with pytest.raises(TransientError, match=r"after 1 tries and 0 s"):
        next(client.window("token", HOUR, NOW))
    assert len(server.requests) == 1


def _patient(url: str, seconds: float) -> ReportsApiClient:
    return ReportsApiClient(ReportsApiOptions(url=url, away=seconds, queries_per_minute=None), now=lambda: NOW)


@pytest.mark.parametrize(
    ("cause", "message", "words", "away"),
    [
        ("http_503", "503 backendError: x", "HTTP 503", True),
        ("rate_limit", "429 rateLimitExceeded: x", "rate limit", False),
        ("timeout", "timed out", "no answer in time", True),
        ("truncated", "IncompleteRead", "answer cut short", True),
        ("connection", "[Errno 111] Connection refused", "connection refused", True),
        ("connection", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", "connection reset", True),
        ("connection", "Failed to resolve 'admin.example.com' ([Errno -2] Name or service not known)", "name not found", True),
        ("connection", "Remote end closed connection without response", "connection lost", True),
        ("token_endpoint", "The token endpoint could not be reached", "no token", True),
    ],
)
def test_what_is_waited_for_has_words(cause: str, message: str, words: str, away: bool) -> None:
    failed = Retryable(cause, message)
    assert (failed.words, failed.away) == (words, away)
    assert not Retryable(cause, message, wait=3.0).away


def test_real_failures_have_these_words(serve: Any, client_of: MakeClient) -> None:
    assert _seen(client_of(serve(told(*many(3)), faults=[{"reset": True}]))) == ["connection reset"]
    assert _seen(client_of(serve(told(*many(3)), faults=[{"status": 502, "body": "html"}]))) == ["HTTP 502"]
    assert _seen(client_of(serve(told(*many(3)), faults=[{"status": 403, "reason": "rateLimitExceeded"}]))) == ["rate limit"]
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert _seen(QuickClient(f"http://127.0.0.1:{held.getsockname()[1]}", attempts=2)) == ["connection refused"]


def _seen(client: QuickClient) -> list[str]:
    """What the client says it waits for while it waits."""
    seen: list[Wait] = []
    sleep = client.waits.sleep
    client._waits._sleep = lambda seconds: (seen.extend(client.waiting), sleep(seconds))
    with contextlib.suppress(TransientError):
        client.read()
    assert client.waiting == ()
    return [wait.cause for wait in seen]


def test_what_is_waited_for_can_be_seen_with_the_seconds_that_are_left(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"status": 503, "times": 2}]), attempts=10)
    seen: list[Wait] = []

    def sleep(seconds: float) -> None:
        client.waits.sleep(seconds / 4)
        seen.extend(client.waiting)
        client.waits.sleep(seconds * 3 / 4)

    client._waits._sleep = sleep
    assert len(client.read()) == 3
    assert seen == [Wait("token", "HTTP 503", 2, 10, 0.75), Wait("token", "HTTP 503", 3, 10, 1.5)]
    assert client.waiting == ()


def test_who_has_no_more_use_for_an_answer_does_not_wait_for_it(serve: Any) -> None:
    server = serve(told(*many(3)), faults=[{"status": 429, "retry_after": 250, "times": 9}])
    client = _patient(server.url, 60)
    stopper = threading.Thread(target=lambda: (_until(lambda: bool(client.waiting)), client.stop()))
    stopper.start()
    with pytest.raises(TransientError, match=r"Waiting for 'token' was broken off \(rate limit\)"):
        next(client.window("token", HOUR, NOW))
    stopper.join()
    assert len(server.requests) == 1


def test_the_limit_of_its_own_is_waited_for_in_sight(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3))), per_minute=6, page_size=1)
    seen: list[Wait] = []
    client._waits._sleep = lambda seconds: (seen.extend(client.waiting), client.waits.sleep(seconds))
    assert len(client.read()) == 3
    assert seen == [Wait("token", OWN_LIMIT, 1, 4, pytest.approx(12.0))] * 2
    assert client.counters["waited_seconds"] == pytest.approx(24.0)
    assert client.waiting == ()


def test_who_waits_for_the_limit_of_its_own_can_be_told_to_stop(serve: Any) -> None:
    server = serve(told(*many(3)))
    options = ReportsApiOptions(url=server.url, page_size=1, queries_per_minute=2)
    client = ReportsApiClient(options, now=lambda: NOW)
    walk = client.window("token", HOUR, NOW)
    next(walk)
    stopper = threading.Thread(target=lambda: (_until(lambda: bool(client.waiting)), client.stop()))
    stopper.start()
    with pytest.raises(TransientError, match=rf"Waiting for 'token' was broken off \({OWN_LIMIT}\)"):
        next(walk)
    stopper.join()
    assert len(server.requests) == 1


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)


def test_waits_in_one_sentence() -> None:
    first, second = Wait("token", "HTTP 503", 3, 10, 11.6), Wait("login", "rate limit", 2, 10, 4.2)
    assert sentence([first]) == "waiting for the source (HTTP 503): token, try 3 of at most 10 in 12 s"
    assert sentence([first, second]) == "waiting for the source (HTTP 503, rate limit): login, try 2 of at most 10 in 4 s; 2 windows wait"


def test_a_log_is_told_when_it_begins_when_it_is_for_something_else_and_now_and_then() -> None:
    now, lines = [0.0], []
    seldom = Seldom(lines.append, every=30, clock=lambda: now[0])
    for moment, causes in [(0, ["a"]), (1, ["a"]), (2, []), (3, ["a"]), (4, ["a", "b"]), (33, ["b"]), (34, ["a"]), (35, ["a"]), (90, [])]:
        now[0] = moment
        before = len(lines)
        seldom([Wait("token", cause, 2, 10, 1.0) for cause in causes])
        assert (len(lines) > before) == (moment in (0, 4, 34)), moment
