"""Telling the API's answers apart: what to ask again, what to stop for, and what a person has to do then.

Error bodies come as JSON, plain text and HTML. 403 is two different things: a rate limit (ask again) and a missing permission (stop).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lakehouse.errors import LakehouseError, TerminalError, TransientError
from lakehouse.sources.reports_api.options import SCOPE

RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
RATE_TEXTS = ("Request rate higher than configured", "Quota exceeded for quota metric", "Quota exceeded for the current request")
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
DELEGATION_PAGE = "Admin console > Security > Access and data control > API controls > Domain-wide delegation"
ROLES_PAGE = "Admin console > Account > Admin roles"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Identity:
    """Who asks: for messages. `account` is the service account's address, `client_id` the number to enter in the Admin console."""

    account: str | None = None
    client_id: str | None = None
    subject: str | None = None

    def __str__(self) -> str:
        """Such as `collector@project.iam.gserviceaccount.com as admin@example.com`."""
        return f"{self.account or 'the application default credentials'} as {self.subject or 'itself (no subject)'}"


class RefusedError(TerminalError):
    """Google refuses, and will until somebody changes something. `said`: what came and who asked. `remedy`: what to do, and where."""

    def __init__(self, said: str, remedy: str) -> None:
        super().__init__(f"{said} {remedy}")
        self.said = said
        self.remedy = remedy


@dataclass(frozen=True)
class Problem:
    """What an error body says. `reason` is the first machine-readable reason, `message` Google's sentence."""

    code: int
    reason: str
    message: str


def retry_cause(problem: Problem) -> str | None:
    """The cause under which another try is counted; None for a problem that will not pass."""
    if problem.code == 429 or problem.reason in RATE_REASONS or any(text in problem.message for text in RATE_TEXTS):
        return "rate_limit"
    return f"http_{problem.code}" if problem.code in RETRIED else None


def problem_of(status: int, body: bytes) -> Problem:
    """Read an error body: Google's JSON, or text, or HTML."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Problem(status, "", _one_sentence(body))
    return problem_in(found.get("error") if isinstance(found, dict) else None, status)


def problem_in(error: Any, status: int) -> Problem:
    """Read an error object; the token endpoint's has the form `{"error": "...", "error_description": "..."}`, there it is a text."""
    if not isinstance(error, dict):
        return Problem(status, str(error or ""), str(error or "no message"))
    listed = error.get("errors")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    detail = next((d.get("reason") for d in error.get("details") or () if isinstance(d, dict) and d.get("reason")), None)
    code = error.get("code")
    reason = str(first.get("reason") or detail or error.get("status") or "")
    return Problem(code if isinstance(code, int) else status, reason, str(error.get("message") or "no message"))


def refusal(problem: Problem, application: str, identity: Identity, *, paging: bool) -> LakehouseError:
    """The error to raise for an answer that is not worth another try."""
    said = f"The Reports API answered {problem.code} {problem.reason}".rstrip() + f" for {application!r}: {problem.message!r}."
    text = f"{problem.reason} {problem.message}"
    if problem.code in (401, 403):
        return RefusedError(f"{said} Asked by {identity} with the scope {SCOPE}.", _permission_remedy(problem, text, identity))
    if problem.code == 404 or "applicationName" in text:
        return RefusedError(said, "Expected the name of an application of the API, such as token, login or admin: mend source.applications.")
    if problem.code == 400 and "Start time is after end time" in text:
        return RefusedError(said, "It says so too when the whole window is older than the 180 days that it keeps: ask for a later window.")
    if problem.code == 400 and paging:
        return TransientError(f"{said} The page token was refused, it may have expired: the window must be read again from its first page.")
    if 300 <= problem.code < 400:
        return RefusedError(said, "A redirect was not expected: a proxy or a sign-in page may stand in between; check source.url.")
    return RefusedError(said, "Expected 200; the same request will not do better.")


def _permission_remedy(problem: Problem, text: str, identity: Identity) -> str:
    if "accessNotConfigured" in text or "SERVICE_DISABLED" in text or "has not been used in project" in text:
        return "The Admin SDK API is not switched on in the Google Cloud project: enable it under APIs & Services > Library > Admin SDK API."
    delegation = f"that the client id {identity.client_id or 'of the service account'} has the scope {SCOPE} in {DELEGATION_PAGE}"
    if "insufficient authentication scopes" in text or "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in text:
        return f"The token lacks the scope: check {delegation}; for your own credentials, log in again with it."
    role = f"that the subject {identity.subject or '(none is set)'} is an admin whose role has the privilege Reports ({ROLES_PAGE})"
    fresh = "A fresh token was refused too. " if problem.code == 401 and identity.account else ""
    return f"{fresh}Check {role}, and {delegation}."


def _one_sentence(body: bytes) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    return " ".join(text.split())[:200] or "empty body"
