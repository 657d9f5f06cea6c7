"""`lakehouse dev` in a process of its own: it answers, it passes on the simulated source, and it ends when it is asked to."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb
import msgspec
import pytest

from lakehouse.cli import dev
from lakehouse.cli.processes import Group, answers, free_port
from lakehouse.datasets.registry import find_dataset
from lakehouse.operations.truth import compare
from lakehouse.settings import Lake, LakeSettings, open_lake

MAIN = [sys.executable, "-c", "from lakehouse.cli.main import main; main()"]


class Dev:
    """`lakehouse dev` under way. Its output goes to files: a pipe that nobody reads would stop it."""

    def __init__(self, lake: Path, *options: str) -> None:
        self.port = free_port()
        self._out, self._err = lake / "dev.out", lake / "dev.err"
        env = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "LAKEHOUSE_URL", "LAKEHOUSE_REPORTS_API_URL")}
        command = [*MAIN, "dev", "--port", str(self.port), "--lake", str(lake), *options]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(command, env=env, stdout=out, stderr=err)

    def __enter__(self) -> Self:
        """Returns when it answers."""
        try:
            self.wait(180, "the UI", lambda: answers(f"http://127.0.0.1:{self.port}/server_info"))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ask it to end."""
        self.stop()

    def stop(self) -> int:
        """Ask it to end, and its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=120)

    def wait(self, seconds: float, what: str, done: Callable[[], bool]) -> None:
        """Until that is so."""
        end = time.monotonic() + seconds
        while not done():
            assert self._process.poll() is None, self.err
            assert time.monotonic() < end, f"{what} did not come within {seconds} seconds. {self.err[-5000:]}"
            time.sleep(0.5)

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def source(self) -> str:
        """The address of the simulated API."""
        return re.search(r"simulated Reports API of workspace_audit: (http://\S+)", self.err)[1]  # type: ignore[index]

    def running(self) -> list[str]:
        """The statuses of the runs so far."""
        return [r["status"] for r in _graphql(self.port, "{runsOrError {... on Runs {results {status}}}}")["runsOrError"]["results"]]

    def runs(self) -> list[Ran]:
        """The runs so far, oldest first."""
        found = _graphql(self.port, "{runsOrError {... on Runs {results {status assetSelection {path} tags {key value}}}}}")["runsOrError"]["results"]
        return [Ran.of(run) for run in reversed(found)]


@dataclass(frozen=True)
class Ran:
    """One run: of which layer, over which partitions, who asked for it."""

    layer: str
    status: str
    first: str
    last: str
    sensor: str | None

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        tags = {tag["key"]: tag["value"] for tag in told["tags"]}
        (layer,) = {key["path"][0] for key in told["assetSelection"]}
        first, last = (tags.get(f"dagster/asset_partition_range_{end}") or tags["dagster/partition"] for end in ("start", "end"))
        return cls(layer, told["status"], first, last, tags.get("dagster/sensor_name"))


def _graphql(port: int, query: str) -> Any:
    return _post(f"http://127.0.0.1:{port}/graphql", {"query": query})["data"]


def _post(url: str, content: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})  # noqa: S310  our own servers
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response)


def test_a_history_that_cannot_be_used_for_a_while_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(dev, "LOST_RUNS_SECONDS", 0)
    (tmp_path / "lake" / ".dagster").mkdir(parents=True)
    (tmp_path / "lake" / ".dagster" / "dagster.yaml").write_text("run_monitoring:\n  enabled: [tr")
    lasting = Group([sys.executable, "-c", "import time; time.sleep(2)"], cwd=tmp_path, env=os.environ)
    assert dev._watch(lasting, open_lake(tmp_path / "lake")) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("warning:") == told.count("cannot be used as the settings of Dagster") == 1


@pytest.mark.slow
def test_dev_serves_the_assets_of_the_lake_and_ends_with_all_its_children(simulated_lake: Path) -> None:
    with Dev(simulated_lake) as dev:
        found = _graphql(dev.port, "{assetNodes {assetKey {path}}}")["assetNodes"]
        assert ["raw", "workspace_audit"] in [n["assetKey"]["path"] for n in found]
        second = subprocess.run([*MAIN, "dev", "--port", str(free_port()), "--lake", str(simulated_lake)], capture_output=True, check=False)
        assert second.returncode == 2
        assert b"Another `lakehouse dev` runs" in second.stderr
        assert dev.source.startswith("http://127.0.0.1:")
        assert dev.runs() == []
        killed = subprocess.Popen([*MAIN, "fetch", "--lake", str(simulated_lake)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        dev.wait(120, "a run of a command", lambda: dev.running() == ["STARTED"])
        killed.kill()
        killed.wait()
        dev.wait(120, "the end of the run whose command was killed", lambda: dev.running() == ["FAILURE"])
        assert dev.stop() == 0
    assert f"http://127.0.0.1:{dev.port}" in dev.out
    assert not answers(f"http://127.0.0.1:{dev.port}/server_info")


@pytest.mark.slow
def test_with_sensors_what_the_source_tells_is_published_and_what_it_tells_late_heals_without_a_human(simulated_lake: Path) -> None:
    visible = open_lake(simulated_lake).now()
    lake = _at(open_lake(simulated_lake), visible - dt.timedelta(hours=3, minutes=55))  # five minutes after the last event
    with Dev(simulated_lake, "--sensors") as dev:
        dev.wait(900, "the marts", lambda: _published(dev.runs(), 1))
        first = dev.runs()
        assert [(r.layer, r.first, r.last) for r in first] == [
            ("raw", "2026-11-17T00", "2026-11-18T02"), ("clean", "2026-11-17", "2026-11-18"), ("marts", "2026-11-17", "2026-11-18"),
        ]  # fmt: skip
        before = _assert_true(lake)

        lake = _at(lake, visible)
        _post(f"{dev.source}/_simulator/clock", {"now": visible.isoformat()})
        dev.wait(900, "the marts of the late events", lambda: _published(dev.runs(), 2))
        healed = dev.runs()[len(first) :]
        assert {(r.layer, r.first, r.last) for r in healed if r.layer != "raw"} == {
            (layer, "2026-11-18", "2026-11-18") for layer in ("clean", "marts")
        }
        after = _assert_true(lake)
        assert {r.status for r in dev.runs()} == {"SUCCESS"}
        assert all(r.sensor for r in dev.runs())
        assert dev.stop() == 0
    assert after["2026-11-17"] == before["2026-11-17"]
    assert after["2026-11-18"] > before["2026-11-18"]


def _at(lake: Lake, clock: dt.datetime) -> Lake:
    """The lake at another time, for every process; it reads all applications that the sample has."""
    dataset = lake.dataset("workspace_audit")
    everything = sorted(p.name for p in (lake.store.root / "activities").iterdir() if p.is_dir())
    settings = msgspec.structs.replace(dataset, source={**dataset.source, "applications": everything})
    return lake.with_settings(LakeSettings(clock=clock, datasets={"workspace_audit": settings}))


def _published(runs: list[Ran], times: int) -> bool:
    assert "FAILURE" not in {r.status for r in runs}, runs
    ended = all(r.status == "SUCCESS" for r in runs)
    return ended and sum(r.layer == "marts" for r in runs) == times


def _assert_true(lake: Lake) -> dict[str, int]:
    """The lake tells to the record what the source shows by now, up to the published file. Day -> events of it."""
    dataset = find_dataset("workspace_audit")
    terms = compare(lake, dataset, lake.store.root / "activities" / "truth.json", visible_until=lake.now())
    assert [t for t in terms if not t.agrees] == []
    with duckdb.connect(str(lake.store.root / "marts" / "workspace_audit.duckdb"), read_only=True) as con:
        rows = con.execute("SELECT CAST(mart_date AS VARCHAR), CAST(sum(_source_rows) AS BIGINT) FROM audit_hourly_activity GROUP BY ALL").fetchall()
    assert {f"kept on {day}": count for day, count in rows} == {t.name: t.lake for t in terms if t.name.startswith("kept on")}
    return dict(rows)


def test_a_port_that_is_taken_is_said_so(run: Any, simulated_lake: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("dev", "--port", taken.getsockname()[1], "--lake", simulated_lake)
    assert result.code == 2
    assert "is taken" in result.err
