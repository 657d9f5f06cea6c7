"""Fetching from a Reports API that takes 0.3 s for a page, beside what that latency allows.

    python benchmarks/fetch_load.py --events 240000 --work /tmp/bench

The real client, landing included, in a process of its own, against the simulated server in another one. Medians of the rounds, each into an empty
lake; then the same windows once more, where every line has landed before. The latency allows four pages at a time: the windows in their order, each
taken by whichever of the four is free.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import heapq
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import measure

from lakehouse.datasets.workspace_audit.generator import generate
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake
from lakehouse.sources.reports_api.options import ENV_URL
from lakehouse.steps.fetch import PARALLEL

START = dt.datetime(2026, 11, 18, 6, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=12)
LATENCY = 0.3
LEAST_SHARE, MOST_CPU, MOST_MB = 0.9, 25.0, 200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=240_000, help="activities of the token log in twelve hours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds before each page")
    parser.add_argument("--work", type=Path, default=Path("/tmp/lakehouse-bench"), help="where activities and lakes are made; activities are kept")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    activities = told.work / f"token-{told.events}"
    if not (activities / "truth.json").is_file():
        activities.parent.mkdir(parents=True, exist_ok=True)
        generate(activities, seed=1, start=START, end=END, events=told.events, applications=("token",))
    place = told.work / "fetch-lake"
    first: list[measure.Cost] = []
    again: list[measure.Cost] = []
    with served(activities, told.latency) as url:
        for _ in range(told.rounds):
            shutil.rmtree(place, ignore_errors=True)
            settings = DatasetSettings(start=START.date(), source={"applications": ["token"]})
            open_lake(place).with_settings(LakeSettings(clock=END, datasets={"workspace_audit": settings}))
            for costs in (first, again):
                costs.append(measure.run("fetch_hours.py", place, START.isoformat(), END.isoformat(), environment={ENV_URL: url}))
    rows = [_row("everything new", measure.median(first), told.latency), _row("everything landed before", measure.median(again), told.latency)]
    rows.append(
        {"what": "bar", **dict.fromkeys(list(rows[0])[1:], ""), "% of allowed": 100 * LEAST_SHARE, "CPU us/record": MOST_CPU, "peak MB": MOST_MB}
    )
    measure.show(f"Fetch, {PARALLEL} windows at a time, pages of {told.latency:g} s, medians of {told.rounds}", rows, told.json)


@contextlib.contextmanager
def served(activities: Path, latency: float) -> Iterator[str]:
    """The URL of a simulated Reports API in a process of its own."""
    clock = (END + dt.timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")  # so late that nothing is kept back
    command = ["simulate", "reports-api", str(activities), "--port", "0", "--latency", str(latency), "--clock", clock]
    environment = {**os.environ, "PYTHONPATH": str(measure.HERE.parent), "PYTHONUNBUFFERED": "1"}
    start = "from lakehouse.cli.main import main; main()"
    with subprocess.Popen([sys.executable, "-c", start, *command], stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None  # it is a pipe
        try:
            yield server.stdout.readline().strip().partition("=")[2]
        finally:
            server.terminate()


def allowed(pages: Sequence[int], latency: float) -> float:
    """Seconds that windows of so many pages take when nothing but the latency does."""
    free = [0.0] * PARALLEL
    for count in pages:
        heapq.heapreplace(free, free[0] + count * latency)
    return max(free)


def _row(what: str, cost: measure.Cost, latency: float) -> dict[str, object]:
    facts = cost.facts
    bound = allowed(facts["pages"], latency)
    return {
        "what": what,
        "windows": len(facts["pages"]),
        "pages": sum(facts["pages"]),
        "records": facts["read"],
        "landed": facts["landed"],
        "wall s": cost.wall,
        "latency allows s": bound,
        "pages / 4 s": sum(facts["pages"]) * latency / PARALLEL,
        "% of allowed": 100 * bound / cost.wall,
        "CPU s": cost.cpu,
        "CPU us/record": 1e6 * cost.cpu / facts["read"],
        "peak MB": cost.peak_mb,
    }


if __name__ == "__main__":
    main()
