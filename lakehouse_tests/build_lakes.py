"""Lakes whose days are built by the tests themselves: land lines, build, look at what the table says."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from deltalake import DeltaTable
from position_lines import land_by_position

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.landing.manifest import Manifest, Purpose, Window
from lakehouse.landing.write import land_fetch
from lakehouse.settings import ENV_TOKEN_KEY, DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.build import build_day
from lakehouse.storage.failpoints import ENV_FAIL_POINT
from lakehouse.tables import delta
from lakehouse.tables.views import clean_version

KEY = "a key for tests that is long enough"
CLOCK = dt.datetime(2026, 11, 19, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 17)
BEFORE = DAY - dt.timedelta(days=1)


def event(hour: int, number: int = 0, *, day: dt.date = DAY, application: str = "token", **more: Any) -> dict[str, Any]:
    """An activity of an hour; its number makes it another event."""
    return {
        "id": {
            "time": f"{day}T{hour:02d}:{number % 60:02d}:00.000Z",
            "uniqueQualifier": str(number),
            "applicationName": application,
            "customerId": "C0",
        },
        "actor": {"email": f"user{number}@example.com"},
        "events": [{"name": "activity", "parameters": [{"name": "client_id", "value": "app"}]}],
        **more,
    }


def whole(day: dt.date) -> Window:
    """The window of a day."""
    start = dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
    return Window(start, start + dt.timedelta(days=1))


def line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


@dataclass
class BuildLake:
    """A lake of one application, `token`."""

    lake: Lake
    dataset: Dataset = field(default_factory=lambda: find_dataset("workspace_audit"))

    @classmethod
    def make(cls, folder: Path) -> BuildLake:
        """An empty lake with a fixed clock, two days after `DAY`."""
        source = {"applications": ["token"]}
        settings = LakeSettings(clock=CLOCK, datasets={"workspace_audit": DatasetSettings(start=dt.date(2026, 11, 10), source=source)})
        return cls(open_lake(folder).with_settings(settings))

    @property
    def folder(self) -> Path:
        assert self.lake.store.root is not None
        return self.lake.store.root

    def land(
        self,
        *records: dict[str, Any] | bytes,
        covers: Window | None = None,
        clock: dt.datetime = CLOCK,
        purpose: Purpose = "new",
    ) -> Manifest:
        """Land records as one fetch."""
        lines = [r if isinstance(r, bytes) else line(r) for r in records]
        lake = replace(self.lake, settings=msgspec.structs.replace(self.lake.settings, clock=clock))
        return land_fetch(
            lake, self.dataset.contract, source="reports_api", application="token", purpose=purpose, window=covers, covered=covers, batches=[lines],
            http=dict, started_at=clock,
        )  # fmt: skip

    def land_copies(self, *records: dict[str, Any] | bytes) -> Manifest:
        """Land records as one file, by position: what landed before lands again."""
        lines = [r if isinstance(r, bytes) else line(r) for r in records]
        return land_by_position(self.lake, self.dataset.contract, lines, source="reports_api", application="token")

    def cover(self, day: dt.date = DAY) -> Manifest:
        """Say that a whole day was read, without a line."""
        return self.land(covers=whole(day))

    def build(self, day: dt.date = DAY, **more: Any) -> DayReport:
        return build_day(self.lake, self.dataset, day, **more)

    def run(self, code: str, *, fail_at: str | None = None) -> subprocess.Popen[str]:
        """Start a process in which `lake`, `dataset`, `DAY`, `BEFORE` and `build_day` are there."""
        script = textwrap.dedent(f"""
            import datetime as dt, sys
            from lakehouse.datasets.registry import find_dataset
            from lakehouse.settings import open_lake
            from lakehouse.steps.build import build_day
            lake, dataset = open_lake(sys.argv[1]), find_dataset("workspace_audit")
            DAY, BEFORE = dt.date({DAY.year}, {DAY.month}, {DAY.day}), dt.date({BEFORE.year}, {BEFORE.month}, {BEFORE.day})
        """) + textwrap.dedent(code)
        environment = os.environ | {ENV_TOKEN_KEY: KEY} | ({ENV_FAIL_POINT: fail_at} if fail_at else {})
        return subprocess.Popen(
            [sys.executable, "-c", script, str(self.folder)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    # --- what the table says ------------------------------------------------------------------------------------------

    @property
    def table(self) -> DeltaTable:
        table = delta.open_table(self.lake, self.dataset.name)
        assert table is not None
        return table

    def files(self) -> list[str]:
        """The files that the table lists, below its folder."""
        table = delta.open_table(self.lake, self.dataset.name)
        return sorted(path for files in delta.active_files(table).values() for path in files) if table is not None else []

    def rows(self) -> pl.DataFrame:
        files = clean_version(self.lake, self.dataset.contract).files
        return pl.read_parquet(list(files), hive_partitioning=False, glob=False) if files else pl.DataFrame()

    def content(self) -> list[str]:
        """The content of the table without provenance, comparable."""
        rows = self.rows()
        return sorted(content_hash(rows, self.dataset.contract)) if rows.height else []

    def names(self) -> list[tuple[int, int]]:
        """(hour, number) of the events in the table, sorted; doubles stay."""
        rows = self.rows()
        return sorted((t.hour, int(n)) for t, n in rows.select("event_time", "unique_id").iter_rows()) if rows.height else []

    def fingerprint(self, day: dt.date = DAY) -> int | None:
        return delta.day_state(self.lake, self.dataset.name, self.table, day, with_files=False).fingerprint


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    """What the processes print; all must succeed."""
    told = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err[-3000:]
        told.append(out)
    return told


def check_lake(made: BuildLake, expected: Sequence[tuple[int, int]]) -> None:
    """The table holds exactly these events, once, and its files are as large as its log says."""
    assert made.names() == sorted(expected)
    for path, size in (item for files in delta.active_files(made.table).values() for item in files.items()):
        assert (made.folder / "clean" / "workspace_audit" / path).stat().st_size == size
