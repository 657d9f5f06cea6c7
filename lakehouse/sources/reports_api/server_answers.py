"""What the simulated Reports API answers: pages, and faults instead of them or in them. No sockets here."""

from __future__ import annotations

import datetime as dt
import email.utils
import itertools
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from lakehouse.sources.reports_api.faults import HTML, Fault, FaultScript
from lakehouse.sources.reports_api.server_query import ApiError, ListQuery, application_number, page_token, read_query
from lakehouse.sources.reports_api.server_store import ActivityStore, Position, microseconds

JSON = "application/json; charset=UTF-8"
_ETAG_PREFIX = re.compile(rb'("etag":\s*"\\")[^/"\\]+(?=/)')
_STATUS_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
_RATE_REASONS = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded")


@dataclass(frozen=True)
class Reply:
    """An answer and what is to be done to it on its way. `cut`: bytes of the body that are sent, of the length that is announced."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    bad_gzip: bool = False
    delay: float = 0.0


class ListAnswers:
    """Answers `activities.list` out of a store.

    `rotate_etags`: every answer has another etag prefix, as every download has. `pretty`: indent whatever is asked.
    """

    def __init__(self, store: ActivityStore, script: FaultScript, now: Callable[[], dt.datetime], *, rotate_etags: bool, pretty: bool) -> None:
        self._store = store
        self._script = script
        self._now = now
        self._rotate_etags = rotate_etags
        self._pretty = pretty
        self._serial = itertools.count(1)
        self._lock = threading.Lock()
        self._page_numbers: OrderedDict[tuple[tuple[str, int, int, str | None], str], int] = OrderedDict()

    def reply(self, user: str, application: str, given: Mapping[str, str]) -> Reply:
        """The answer to one request."""
        now = self._now()
        application = application.lower()  # the API takes TOKEN for token
        try:
            query = read_query(user, application, given, now, self._store.applications())
            fault = self._script.take(application, self._page_number(query))
            if fault is not None and fault.status is not None:
                return _instead(fault)
            return _spoiled(self._page(query, now, fault), fault)
        except ApiError as error:
            return Reply(error.code, error.body)

    def _page(self, query: ListQuery, now: dt.datetime, fault: Fault | None) -> Reply:
        if fault is not None and fault.empty_page:
            at = query.after or Position(query.end_us + 1, 0)
            return self._body(query, [], f"{page_token(at, query.application, self._customer(query))}:e{next(self._serial)}")
        items: list[bytes] = []
        last: Position | None = None
        more = False
        for position, line in self._store.walk(query.application, query.start_us, query.end_us, query.after, microseconds(now)):
            if query.event_name is not None and not _tells(line, query.event_name):
                continue
            if len(items) == query.limit:
                more = True
                break
            items.append(line)
            last = position
        token = page_token(last, query.application, self._customer(query)) if more and last is not None else None
        if fault is not None and fault.repeat_token:
            token = query.token
        return self._body(query, items, token)

    def _body(self, query: ListQuery, items: list[bytes], token: str | None) -> Reply:
        serial = next(self._serial)
        if token is not None:
            self._number_next(query, token)
        pretty = self._pretty or query.pretty
        if pretty:
            items = [_indented(item) for item in items]
        separator = b",\n" if pretty else b","
        joined = separator.join(items)
        if self._rotate_etags:
            joined = _ETAG_PREFIX.sub(rb"\1serving%d" % serial, joined)
        members = [b'"kind":"admin#reports#activities"', b'"etag":"\\"serving%d/%d\\""' % (serial, application_number(query.application))]
        if token is not None:
            members.append(b'"nextPageToken":' + msgspec.json.encode(token))
        if items:  # the API leaves items out when there are none
            members.append(b'"items":[' + joined + b"]")
        return Reply(200, b"{" + separator.join(members) + b"}")

    def _customer(self, query: ListQuery) -> str:
        return self._store.customer(query.application)

    def _page_number(self, query: ListQuery) -> int:
        with self._lock:
            return self._page_numbers.get((query.walk, query.token), 1) if query.token else 1

    def _number_next(self, query: ListQuery, token: str) -> None:
        number = self._page_number(query) + 1
        with self._lock:
            self._page_numbers.setdefault((query.walk, token), number)
            while len(self._page_numbers) > 100_000:
                self._page_numbers.popitem(last=False)


def _instead(fault: Fault) -> Reply:
    status = fault.status or 500
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after), "Date": email.utils.formatdate(usegmt=True)}
    message = fault.message or "Simulated fault."
    if fault.body == "html":
        reply = Reply(status, HTML, "text/html; charset=UTF-8", headers)
    elif fault.body == "text":
        reply = Reply(status, message.encode(), "text/plain; charset=UTF-8", headers)
    else:
        domain = "usageLimits" if fault.reason in _RATE_REASONS else "global"
        error = ApiError(status, fault.reason or "backendError", message, domain=domain, status=_STATUS_NAMES.get(status))
        reply = Reply(status, error.body, JSON, headers)
    return _spoiled(reply, fault)


def _spoiled(reply: Reply, fault: Fault | None) -> Reply:
    if fault is None:
        return reply
    if fault.truncate is not None:
        cut = int(len(reply.body) * fault.truncate)
        reply = replace(reply, body=reply.body[:cut]) if fault.framed else replace(reply, cut=cut)
    return replace(reply, reset=fault.reset, bad_gzip=fault.bad_gzip, delay=fault.delay)


def _indented(item: bytes) -> bytes:
    try:
        return msgspec.json.format(item, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return item  # no JSON: as it is


class _Event(msgspec.Struct):
    name: str | None = None


class _Activity(msgspec.Struct):
    events: list[_Event] = []


_activity = msgspec.json.Decoder(_Activity).decode


def _tells(line: bytes, event_name: str) -> bool:
    try:
        return any(event.name == event_name for event in _activity(line).events)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return False
