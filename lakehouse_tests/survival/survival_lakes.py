"""A lake that is killed: a small sample behind a simulated API, workers in processes of their own, and what must hold after each of their deaths."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.datasets.workspace_audit.generator import COLLECTOR_CLIENT_ID, Defects, generate
from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.orphans import clear_orphans
from lakehouse.operations.orphans import orphans
from lakehouse.operations.reconciliation import reconcile
from lakehouse.operations.truth import compare
from lakehouse.settings import ENV_TOKEN_KEY, DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.sources.reports_api.options import ENV_URL
from lakehouse.sources.reports_api.server import SimulatedReportsApi
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.fetch import fetch, fetch_windows, next_fetch
from lakehouse.steps.publish import publish_marts, unpublished_days
from lakehouse.storage.failpoints import ENV_FAIL_POINT
from lakehouse.tables.views import clean_version

KEY = "a key for tests that is long enough"
DATASET: Dataset = find_dataset("workspace_audit")
START = dt.datetime(2026, 11, 17, 12, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=24)
# Every defect that the generator knows, more often than in life.
DEFECTS = msgspec.structs.replace(Defects(), late=0.03, repeated=0.02, reordered=0.02, conflicting=0.01, malformed=0.01, wrong_types=0.01)

# What a worker does, one line after the other. `ready` is told when everything is imported.
WORKER = """
import sys
from lakehouse.datasets.registry import find_dataset
from lakehouse.settings import open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.fetch import fetch_windows, next_fetch
from lakehouse.steps.publish import publish_marts
import lakehouse.sources.reports_api.client, lakehouse.engines.polars_engine, pandera.polars
lake, dataset = open_lake(sys.argv[1]), find_dataset("workspace_audit")
print("ready", flush=True)
"""
FETCH = "fetch_windows(lake, dataset, next_fetch(lake, dataset).windows).raise_for_errors()\n"
CLEAN = "for stale in stale_days(lake, dataset): build_day(lake, dataset, stale.day)\n"
PUBLISH = "publish_marts(lake, dataset)\n"


def make_sample(folder: Path, seed: int) -> Path:
    """A day of all applications, with its truth beside it."""
    generate(folder, seed=seed, start=START, end=END, events=1_500, users=20, defects=DEFECTS)
    return folder


@dataclass
class Mortal:
    """A lake of a sample at a clock. Workers fetch from `api`, in which time goes on as in the lake."""

    folder: Path
    sample: Path
    api: SimulatedReportsApi
    clock: dt.datetime = START

    @property
    def lake(self) -> Lake:
        return open_lake(self.folder)

    def at(self, clock: dt.datetime) -> Mortal:
        """Move the clock of the lake and of its source."""
        source = {"url": self.api.url, "simulated": str(self.sample), "collector_client_id": COLLECTOR_CLIENT_ID}
        settings = LakeSettings(clock=clock, datasets={DATASET.name: DatasetSettings(start=START.date(), source=source)})
        open_lake(self.folder).with_settings(settings)
        self.api.set_clock(clock)
        self.clock = clock
        return self

    def environment(self, fail_at: str | None = None) -> dict[str, str]:
        return os.environ | {ENV_TOKEN_KEY: KEY, ENV_URL: self.api.url} | ({ENV_FAIL_POINT: fail_at} if fail_at else {})

    def worker(self, work: str, *, fail_at: str | None = None) -> subprocess.Popen[str]:
        """Start a process that does this and return it when it is about to."""
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER + textwrap.dedent(work), str(self.folder)],
            env=self.environment(fail_at), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1][-3000:]
        return process

    def finish_work(self, *, publish: bool = False) -> None:
        """Do here what is left to do: what is new, all of it once more as a sweep does, what is stale, what is not published."""
        lake = self.lake
        fetch_windows(lake, DATASET, next_fetch(lake, DATASET).windows).raise_for_errors()
        fetch(lake, DATASET, START, self.clock, purpose="weekly_sweep").raise_for_errors()
        for stale in stale_days(lake, DATASET):
            build_day(lake, DATASET, stale.day)
        assert stale_days(lake, DATASET) == []
        if publish:
            publish_marts(lake, DATASET)
            assert unpublished_days(lake, DATASET) == []

    # --- what must hold -----------------------------------------------------------------------------------------------

    def check_books(self) -> None:
        """Whenever a process died: what is committed is whole, and what is not is pending."""
        told = reconcile(self.lake, DATASET)
        assert told.closes, list(map(str, told.differences))
        rows = self.rows()
        assert rows.height == rows.unique(DATASET.contract.key).height

    def check_truth(self) -> None:
        """When the work is done: every line and every row has the fate that the generator's truth tells, and nothing waits."""
        self.check_books()
        terms = compare(self.lake, DATASET, self.sample / "truth.json", visible_until=self.clock)
        assert [(t.name, t.truth, t.lake) for t in terms if not t.agrees] == []
        assert sum(t.truth for t in terms) > 0
        assert reconcile(self.lake, DATASET).pending == 0

    def check_orphans(self) -> None:
        """What the dead left behind can be cleared, and nothing else goes with it."""
        content = self.content()
        found = orphans(self.lake, DATASET, now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25))
        clear_orphans(self.lake.store, found)
        parts = [p.part for landed in load_ledger(self.lake, DATASET.name).parts.values() for p in landed]
        named = {p.file for p in parts}
        raw = {e.path for e in self.lake.store.entries(f"raw/{DATASET.name}") if e.path.endswith(".jsonl.zst")}
        assert raw == named
        assert self.content() == content
        self.check_truth()
        for day in {Path(path).parts[2] for path in named if "date=" in path}:
            assert not build_day(self.lake, DATASET, dt.date.fromisoformat(day.removeprefix("date="))).committed

    def rows(self) -> pl.DataFrame:
        files = clean_version(self.lake, DATASET.contract).files
        return (
            pl.read_parquet(list(files), hive_partitioning=False, glob=False) if files else pl.DataFrame(schema=dict.fromkeys(DATASET.contract.key))
        )

    def content(self) -> list[Any]:
        """The clean table without provenance, comparable."""
        rows = self.rows()
        return sorted(content_hash(rows, DATASET.contract)) if rows.height else []


def kill_after(process: subprocess.Popen[str], seconds: float, *, family: bool = False) -> bool:
    """`kill -9` so many seconds from now, the process alone or with all its children. False when it had ended well before; an error is raised."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(min(0.01, max(0.0, deadline - time.monotonic())))
    if process.poll() is None:
        (os.killpg if family else os.kill)(process.pid, signal.SIGKILL)
    return died(process)


def died(process: subprocess.Popen[str]) -> bool:
    """Wait for the end. True for a death by `kill -9`, False for a good end; anything else fails the test."""
    code = process.wait(timeout=120)
    assert process.stderr is not None
    said = "" if code == -signal.SIGKILL else process.stderr.read()
    assert code in (0, -signal.SIGKILL), said[-4000:]
    return code != 0


def times(start: dt.datetime, step: dt.timedelta, count: int) -> Sequence[dt.datetime]:
    """So many moments."""
    return [start + step * number for number in range(count)]
