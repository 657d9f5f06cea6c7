"""Lakes that have been fetched into for a long time: many manifests, most of which brought nothing, and small parts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import lakes

from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest, Purpose, Window
from lakehouse.landing.state import Ledger
from lakehouse.landing.write import land_fetch
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_existing_lake, open_lake
from lakehouse.steps.build import build_day

FIRST = dt.date(2026, 10, 20)
APPLICATIONS = ("token", "login", "saml", "admin", "drive", "groups", "calendar")
LINES = 20  # of a part
_DATASET = find_dataset(lakes.DATASET)
_HOUR = re.compile(rb'"time":"[^:]+')
_QUALIFIER = re.compile(rb'"uniqueQualifier":"[^"]+')
_COUNTERS = {"requests": 1, "pages": 1, "records": LINES, "bytes": 20_000, "malformed_pages": 0, "order_violations": 0, "waited_seconds": 0.0}


def lake_of_history(place: Path, lines: Sequence[bytes], *, days: int, manifests: int) -> Lake:
    """A lake of some days, each hour of each fetched once for each application and again until there are so many manifests; all days are built.

    It is used again where it is whole.
    """
    if (place / "lake.json").exists():
        lake = open_existing_lake(place)
        if load_ledger(lake, lakes.DATASET).last_number == manifests:
            return lake
    lakes.emptied(place)
    end = dt.datetime.combine(FIRST + dt.timedelta(days=days), dt.time(1), tzinfo=dt.UTC)
    settings = DatasetSettings(start=FIRST, source={"applications": list(APPLICATIONS)})
    lake = open_lake(place).with_settings(LakeSettings(clock=end, datasets={lakes.DATASET: settings}))
    history = _History(lake, lines)
    hours = days * 24
    for hour in range(hours):
        history.read(hour, manifests * (hour + 1) // hours)
    for day in range(days):
        build_day(lake, _DATASET, FIRST + dt.timedelta(days=day))
    return lake


class _History:
    """A lake that is fetched into hour by hour."""

    def __init__(self, lake: Lake, lines: Sequence[bytes]) -> None:
        self._lake, self._lines = lake, lines
        self._ledger = load_ledger(lake, lakes.DATASET)

    def read(self, hour: int, manifests: int) -> None:
        """Read an hour for every application, then again for one after the other until there are so many manifests."""
        start = dt.datetime.combine(FIRST, dt.time(), tzinfo=dt.UTC) + dt.timedelta(hours=hour)
        window = Window(start, start + dt.timedelta(hours=1))
        for index, name in enumerate(APPLICATIONS):
            self._fetch(name, window, self._hour(start, index), "new")
        again = 0
        while self._ledger.last_number < manifests:
            index = again % len(APPLICATIONS)
            self._fetch(APPLICATIONS[index], window, self._hour(start, index), "overlap")
            again += 1

    def _hour(self, start: dt.datetime, index: int) -> list[bytes]:
        place = f'"time":"{start:%Y-%m-%dT%H}'.encode()
        name = f'"applicationName":"{APPLICATIONS[index]}"'.encode()
        made = []
        for number in range(LINES):
            line = self._lines[(index * LINES + number) % len(self._lines)].replace(b'"applicationName":"token"', name)
            qualifier = f'"uniqueQualifier":"-{start:%m%d%H}{index:02d}{number:06d}'.encode()
            made.append(_QUALIFIER.sub(qualifier, _HOUR.sub(place, line, count=1), count=1))
        return made

    def _fetch(self, name: str, window: Window, lines: list[bytes], purpose: Purpose) -> Manifest:
        settings = LakeSettings(clock=window.end + dt.timedelta(minutes=2), datasets=self._lake.settings.datasets)
        manifest = land_fetch(
            replace(self._lake, settings=settings),
            _DATASET.contract,
            source="reports_api",
            application=name,
            purpose=purpose,
            window=window,
            covered=window,
            batches=[lines],
            http=lambda: dict(_COUNTERS),
            started_at=window.end + dt.timedelta(minutes=1),
            run_id="00000000-0000-0000-0000-000000000000",
            ledger=self._ledger,
        )
        self._ledger: Ledger = self._ledger.after([manifest])
        return manifest
