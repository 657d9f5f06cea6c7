"""What breaks on the wire: what is asked again, how long is waited, and what stops the walk with which words."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Callable
from typing import Any

import pytest
from reports_api_helpers import CASES, NOW, QuickClient, activity, at, many, qualifiers, told

from lakehouse.errors import LakehouseError, TerminalError, TransientError
from lakehouse.sources.reports_api.answers import Identity, problem_of, refusal, retry_cause

MakeClient = Callable[..., QuickClient]
BODIES = sorted((CASES / "error_bodies").iterdir())
IDENTITY = Identity("collector@project.iam.gserviceaccount.com", "1234567890", "admin@example.com")

PASSING = [
    ({"status": 408, "body": "text"}, "http_408"),
    ({"status": 429, "reason": "rateLimitExceeded"}, "rate_limit"),
    ({"status": 500, "reason": "internalError"}, "http_500"),
    ({"status": 502, "body": "html"}, "http_502"),
    ({"status": 503, "reason": "backendError"}, "http_503"),
    ({"status": 504, "body": "html"}, "http_504"),
    ({"status": 403, "reason": "rateLimitExceeded"}, "rate_limit"),
    ({"status": 403, "reason": "userRateLimitExceeded"}, "rate_limit"),
    ({"status": 403, "reason": "quotaExceeded"}, "rate_limit"),
    ({"status": 403, "body": "text", "message": "Request rate higher than configured."}, "rate_limit"),
    ({"status": 200, "body": "html"}, "html_body"),
    ({"status": 200, "reason": "backendError", "message": "Quota exceeded for the current request."}, "rate_limit"),
    ({"status": 200, "body": "text", "message": "Service temporarily busy"}, "not_a_page"),
    ({"truncate": 0.5}, "truncated"),
    ({"truncate": 0.0}, "truncated"),
    ({"truncate": 0.5, "framed": True}, "truncated"),
    ({"truncate": 0.99, "framed": True}, "truncated"),
    ({"truncate": 0.0, "framed": True}, "truncated"),
    ({"bad_gzip": True}, "bad_encoding"),
    ({"reset": True}, "connection"),
]


def _name(value: object) -> str:
    return "-".join(f"{key}={member}" for key, member in value.items()) if isinstance(value, dict) else str(value)


@pytest.mark.parametrize(("fault", "cause"), PASSING, ids=_name)
def test_what_may_pass_is_asked_again_and_counted_by_its_cause(serve: Any, client_of: MakeClient, fault: dict[str, Any], cause: str) -> None:
    server = serve(told(*many(60)), faults=[{**fault, "times": 2, "page": 2}])
    client = client_of(server, page_size=20)
    assert qualifiers(client.read()) == list(range(59, -1, -1))
    assert client.counters["retries"] == {cause: 2}
    assert client.counters["requests"] == 5
    assert client.waits.slept == [1.0, 2.0]  # half of 2 and of 4: the dice show one half
    assert client.counters["waited_seconds"] == 3.0


def test_a_short_gzip_body_is_noticed(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(60)), faults=[{"truncate": 0.5}])
    client = client_of(server, compress=True)
    assert len(client.read()) == 60
    assert sum(client.counters["retries"].values()) == 1


def test_an_answer_that_does_not_come_in_time_is_asked_again(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"delay": 0.4}]), timeout=(5.0, 0.1))
    assert len(client.read()) == 3
    assert client.counters["retries"] == {"timeout": 1}


def test_a_failure_on_page_three_ends_the_walk_after_two_pages(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(50)), faults=[{"page": 3, "status": 503, "times": 99}])
    walk = client_of(server, page_size=10).window("token", at(0), at(60))
    assert len(next(walk)) == len(next(walk)) == 10
    with pytest.raises(TransientError, match=r"after 4 tries.*http_503"):
        next(walk)
    assert walk.counters["records"] == 20
    assert walk.counters["retries"] == {"http_503": 3}


def test_the_number_of_tries_is_bounded(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(3)), faults=[{"status": 500, "times": 99}])
    with pytest.raises(TransientError, match=r"after 3 tries and 3 s of waiting"):
        client_of(server, attempts=3).read()
    assert len(server.requests) == 3


def test_tries_are_counted_anew_for_every_page(serve: Any, client_of: MakeClient) -> None:
    faults = [{"page": page, "status": 503, "times": 3} for page in (1, 2, 3)]
    client = client_of(serve(told(*many(25)), faults=faults), page_size=10)
    assert len(client.read()) == 25
    assert client.counters["retries"] == {"http_503": 9}


def test_retry_after_is_waited_for_in_seconds(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"status": 429, "retry_after": 17}]))
    assert len(client.read()) == 3
    assert client.waits.slept == [18.0]


def test_retry_after_is_waited_for_as_a_date(serve: Any, client_of: MakeClient) -> None:
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    client = client_of(serve(told(*many(3)), faults=[{"status": 503, "retry_after": until}]))
    assert len(client.read()) == 3
    assert 35 <= client.waits.slept[0] <= 42


def test_nobody_waits_for_an_hour(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(3)), faults=[{"status": 503, "retry_after": 3600}]))
    with pytest.raises(TransientError, match="asks to wait 3600 s"):
        client.read()
    assert client.waits.slept == []


def test_a_server_that_is_not_there_is_transient() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        client = QuickClient(f"http://127.0.0.1:{held.getsockname()[1]}", attempts=2)
        with pytest.raises(TransientError, match="connection"):
            client.read()


@pytest.mark.parametrize("case", BODIES, ids=lambda path: path.name)
def test_every_known_error_body_is_told_apart(case: Any) -> None:
    status, verdict, *_ = case.name.split(".")
    problem = problem_of(int(status), case.read_bytes())
    assert retry_cause(problem) == (None if verdict == "refused" else verdict)
    if verdict == "refused":
        assert isinstance(refusal(problem, "token", IDENTITY, paging=False), TerminalError)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("403.refused.insufficient_scope.json", ["admin.reports.audit.readonly", "admin@example.com", "1234567890", "Domain-wide delegation"]),
        ("403.refused.not_authorized.json", ["admin.reports.audit.readonly", "admin@example.com", "privilege Reports", "Admin roles"]),
        ("401.refused.access_denied.json", ["admin.reports.audit.readonly", "admin@example.com", "privilege Reports", "fresh token"]),
        ("403.refused.api_switched_off.json", ["APIs & Services", "Admin SDK API", "enable"]),
        ("404.refused.unknown_application.json", ["Unknown application: nonsense", "source.applications"]),
        ("400.refused.too_old.json", ["180 days", "later window"]),
        ("302.refused.sign_in_page.html", ["redirect", "proxy"]),
    ],
)
def test_a_refusal_says_who_asked_and_what_to_do(case: str, words: list[str]) -> None:
    problem = problem_of(int(case[:3]), (CASES / "error_bodies" / case).read_bytes())
    said = str(refusal(problem, "token", IDENTITY, paging=False))
    assert [word for word in words if word not in said] == []


def test_a_missing_permission_is_not_asked_again(serve: Any, client_of: MakeClient) -> None:
    fault = {"status": 403, "reason": "forbidden", "message": "Not Authorized to access this resource/api"}
    server = serve(told(*many(3)), faults=[fault])
    with pytest.raises(TerminalError, match="privilege Reports"):
        client_of(server).read()
    assert len(server.requests) == 1


def test_an_unknown_application_is_not_asked_again(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(3)))
    with pytest.raises(TerminalError, match="404 notFound for 'nonsense'"):
        client_of(server).read("nonsense")
    assert len(server.requests) == 1


def test_a_refused_page_token_asks_for_the_window_to_be_read_again(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(30)), faults=[{"page": 2, "status": 400, "reason": "invalid", "message": "Invalid page token"}])
    with pytest.raises(TransientError, match="read again from its first page"):
        client_of(server, page_size=10).read()


def test_a_window_that_the_server_finds_too_old_is_terminal(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(activity(at(1))), clock=NOW + dt.timedelta(days=200))
    with pytest.raises(TerminalError, match="180 days"):
        client_of(server).read()


def test_a_name_with_a_slash_stays_one_part_of_the_path(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(activity(at(1))))
    with pytest.raises(LakehouseError, match="404"):
        client_of(server).read("../../admin")
    assert server.requests[0].path.endswith("/applications/..%2F..%2Fadmin")


def test_a_proxy_of_the_environment_does_not_see_a_server_of_this_machine(serve: Any, client_of: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert len(client_of(serve(told(*many(3)))).read()) == 3
