"""The simulated API's reading of a request for `activities.list`, and its errors in Google's form."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from lakehouse.sources.reports_api.server_store import Position, microseconds

RETENTION = dt.timedelta(days=180)
# Applications of the API (Google's reference of activities.list, 2026).
APPLICATIONS = frozenset(
    {
        "access_evaluation", "access_transparency", "admin", "admin_data_action", "assignments", "calendar", "chat", "chrome", "classroom",
        "cloud_search", "contacts", "context_aware_access", "data_migration", "data_studio", "directory_sync", "drive", "gcp",
        "gemini_in_workspace_apps", "gmail", "gplus", "graduation", "groups", "groups_enterprise", "jamboard", "keep", "ldap", "login", "meet",
        "meet_hardware", "mobile", "profile", "rules", "saml", "takeout", "tasks", "token", "user_accounts", "vault",
    }
)  # fmt: skip
# Numbers of applications in recorded page tokens; others get one of their own.
APPLICATION_NUMBERS = {"token": 151219070090, "admin": 207535951991, "chrome": 667484350296}
PARAMETERS = frozenset({"startTime", "endTime", "maxResults", "pageToken", "eventName", "prettyPrint", "customerId", "alt", "quotaUser", "$.xgafv"})
_TOKEN = re.compile(r"A:(-?\d+):(-?\d+):(\d+):([^:]+)(?::e\d+)?")


class ApiError(Exception):
    """An error that the API would answer with."""

    def __init__(self, code: int, reason: str, message: str, *, domain: str = "global", status: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self._error = {"code": code, "message": message, "errors": [{"message": message, "domain": domain, "reason": reason}]}
        if status:
            self._error["status"] = status

    @property
    def body(self) -> bytes:
        """Google's error object."""
        return msgspec.json.format(msgspec.json.encode({"error": self._error}), indent=2) + b"\n"


@dataclass(frozen=True)
class ListQuery:
    """A request that can be answered. Times in microseconds, both ends inclusive."""

    application: str
    start_us: int
    end_us: int
    limit: int
    after: Position | None
    token: str | None
    event_name: str | None
    pretty: bool

    @property
    def walk(self) -> tuple[str, int, int, str | None]:
        """What all pages of one walk have in common."""
        return self.application, self.start_us, self.end_us, self.event_name


def read_query(user: str, application: str, given: Mapping[str, str], now: dt.datetime, known: frozenset[str]) -> ListQuery:
    """Read and check a request. Raises `ApiError`."""
    if application not in APPLICATIONS | known:
        raise ApiError(404, "notFound", f"Unknown application: {application}", status="NOT_FOUND")
    if user != "all":
        raise _invalid("userKey", user, "this server only simulates 'all'")
    for name in sorted(given.keys() - PARAMETERS):
        raise _invalid(name, given[name], "unknown, or a filter that this server does not simulate")
    start, end = _window(given, now)
    token = given.get("pageToken") or None
    return ListQuery(
        application=application,
        start_us=microseconds(start),
        end_us=microseconds(end),
        limit=_limit(given.get("maxResults", "1000")),
        after=_position(token, application) if token else None,
        token=token,
        event_name=given.get("eventName"),
        pretty=given.get("prettyPrint", "true").lower() != "false",
    )


def page_token(position: Position, application: str, customer: str) -> str:
    """A page token in the recorded form: keyset position, number of the application, customer."""
    return f"A:{position.time_us}:{position.ordinal}:{application_number(application)}:{customer}"


def application_number(application: str) -> int:
    """The number that stands for an application in page tokens."""
    return APPLICATION_NUMBERS.get(application) or 100_000_000_000 + zlib.crc32(application.encode())


def _window(given: Mapping[str, str], now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    oldest = now - RETENTION
    start = _time("startTime", given["startTime"]) if "startTime" in given else oldest
    end = _time("endTime", given["endTime"]) if "endTime" in given else now
    # The start is clipped to what is kept, so a window that is wholly older than that fails as if its ends were swapped, as the real API does.
    if max(start, oldest) >= end:
        raise ApiError(400, "invalid", "Invalid request: Start time is after end time.", status="INVALID_ARGUMENT")
    if start >= now:
        raise ApiError(400, "invalid", "Invalid request: Start time is in the future.", status="INVALID_ARGUMENT")
    return max(start, oldest), end


def _time(name: str, text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(name, text, "it must be an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise _invalid(name, text, "it must be an RFC 3339 time with a zone")
    return moment


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise _invalid("maxResults", text, "it must be within the range: [1, 1000]")
    return int(text)


def _position(token: str, application: str) -> Position:
    found = _TOKEN.fullmatch(token)
    if found is None or int(found[3]) != application_number(application):
        raise _invalid("pageToken", token, "it was not given by this list")
    return Position(int(found[1]), int(found[2]))


def _invalid(name: str, value: str, why: str) -> ApiError:
    return ApiError(400, "invalidParameter", f"Invalid value {value!r} for {name}: {why}.", status="INVALID_ARGUMENT")
