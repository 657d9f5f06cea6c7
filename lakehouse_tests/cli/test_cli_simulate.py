"""`lakehouse simulate`: activities with a truth, and a Reports API that tells them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

MAIN = [sys.executable, "-c", "from lakehouse.cli.main import main; main()"]
WINDOW = "startTime=2026-11-18T00:00:00Z&endTime=2026-11-18T02:00:00Z"


def test_activities_are_generated_with_their_truth_and_again_the_same(run: Any, tmp_path: Path) -> None:
    args = ["--start", "2026-11-18T00:00:00Z", "--end", "2026-11-18T02:00:00Z", "--events", 300, "--seed", 5, "--json"]
    first = run("simulate", "activities", tmp_path / "a", *args)
    assert first.code == 0, first.err
    truth = json.loads((tmp_path / "a" / "truth.json").read_text())
    assert truth["total"]["activities"] == first.json["truth"]["activities"] >= 300
    assert run("simulate", "activities", tmp_path / "b", *args).json["truth"] == first.json["truth"]


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [("2026-11-18", "2026-11-17", "must end after it starts"), ("2026-11-18T00:30:00Z", "2026-11-19", "whole hour")],
)
def test_times_that_make_no_sample_are_refused(run: Any, tmp_path: Path, start: str, end: str, told: str) -> None:
    result = run("simulate", "activities", tmp_path / "a", "--start", start, "--end", end)
    assert result.code == 2
    assert told in result.err


def test_a_folder_with_other_things_is_not_written_into(run: Any, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    assert run("simulate", "activities", tmp_path, "--start", "2026-11-18", "--end", "2026-11-19").code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["letters.txt"]


def test_the_server_tells_the_activities_by_its_clock_and_ends_on_terminate(run: Any, tmp_path: Path) -> None:
    run("simulate", "activities", tmp_path / "a", "--start", "2026-11-18", "--end", "2026-11-18T02:00:00Z", "--events", 300, "--no-defects")
    command = [*MAIN, "simulate", "reports-api", str(tmp_path / "a"), "--port", "0", "--clock", "2026-11-18T12:00:00Z"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as server:
        assert server.stdout is not None
        url = server.stdout.readline().decode().strip().removeprefix("LAKEHOUSE_REPORTS_API_URL=")
        with urllib.request.urlopen(f"{url}/admin/reports/v1/activity/users/all/applications/token?{WINDOW}", timeout=30) as response:  # noqa: S310
            page = json.load(response)
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    assert {item["id"]["applicationName"] for item in page["items"]} == {"token"}


@pytest.mark.parametrize(("text", "told"), [("{", "is no JSON"), ("{}", "a list of faults"), ('[{"status": "often"}]', "Not a fault")])
def test_faults_that_are_none_are_refused(run: Any, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "faults.json").write_text(text)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "token.json").write_text('{"activities": []}')
    result = run("simulate", "reports-api", tmp_path / "a", "--port", 0, "--faults", tmp_path / "faults.json")
    assert result.code == 2
    assert told in result.err
