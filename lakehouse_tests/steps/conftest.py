"""An empty lake to build days in, one whose raw grows old, and the lake of the recorded activities."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from build_lakes import BEFORE, DAY, KEY, BuildLake, event
from erase_lakes import EVERY_DAY, LINES, MINE
from file_lakes import FileLake
from retention_lakes import LANDED, LATER, TWICE

import lakehouse
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.manifest import Window
from lakehouse.landing.plan import PlannedWindow
from lakehouse.settings import ENV_TOKEN_KEY, DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.reports_api.server import SimulatedReportsApi
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.fetch import fetch_windows
from lakehouse.steps.retention import expire
from lakehouse.tables.views import clean_version

RECORDED = Path(lakehouse.__file__).parents[2] / "shared" / "realdata"
CLOCK = dt.datetime(2022, 8, 16, tzinfo=dt.UTC)  # the day after the last activity: the source still keeps the first
START = dt.date(2022, 2, 17)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildLake:
    """An empty lake with a fixed clock."""
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    return BuildLake.make(tmp_path / "lake")


@pytest.fixture
def peopled(made: BuildLake) -> BuildLake:
    """Three built days. Of Eve: two rows, two quarantined lines and one that only names her, one of them on the day before, and an unplaced one."""
    made.land(*LINES)
    made.land(event(1, 8), dict(reversed(event(1, 2, **MINE).items())))  # a duplicate of hers
    for day in EVERY_DAY:
        made.build(day)
    return made


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileLake:
    """An empty lake for files of every format."""
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    return FileLake.make(tmp_path / "lake")


@pytest.fixture
def aged(made: BuildLake) -> BuildLake:
    """Two built days, five days later: rows, a duplicate, a blank line and a broken one on `DAY`, one row on `BEFORE`. Raw is kept three days."""
    made.land(
        event(1, 1), TWICE, dict(reversed(TWICE.items())), event(1, 3, events="x"), b'{"id":{"time":"2026-11-17T02:00:00Z"},', event(5, 4, day=BEFORE)
    )
    made.land(event(1, 5) | {"events": []})
    for day in (BEFORE, DAY, LANDED):
        made.build(day)
    settings = msgspec.structs.replace(made.lake.settings.datasets["workspace_audit"], raw_retention_days=3)
    made.lake = made.lake.with_settings(LakeSettings(clock=LATER, datasets={"workspace_audit": settings}))
    return made


@pytest.fixture
def sealed(aged: BuildLake) -> BuildLake:
    """The same after the raw of its old days has expired."""
    expire(aged.lake, aged.dataset)
    return aged


@dataclass(frozen=True)
class RecordedLake:
    """Recorded activities of a lab tenant, as the API told them, and the lake into which they were fetched."""

    lake: Lake
    dataset: Dataset
    activities: list[dict[str, Any]]
    counts: dict[str, int]
    days: list[DayReport]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordedLake:
    """All recorded activities, fetched over HTTP in the hours that hold any, and built; not to be changed.

    `counts` are the figures that came with the recording.
    """
    folder = RECORDED / "workspace_audit"
    if not folder.is_dir():
        pytest.skip(f"no recorded activities at {folder}")
    counts = json.loads((RECORDED / "EXPECTED.json").read_bytes())["workspace_audit_activities"]
    activities = [a for name in counts for a in json.loads((folder / f"{name}.json").read_bytes())["activities"]]
    dataset = find_dataset("workspace_audit")
    with pytest.MonkeyPatch.context() as patch, SimulatedReportsApi(folder, clock=CLOCK) as api:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        source = {"applications": list(counts), "url": api.url}
        settings = LakeSettings(clock=CLOCK, datasets={dataset.name: DatasetSettings(start=START, source=source)})
        lake = open_lake(tmp_path_factory.mktemp("recorded") / "lake").with_settings(settings)
        hours = sorted(
            {(dt.datetime.fromisoformat(a["id"]["time"]).replace(minute=0, second=0, microsecond=0), a["id"]["applicationName"]) for a in activities}
        )
        windows = [PlannedWindow(name, Window(hour, hour + dt.timedelta(hours=1)), "backfill") for hour, name in hours]
        fetch_windows(lake, dataset, windows).raise_for_errors()
        days = [build_day(lake, dataset, day.day) for day in stale_days(lake, dataset)]
    return RecordedLake(lake, dataset, activities, counts, days)


@pytest.fixture(scope="session")
def recorded_rows(recorded: RecordedLake) -> pl.DataFrame:
    """The clean table of the recorded activities."""
    return pl.read_parquet(list(clean_version(recorded.lake, recorded.dataset.contract).files), hive_partitioning=False)
