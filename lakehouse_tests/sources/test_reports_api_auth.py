"""Credentials: a service account with domain-wide delegation against a real token endpoint on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from reports_api_helpers import ADMIN, CLERK, COLLECTOR, QuickClient, many, told, workspace

from lakehouse.errors import ConfigurationError, TerminalError, TransientError
from lakehouse.sources.reports_api.answers import Identity
from lakehouse.sources.reports_api.auth import Authorizer, authorizer_for, explain_refusal, read_key
from lakehouse.sources.reports_api.options import SCOPE, ReportsApiOptions
from lakehouse.sources.reports_api.transport import Transport

MakeClient = Callable[..., QuickClient]
MakeKey = Callable[..., Path]


def signed_in(server: Any, key: Path, subject: str | None = ADMIN) -> Authorizer:
    """Credentials of the key at a simulated source."""
    authorizer = authorizer_for(ReportsApiOptions(url=server.url, key_file=key, subject=subject))
    assert authorizer is not None
    return authorizer


def test_a_delegated_service_account_reads_with_one_token(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(25)), auth=workspace())
    client = client_of(server, authorizer=signed_in(server, key_file(server)), page_size=10)
    assert len(client.read()) == 25
    assert [seen.path for seen in server.requests].count("/token") == 1
    assert len({seen.headers["authorization"] for seen in server.requests if seen.path != "/token"}) == 1
    assert client.counters["retries"] == {}


def test_without_a_token_nothing_is_told(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(3)), auth=workspace())
    with pytest.raises(TerminalError, match="401 authError"):
        client_of(server).read()
    assert len(server.requests) == 1


def test_a_token_that_was_revoked_is_renewed_once_and_the_walk_goes_on(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(25)), auth=workspace())
    client = client_of(server, authorizer=signed_in(server, key_file(server)), page_size=10)
    walk = client.window("token", *_hour())
    assert len(next(walk)) == 10
    server.auth.revoke()
    assert [len(page) for page in walk] == [10, 5]
    assert walk.counters["retries"] == {"unauthorized": 1}
    assert [seen.path for seen in server.requests].count("/token") == 2


def test_a_second_401_stops_the_walk_and_says_what_to_check(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace())
    client = client_of(server, authorizer=signed_in(server, key_file(server), subject=CLERK))
    with pytest.raises(TerminalError, match="not authorized to read activity records") as caught:
        client.read()
    assert [word for word in (CLERK, SCOPE, "privilege Reports", "1234567890") if word not in str(caught.value)] == []
    assert client.counters["requests"] == 2


def test_a_missing_delegation_says_what_to_click(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace(delegated={}))
    client = client_of(server, authorizer=signed_in(server, key_file(server)))
    with pytest.raises(TerminalError, match="unauthorized_client") as caught:
        client.read()
    said = str(caught.value)
    assert [word for word in ("Domain-wide delegation", "Add new", "1234567890", SCOPE, ADMIN) if word not in said] == []
    assert client.counters["requests"] == 0


def test_a_subject_that_is_nobody_is_named(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace())
    client = client_of(server, authorizer=signed_in(server, key_file(server), subject="ghost@example.com"))
    with pytest.raises(TerminalError, match=r"ghost@example.com is not a user"):
        client.read()


def test_a_token_endpoint_that_is_away_is_tried_again_and_then_transient(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(3)), auth=workspace())
    key = key_file(server, token_uri="http://127.0.0.1:9/token")
    client = client_of(server, authorizer=signed_in(server, key), attempts=3)
    with pytest.raises(TransientError, match="token_endpoint"):
        client.read()
    assert client.counters["retries"] == {"token_endpoint": 2}


def test_threads_that_are_refused_together_renew_the_token_once(serve: Any, client_of: MakeClient, key_file: MakeKey) -> None:
    server = serve(told(*many(40)), auth=workspace())
    authorizer = signed_in(server, key_file(server))
    old = authorizer.headers()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: authorizer.renew(old), range(8)))
    assert [seen.path for seen in server.requests].count("/token") == 2
    assert authorizer.headers() != old


def test_a_password_in_netrc_does_not_replace_the_token(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = serve(told(*many(3)))
    transport = Transport(ReportsApiOptions())  # as for Google: the environment is trusted
    transport.get(f"{server.url}/_simulator/state", {}, {"authorization": "Bearer ours"})
    transport.close()
    assert server.requests[0].headers["authorization"] == "Bearer ours"


def test_a_simulated_source_needs_no_credentials() -> None:
    assert authorizer_for(ReportsApiOptions(url="http://127.0.0.1:1")) is None


def test_a_token_of_google_is_never_sent_to_a_simulated_source(serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(1)))
    key = key_file(server, token_uri="https://oauth2.googleapis.com/token")
    assert authorizer_for(ReportsApiOptions(url=server.url, key_file=key, subject=ADMIN)) is None


def test_a_service_account_needs_a_subject(serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(1)))
    with pytest.raises(ConfigurationError, match="LAKEHOUSE_GOOGLE_SUBJECT is not set"):
        signed_in(server, key_file(server), subject=None)


def test_the_key_says_who_asks(serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(1)))
    assert signed_in(server, key_file(server)).identity == Identity(COLLECTOR, "1234567890", ADMIN)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("no json", "is not JSON"),
        ("[]", "of type 'list'"),
        (json.dumps({"type": "authorized_user"}), "of type 'authorized_user'"),
        (json.dumps({"type": "service_account", "client_email": "a@b.c"}), "expected 'service_account' with client_email, private_key, token_uri"),
    ],
)
def test_a_key_file_that_is_none_is_refused_with_a_hint(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        read_key(path)
    assert "LAKEHOUSE_GOOGLE_CREDENTIALS" in str(caught.value)


def test_a_damaged_private_key_is_refused_without_showing_it(serve: Any, key_file: MakeKey) -> None:
    server = serve(told(*many(1)))
    with pytest.raises(ConfigurationError, match="no usable private key") as caught:
        signed_in(server, key_file(server, private_key="-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----\n"))
    assert "secretsecret" not in str(caught.value)


def test_application_default_credentials_of_a_service_account_act_for_the_subject(
    serve: Any, key_file: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(told(*many(1)), auth=workspace())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(server)))
    authorizer = authorizer_for(ReportsApiOptions(subject=ADMIN))
    assert authorizer is not None
    assert authorizer.identity.account == COLLECTOR
    assert authorizer.headers()["authorization"].startswith("Bearer ya29.")


def test_no_credentials_at_all_say_which_two_ways_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(ConfigurationError, match="There are no Google credentials") as caught:
        authorizer_for(ReportsApiOptions())
    assert [word for word in ("LAKEHOUSE_GOOGLE_CREDENTIALS", "gcloud auth application-default login", SCOPE) if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("said", "identity", "remedy"),
    [
        ("invalid_grant: Invalid JWT: Token must be a short-lived token", Identity(COLLECTOR, "1", ADMIN), "clock"),
        ("access_denied: Requested client not authorized.", Identity(COLLECTOR, "1", ADMIN), "Add new"),
        ("invalid_grant: Token has been expired or revoked.", Identity(), "gcloud auth application-default login"),
    ],
)
def test_each_refusal_of_the_token_endpoint_has_its_remedy(said: str, identity: Identity, remedy: str) -> None:
    assert remedy in explain_refusal(said, identity).remedy


def _hour() -> tuple[Any, Any]:
    from reports_api_helpers import at

    return at(0), at(60)
