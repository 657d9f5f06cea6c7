"""A fetch whose source is away: it says what it waits for, how it ends, and that Ctrl-C is obeyed."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cli import building
from lakehouse.cli.exits import ExitCode
from lakehouse.cli.work import Failed
from lakehouse.settings import open_lake
from lakehouse.sources.reports_api.options import ENV_URL
from lakehouse.sources.reports_api.server import SimulatedReportsApi

BUSY = {"status": 503, "reason": "backendError", "times": 10_000}
REFUSED = {"status": 403, "reason": "forbidden", "message": "Not Authorized to access this resource/api", "times": 10_000}
FETCH = ("fetch", "--from", "2026-11-17T22", "--to", "2026-11-18T02", "-a", "token")
Serve = Callable[..., SimulatedReportsApi]


@pytest.fixture
def serve(simulated_lake: Path) -> Iterator[Serve]:
    """The lake's source with faults."""
    running = []

    def start(*faults: dict[str, Any]) -> SimulatedReportsApi:
        api = SimulatedReportsApi(simulated_lake / "activities", clock=open_lake(simulated_lake).settings.clock, faults=faults).start()
        running.append(api)
        return api

    yield start
    for api in running:
        api.stop()


def _patient(folder: Path, seconds: float) -> Path:
    lake = open_lake(folder)
    lake.settings.datasets["workspace_audit"].source["away_seconds"] = seconds
    lake.with_settings(lake.settings)
    return folder


def test_a_source_that_is_away_ends_with_3_and_with_what_it_was_waited_for(run: Any, simulated_lake: Path, serve: Serve) -> None:
    api = serve(BUSY)
    result = run(*FETCH, "--lake", _patient(simulated_lake, 2), env={ENV_URL: api.url})
    assert result.code == 3
    assert "It may work if tried again" in result.err
    assert re.search(r"waiting for the source \(HTTP 503\): token, try \d+ of at most 10 in \d+ s; 4 windows wait", result.err)
    assert result.err.count("waiting for the source") == 1  # four windows, several tries each
    assert "✗ 4 windows: 0 read" in result.out
    assert "Traceback" not in result.err


def test_machines_are_told_beside_their_document(run: Any, simulated_lake: Path, serve: Serve) -> None:
    result = run(*FETCH, "--json", "--lake", _patient(simulated_lake, 1), env={ENV_URL: serve(BUSY).url})
    assert (result.code, result.json["fetch"]["failed_windows"]) == (3, 4)
    assert "waiting for the source (HTTP 503)" in result.err


def test_a_source_that_comes_back_is_fetched_and_ends_with_0(run: Any, simulated_lake: Path, serve: Serve) -> None:
    result = run(*FETCH, "--lake", _patient(simulated_lake, 30), env={ENV_URL: serve({**BUSY, "times": 4}).url})
    assert result.code == 0, result.err
    assert "waiting for the source (HTTP 503)" in result.err
    assert "✓ 4 windows" in result.out


def test_a_refusal_among_the_failures_ends_with_4(run: Any, simulated_lake: Path, serve: Serve) -> None:
    api = serve({**BUSY, "times": 2}, REFUSED)
    result = run(*FETCH, "--lake", _patient(simulated_lake, 0), env={ENV_URL: api.url})
    assert result.code == 4
    assert "privilege Reports" in result.err


def test_what_landed_is_built_though_an_application_was_refused(run: Any, simulated_lake: Path, token_key: str, serve: Serve) -> None:
    api = serve({**REFUSED, "application": "login"})
    result = run("fetch", "--build", "--json", "--lake", simulated_lake, env={ENV_URL: api.url})
    assert result.code == 4
    assert "privilege Reports" in result.err
    assert result.json["fetch"]["failed_windows"] > 0
    assert [(d["day"], d["committed"]) for d in result.json["days"]] == [("2026-11-17", True), ("2026-11-18", True)]
    assert (len(result.json["marts"]), result.json["errors"]) == (1, [])


@pytest.mark.parametrize(("ended", "code"), [(ExitCode.TRANSIENT, 4), (ExitCode.DATA, 1)])
def test_what_failed_of_the_fetch_and_of_the_build_is_told_together(
    run: Any, simulated_lake: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, ended: ExitCode, code: int
) -> None:
    monkeypatch.setattr(building, "build_stale", lambda *_, **__: ({}, Failed(["marts: they were not published"], ended)))
    refused = serve({**REFUSED, "application": "login"})
    result = run("fetch", "--build", "--lake", simulated_lake, env={ENV_URL: refused.url})
    assert ("privilege Reports" in result.err, "marts: they were not published" in result.err) == (True, True)
    assert result.code == code


def test_nothing_is_built_where_nothing_landed(run: Any, simulated_lake: Path, serve: Serve) -> None:
    result = run(*FETCH, "--build", "--json", "--lake", _patient(simulated_lake, 0), env={ENV_URL: serve(REFUSED).url})
    assert (result.code, "days" in result.json) == (4, False)


def test_a_source_without_credentials_ends_with_2_and_says_what_to_set(run: Any, simulated_lake: Path, tmp_path: Path) -> None:
    lake = open_lake(simulated_lake)
    del lake.settings.datasets["workspace_audit"].source["simulated"]
    lake.with_settings(lake.settings)
    missing = tmp_path / "missing.json"
    result = run(*FETCH, "--lake", simulated_lake, env={"LAKEHOUSE_GOOGLE_CREDENTIALS": str(missing)})
    assert result.code == 2
    assert "The key file cannot be read" in result.err


class _Command:
    """`lakehouse ARGS` in a process of its own; `text`: what it wrote so far to stderr, a terminal or a pipe."""

    def __init__(self, *args: object, url: str, terminal: bool) -> None:
        ours, theirs = pty.openpty() if terminal else os.pipe()
        env = {**os.environ, ENV_URL: url, "COLUMNS": "100", "TERM": "xterm"}
        command = [sys.executable, "-c", "from lakehouse.cli.main import main; main()", *map(str, args)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=env)
        os.close(theirs)
        self.text = ""
        self._reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self._reader.start()

    def _read(self, ours: int) -> None:
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while data := os.read(ours, 65536):
                self.text += data.decode(errors="replace")
        os.close(ours)

    def until(self, words: str) -> None:
        for _ in range(1200):
            if words in self.text:
                return
            time.sleep(0.05)
        pytest.fail(f"{words!r} was not shown within a minute, but: {self.text[-2000:]}")

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        self._reader.join(10)
        return code


@pytest.mark.parametrize("terminal", [True, False], ids=["below the bar of a terminal", "as a line in a pipe"])
def test_a_wait_is_shown_while_it_lasts_and_ctrl_c_ends_it(simulated_lake: Path, serve: Serve, terminal: bool) -> None:
    api = serve({"status": 429, "reason": "rateLimitExceeded", "retry_after": 250, "times": 10_000})
    shown = _Command(*FETCH, "--lake", simulated_lake, url=api.url, terminal=terminal)
    shown.until("waiting for the source (rate limit): token, try 2 of at most 10 in 2")
    shown.until("4 windows wait")
    assert shown.interrupt() == 130
    assert "interrupted" in shown.text
    assert "Traceback" not in shown.text
    if not terminal:
        assert shown.text.count("waiting for the source") == 1
