"""A lake with a clock that stands still, and a small dataset of hours with one masked field."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from moved_parts import DAY

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, RecordTime
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest, Window
from lakehouse.landing.read import read_part
from lakehouse.landing.vacated import delete_vacated
from lakehouse.landing.write import land_fetch
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake

NOW = dt.datetime(2026, 11, 20, 13, 15, 2, tzinfo=dt.UTC)
TODAY = NOW.date()
START = dt.date(2026, 6, 1)

CONTRACT = Contract(
    name="clicks",
    title="Clicks",
    description="For tests.",
    grain="hour",
    record=JsonObject(
        (
            JsonField("etag", masked=True),
            JsonField("id", JsonObject((JsonField("time", required=True), JsonField("version", masked=True)))),
            JsonField("n"),
        )
    ),
    columns=(Column("event_time", "timestamp", "When."),),
    key=("event_time",),
    event_time="event_time",
    times=(RecordTime("id.time"),),
    version=1,
    transform_version=1,
    owners=("team:tests",),
)


@pytest.fixture
def contract() -> Contract:
    return CONTRACT


@pytest.fixture
def daily() -> Contract:
    return replace(CONTRACT, grain="day")


@pytest.fixture
def now() -> dt.datetime:
    return NOW


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=NOW, datasets={"clicks": DatasetSettings(start=START)}))


@pytest.fixture
def at() -> Callable[[Lake, dt.datetime], Lake]:
    """The same lake at another time."""
    return lambda lake, clock: lake.with_settings(LakeSettings(clock=clock, datasets=lake.settings.datasets))


@pytest.fixture
def line() -> Callable[..., bytes]:
    """A line as the source writes it."""

    def make(time: object = "2026-11-20T12:30:00.123Z", n: object = 1, etag: str = '"a/1"') -> bytes:
        return json.dumps({"etag": etag, "id": {"time": time}, "n": n}, separators=(",", ":")).encode()

    return make


@pytest.fixture
def hours() -> Callable[..., Window]:
    """The window of so many hours from an hour of the day."""

    def make(first: int, count: float = 1, day: dt.date = TODAY) -> Window:
        start = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC) + dt.timedelta(hours=first)
        return Window(start, start + dt.timedelta(hours=count))

    return make


@pytest.fixture
def land(contract: Contract) -> Callable[..., Manifest]:
    """Land batches of lines, by default with a window that covers nothing."""

    def run(lake: Lake, *batches: list[bytes], window: Window | None = None, **options: object) -> Manifest:
        told: dict[str, object] = {
            "source": "tests",
            "application": "web",
            "purpose": "new",
            "window": window,
            "covered": window,
            "batches": iter(batches),
            "http": dict,
            "started_at": lake.now(),
        }
        return land_fetch(lake, options.pop("contract", contract), **{**told, **options})  # type: ignore[arg-type]

    return run


@pytest.fixture
def text() -> Callable[[Lake, str], bytes]:
    """All the text of a part."""
    return lambda lake, path: b"".join(read_part(lake, path))


@pytest.fixture
def small(lake, land, line, at):
    """A day that is over: three parts in each of two hours, two unplaced ones, one in an hour of its own."""
    then = at(lake, dt.datetime(2026, 11, 18, 18, tzinfo=dt.UTC))
    for n in range(3):
        extra = [b"broken %d" % n] if n else [line("2026-11-18T12:00:00Z", 99)]
        land(then, [line("2026-11-18T09:00:00Z", 10 + n), line("2026-11-18T09:30:00Z", 20 + n), line("2026-11-18T10:00:00Z", 30 + n), *extra])
    return at(lake, dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC))


@pytest.fixture
def compacted(small):
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    return small


@pytest.fixture
def landed(lake, land, line, at):
    """Three parts in an hour, of three lines each, and an unplaced line of each fetch, on a day that is over."""
    then = at(lake, dt.datetime(2026, 11, 18, 18, tzinfo=dt.UTC))
    for n in range(3):
        land(then, [line("2026-11-18T09:00:00Z", f"person-{n}{k}") for k in range(3)] + [b"broken by person-%d9" % n])
    return at(lake, dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC))
