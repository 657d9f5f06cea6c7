"""First contact with the Reports API: is it set up, may we read, how much room is there, what does a record look like."""

from __future__ import annotations

import datetime as dt
import re
import stat
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from lakehouse.contracts.spans import span
from lakehouse.errors import LakehouseError
from lakehouse.findings import Finding
from lakehouse.sources.reports_api import source_options
from lakehouse.sources.reports_api.answers import DELEGATION_PAGE, Identity, RefusedError
from lakehouse.sources.reports_api.auth import Authorizer, authorizer_for
from lakehouse.sources.reports_api.client import ReportsApiClient
from lakehouse.sources.reports_api.options import ENV_CREDENTIALS, ENV_SUBJECT, QUERIES_PER_MINUTE, SCOPE, ReportsApiOptions
from lakehouse.sources.reports_api.order import item_time
from lakehouse.sources.reports_api.retry import Retryable, RetryPolicy

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake

_EMAIL = re.compile(r"[^@\s]+@([\w.-]+\.\w+)")
# What a record may show of itself: names that Google gave, and times.
_SHOWN = frozenset({"kind", "time", "applicationName", "name", "type", "callerType"})
_QUOTA_PAGE = "Google Cloud console > APIs & Services > Admin SDK API > Quotas & System Limits"


def doctor_source(lake: Lake, dataset: Dataset, *, sleep: Callable[[float], None] = time.sleep) -> list[Finding]:
    """Look at everything that a first fetch needs, in its order; what rests on something broken is not tried. Reads one record per application."""
    return list(_findings(lake, dataset, sleep))


def outline(line: bytes) -> str:
    """A record as a person may see it on a screen: names and times stay, e-mail addresses keep their domain, all other values only their kind."""
    return msgspec.json.format(msgspec.json.encode(_outlined(msgspec.json.decode(line), "")), indent=2).decode()


def _findings(lake: Lake, dataset: Dataset, sleep: Callable[[float], None]) -> Iterator[Finding]:
    try:
        options = source_options(lake, dataset, lake.now)
    except LakehouseError as error:
        yield Finding("source", "bad", str(error), "mend lake.json or the environment")
        return
    yield Finding("source", "good", f"{options.url}, applications {', '.join(options.applications)}")
    try:
        authorizer = authorizer_for(options)
    except LakehouseError as error:
        yield Finding("credentials", "bad", str(error), f"set {ENV_CREDENTIALS} and {ENV_SUBJECT}")
        return
    yield from _credentials(options, authorizer)
    if authorizer is not None:
        token = _token(authorizer)
        yield token
        if token.state == "bad":
            return
    client = ReportsApiClient(options, now=lake.now, authorizer=authorizer, retry=RetryPolicy(attempts=3, cap=10.0), sleep=sleep)
    try:
        yield from _live(client, lake.now())
    finally:
        client.close()


def _credentials(options: ReportsApiOptions, authorizer: Authorizer | None) -> Iterator[Finding]:
    if authorizer is None:
        yield Finding("credentials", "good", "none needed: the source is simulated on this machine")
        return
    identity = authorizer.identity
    yield Finding("credentials", "good", f"{identity}, client id {identity.client_id or 'unknown'}")
    if identity.subject is None:
        text = "no subject is set: that works only for credentials of an admin's own"
        yield Finding("subject", "note", text, f"set {ENV_SUBJECT} to the primary e-mail address of an admin to use domain-wide delegation")
    if options.key_file is not None and stat.S_IMODE(options.key_file.stat().st_mode) & 0o077:
        yield Finding("key file", "note", f"{options.key_file} may be read by others", f"chmod 600 {options.key_file}")


def _token(authorizer: Authorizer) -> Finding:
    identity: Identity = authorizer.identity
    try:
        authorizer.headers()
    except RefusedError as error:
        return Finding("delegation and scope", "bad", error.said, error.remedy)
    except Retryable as error:
        return Finding("delegation and scope", "bad", str(error), "check the network: the token endpoint is oauth2.googleapis.com, port 443")
    delegated = f" on behalf of {identity.subject} (granted in {DELEGATION_PAGE})" if identity.subject else ""
    return Finding("delegation and scope", "good", f"got a token for {SCOPE}{delegated}")


def _live(client: ReportsApiClient, now: dt.datetime) -> Iterator[Finding]:
    record: bytes | None = None
    for application in client.options.applications:
        try:
            newest = client.newest(application)
        except RefusedError as error:
            yield Finding(f"read {application}", "bad", error.said, error.remedy)
            continue
        except LakehouseError as error:
            yield Finding(
                f"read {application}", "bad", str(error), f"check the network and any proxy on the way to {client.options.url}, then try again"
            )
            continue
        yield _readable(application, newest, now)
        record = record or newest
    yield _quota(client)
    if record is not None:
        yield Finding("a live record", "good", _shown(record))


def _readable(application: str, newest: bytes | None, now: dt.datetime) -> Finding:
    if newest is None:
        remedy = "an empty log is possible; check that the edition of the Workspace keeps this log, and the name of the application"
        return Finding(f"read {application}", "note", "allowed, but there is no record in 180 days", remedy)
    told = item_time(newest)
    try:
        age = f", {span(int((now - dt.datetime.fromisoformat(told)).total_seconds()))} old" if told else ""
    except (ValueError, TypeError):
        age = ""
    return Finding(f"read {application}", "good", f"the newest record is of {told or 'an unreadable time'}{age}")


def _quota(client: ReportsApiClient) -> Finding:
    limit = client.options.queries_per_minute
    counters = client.counters
    asked, limited = counters["requests"], counters["retries"].get("rate_limit", 0)
    if limit is None:
        return Finding("quota", "good", f"{asked} requests; a simulated source has no quota")
    # One window of an hour per application, of one page; the overlap before it (three hours at first) comes on top.
    least = len(client.options.applications)
    text = f"{asked} requests, {limited} of them rate limited; a fetch asks at least {least} times"
    text += f", and this client stays below {limit:g} a minute (Google's quota: {QUERIES_PER_MINUTE})"
    if limited:
        return Finding(
            "quota", "note", text, f"something else uses the quota of this project and subject: see {_QUOTA_PAGE}, or set source.queries_per_minute"
        )
    return Finding("quota", "good", text)


def _shown(record: bytes) -> str:
    try:
        return outline(record)
    except (msgspec.DecodeError, RecursionError) as error:
        return f"{len(record)} bytes that are no JSON ({error})"


def _outlined(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _outlined(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_outlined(member, key) for member in value]
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return "<number>"
    found = _EMAIL.search(value)
    if found is not None:
        return f"<e-mail at {found[1]}>"
    return value if key in _SHOWN else "<text>"
