"""What the tests of the Reports API share: activities, folders of them, and a client whose waiting is only written down."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

import lakehouse
from lakehouse.sources.reports_api import ReportsApiClient, ReportsApiOptions
from lakehouse.sources.reports_api.options import SCOPE
from lakehouse.sources.reports_api.retry import RetryPolicy
from lakehouse.sources.reports_api.server_oauth import SimulatedAuth
from lakehouse.sources.reports_api.server_store import microseconds

NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
HOUR = dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC)
REAL = Path(lakehouse.__file__).parents[2] / "shared" / "realdata" / "workspace_audit"
CASES = Path(__file__).parent / "cases"


def at(minute: float = 0, *, hour: dt.datetime = HOUR) -> dt.datetime:
    """So many minutes into the hour."""
    return hour + dt.timedelta(minutes=minute)


def activity(time: dt.datetime, qualifier: int | str = 1, *, application: str = "token", **members: Any) -> dict[str, Any]:
    """One activity as the API tells it."""
    return {
        "kind": "admin#reports#activity",
        "id": {
            "time": time.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "uniqueQualifier": str(qualifier),
            "applicationName": application,
            "customerId": "C01abcdef",
        },
        "etag": '"first/abc"',
        "actor": {"email": "ada@example.com", "profileId": "100"},
        "events": [{"type": "auth", "name": "activity", "parameters": [{"name": "method_name", "value": "gmail.users.messages.list"}]}],
        **members,
    }


def line(record: dict[str, Any] | bytes) -> bytes:
    """The record's one line."""
    return record if isinstance(record, bytes) else json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


Told = tuple[dt.datetime, dt.datetime, dict[str, Any] | bytes]
"""(server-side time, visible from, record)"""


def told(*records: dict[str, Any]) -> list[Told]:
    """Records that are visible at once."""
    times = [dt.datetime.fromisoformat(record["id"]["time"]) for record in records]
    return [(time, time, record) for time, record in zip(times, records, strict=True)]


def write_hours(folder: Path, application: str, records: Iterable[Told]) -> Path:
    """Write an activity folder, in the order given within each hour; returns the folder."""
    hours: dict[dt.datetime, list[Told]] = {}
    for entry in records:
        hours.setdefault(entry[0].replace(minute=0, second=0, microsecond=0), []).append(entry)
    (folder / application).mkdir(parents=True, exist_ok=True)
    for hour, entries in hours.items():
        stem = folder / application / f"{hour:%Y-%m-%dT%H}"
        stem.with_name(stem.name + ".jsonl.zst").write_bytes(zstandard.compress(b"".join(line(entry[2]) + b"\n" for entry in entries)))
        np.save(stem.with_name(stem.name + ".npy"), np.array([(microseconds(e[0]), microseconds(e[1])) for e in entries], dtype=np.int64))
    return folder


class Waits:
    """Sleeps that only move a clock."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self._now = 0.0

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds

    def monotonic(self) -> float:
        with self._lock:
            return self._now


class QuickClient(ReportsApiClient):
    """The real client. It waits on paper; its dice always show the same."""

    def __init__(
        self,
        url: str,
        *,
        now: dt.datetime = NOW,
        page_size: int = 1000,
        attempts: int = 4,
        dice: float = 0.5,
        authorizer: Any = None,
        per_minute: float | None = None,
        **options: Any,
    ) -> None:
        self.waits = Waits()
        told = ReportsApiOptions(url=url, page_size=page_size, queries_per_minute=per_minute, **options)
        super().__init__(
            told,
            now=lambda: now,
            authorizer=authorizer,
            retry=RetryPolicy(attempts=attempts),
            sleep=self.waits.sleep,
            rand=lambda: dice,
            monotonic=self.waits.monotonic,
        )

    def read(self, application: str = "token", start: dt.datetime = HOUR, end: dt.datetime | None = None, **how: Any) -> list[bytes]:
        """All lines of a window."""
        return [record for page in self.window(application, start, end or start + dt.timedelta(hours=1), **how) for record in page]


def many(count: int, *, step: float = 0.001) -> list[dict[str, Any]]:
    """So many activities of the hour, oldest first, with rising qualifiers."""
    return [activity(at(step * index), index) for index in range(count)]


def qualifiers(lines: Sequence[bytes]) -> list[int]:
    """The qualifiers of lines, in their order."""
    return [int(json.loads(text)["id"]["uniqueQualifier"]) for text in lines]


COLLECTOR = "collector@project.iam.gserviceaccount.com"
ADMIN = "admin@example.com"
CLERK = "clerk@example.com"


def workspace(**other: Any) -> SimulatedAuth:
    """A Workspace with an admin, a user without the privilege Reports, and the delegation that the collector needs."""
    return SimulatedAuth(**{"delegated": {COLLECTOR: frozenset({SCOPE})}, "users": {ADMIN: True, CLERK: False}, **other})
