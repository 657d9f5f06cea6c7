"""A small real lake that commands and steps are tried on: landed and built once per test session, every fate of a line in it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings

import lakehouse.datasets
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.landing.manifest import LineRef, Manifest, Window
from lakehouse.landing.write import land_fetch
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day

settings.register_profile("untimed", deadline=None)  # how long an example takes says something of the machine only
settings.load_profile("untimed")

CLOCK = dt.datetime(2026, 11, 19, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 17)
LANDED = CLOCK.date()
KEY = "a key for tests that is long enough"


@dataclass
class SmallLake:
    """`lines`: name of a line -> where it is. What its name says happened to it."""

    lake: Lake
    dataset: Dataset
    lines: dict[str, LineRef] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        assert self.lake.store.root is not None
        return self.lake.store.root

    def land(self, application: str, start: dt.datetime, **more: Any) -> Manifest:
        """Land a window of an hour that holds one activity, at its first instant."""
        text = line(activity(start.strftime("%Y-%m-%dT%H:%M:%S.000Z"), 77, application=application, **more))
        return land(self.lake, self.dataset, application, start, [text])

    def copy(self, folder: Path) -> SmallLake:
        """The same lake somewhere else, for tests that change it."""
        shutil.copytree(self.folder, folder)
        return SmallLake(open_lake(folder), self.dataset, dict(self.lines))


def activity(
    when: str, unique: int, name: str = "login_success", *, application: str = "login", email: str = "ada@example.com", **more: Any
) -> dict[str, Any]:
    """One activity of the Reports API."""
    return {
        "kind": "admin#reports#activity",
        "id": {"time": when, "uniqueQualifier": str(unique), "applicationName": application, "customerId": "C0"},
        "etag": f'"prefix/{unique}"',
        "actor": {"callerType": "USER", "email": email, "profileId": str(unique)},
        "ipAddress": "192.0.2.7",
        "events": [{"type": "login", "name": name, "parameters": [{"name": "login_type", "value": "google_password"}]}],
        **more,
    }


def line(record: dict[str, Any]) -> bytes:
    """The record as the API writes it."""
    return json.dumps(record, separators=(",", ":")).encode()


def at(lake: Lake, clock: dt.datetime) -> Lake:
    """The same lake at another time, for this process only."""
    return replace(lake, settings=msgspec.structs.replace(lake.settings, clock=clock))


def land(lake: Lake, dataset: Dataset, application: str, start: dt.datetime, lines: Iterable[bytes]) -> Manifest:
    """Land one window of an hour."""
    window = Window(start, start + dt.timedelta(hours=1))
    return land_fetch(
        lake, dataset.contract, source="reports_api", application=application, purpose="new", window=window, covered=window,
        batches=[list(lines)], http=dict, started_at=lake.now(),
    )  # fmt: skip


def first_lines() -> dict[str, bytes]:
    """The lines of the first fetch, by name."""
    two_events = [
        {"type": "login", "name": "login_success"},
        {"type": "login", "name": "login_verification", "parameters": [{"name": "is_second_factor", "boolValue": True}]},
    ]
    negative = [{"name": "activity", "parameters": [{"name": "client_id", "value": "app-1"}, {"name": "num_response_bytes", "intValue": "-5"}]}]
    nameless = activity("2026-11-17T09:20:00.000Z", 4, email="zed@example.com")
    del nameless["id"]["customerId"]
    return {
        "kept": line(activity("2026-11-17T09:05:00.123Z", 1)),
        "kept_twice": line(activity("2026-11-17T09:10:00.000Z", 2, email="Bob@Example.com", events=two_events)),
        "missing_required": line(nameless),
        "changed_type": line(activity("2026-11-17T09:25:00.000Z", 5, events="none")),
        "out_of_range": line(activity("2026-11-17T09:30:00.000Z", 6, application="token", events=negative)),
        "unreadable": b'{"id":{"time":"2026-11-17T09:35:00.000Z", broken',
        "too_old": line(activity("2019-01-01T00:00:00.000Z", 8)),
    }


def _reordered(text: bytes) -> bytes:
    """The same activity with its fields in another order: another line, the same event."""
    return line(dict(reversed(json.loads(text).items())))


def make_small_lake(folder: Path) -> SmallLake:
    """One day of logins and tokens, built, with one line of every fate; then one line that no build has read."""
    lake = open_lake(folder)
    source = {"applications": ["login", "token"], "collector_client_id": "collector"}
    settings = LakeSettings(clock=CLOCK, datasets={"workspace_audit": DatasetSettings(start=dt.date(2026, 11, 10), source=source)})
    small = SmallLake(lake.with_settings(settings), find_dataset("workspace_audit"))
    nine = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
    first = first_lines()
    earlier = at(small.lake, CLOCK - dt.timedelta(hours=1))
    _name(small, land(earlier, small.dataset, "login", nine, first.values()), first)
    again = {"duplicate": _reordered(first["kept_twice"])}
    _name(small, land(small.lake, small.dataset, "login", nine, [first["kept"], *again.values()]), again)
    calls = {"call": line(activity("2026-11-17T09:40:00.000Z", 9, application="token", events=_call("app-1", 512)))}
    calls["collector"] = line(activity("2026-11-17T09:41:00.000Z", 10, application="token", email="robot@example.com", events=_call("collector", 9)))
    _name(small, land(small.lake, small.dataset, "token", nine, calls.values()), calls)
    for day in (DAY, LANDED):
        build_day(small.lake, small.dataset, day)
    late = {"pending": line(activity("2026-11-17T09:50:00.000Z", 11))}
    _name(small, land(small.lake, small.dataset, "login", nine, late.values()), late)
    return small


def _call(client: str, size: int) -> list[dict[str, Any]]:
    values = {"api_name": "gmail", "method_name": "gmail.users.messages.list", "client_id": client, "app_name": "Mail"}
    parameters: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in values.items()]
    return [{"name": "activity", "parameters": [*parameters, {"name": "num_response_bytes", "intValue": str(size)}]}]


def _name(small: SmallLake, manifest: Manifest, lines: dict[str, bytes]) -> None:
    from lakehouse.landing.read import read_part

    where = {text: name for name, text in lines.items()}
    for part in manifest.parts:
        texts = b"".join(read_part(small.lake, part.path)).split(b"\n")
        for number, text in enumerate(texts, 1):
            if text in where:
                small.lines[where[text]] = LineRef(part.path, number)


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """The small lake; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
        return make_small_lake(tmp_path_factory.mktemp("small") / "lake")


@pytest.fixture
def token_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The token key of the small lake in the environment."""
    monkeypatch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
    return KEY


@pytest.fixture
def small_datasets(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Dataset, ...]]:
    """Two datasets of files, `plays` and `visits`, are the house's only ones: each is a folder, as all are."""
    monkeypatch.setattr(lakehouse.datasets, "__path__", [str(Path(__file__).parent / "small_datasets")])
    all_datasets.cache_clear()
    yield all_datasets()
    all_datasets.cache_clear()


@pytest.fixture
def plays(small_datasets: tuple[Dataset, ...]) -> Dataset:
    """The first of them."""
    return small_datasets[0]


@pytest.fixture
def changing_lake(small_lake: SmallLake, tmp_path: Path, token_key: str) -> SmallLake:
    """A copy of the small lake that a test may change."""
    return small_lake.copy(tmp_path / "lake")


@pytest.fixture(scope="session")
def published_lake(small_lake: SmallLake, tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """The small lake with its marts published; not to be changed."""
    from lakehouse.steps.publish import publish_marts

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
        published = small_lake.copy(tmp_path_factory.mktemp("published") / "lake")
        publish_marts(published.lake, published.dataset)
    return published
