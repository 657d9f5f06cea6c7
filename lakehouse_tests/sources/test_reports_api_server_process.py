"""The simulated Reports API in a process of its own."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path

import pytest
from reports_api_helpers import HOUR, NOW, QuickClient, activity, at, qualifiers, told, write_hours

from lakehouse.errors import TerminalError
from lakehouse.sources.reports_api.server_process import ServerProcess

MODULE = "lakehouse.sources.reports_api.server_process"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    late = (at(2), NOW + dt.timedelta(hours=1), activity(at(2), 2))
    return write_hours(tmp_path / "activities", "token", [*told(activity(at(1), 1)), late])


def test_it_serves_by_the_clock_it_is_told(folder: Path) -> None:
    with ServerProcess(folder) as server:
        server.set_clock(NOW)
        client = QuickClient(server.url)
        assert qualifiers(client.read()) == [1]
        server.set_clock(NOW + dt.timedelta(hours=2))
        assert qualifiers(client.read()) == [2, 1]
        client.close()


def test_a_proxy_of_the_environment_does_not_stand_between(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with ServerProcess(folder) as server:
        server.set_clock(NOW)
        assert qualifiers(QuickClient(server.url).read(start=HOUR)) == [1]


def test_it_is_gone_after_the_block(folder: Path) -> None:
    with ServerProcess(folder) as server:
        client = QuickClient(server.url, attempts=1)
        server.set_clock(NOW)
        assert client.read()
        process = server._process
    assert process.returncode is not None
    with pytest.raises(Exception, match="refused"):
        client.read()


def test_whoever_does_not_wait_for_it_may_leave(folder: Path) -> None:
    with ServerProcess(folder) as server:
        process = server._process
    assert process.returncode is not None


def test_a_folder_that_cannot_be_served_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        ServerProcess(tmp_path / "nowhere") as server,
        pytest.raises(TerminalError, match=r"serves .*nowhere as a simulated Reports API ended before"),
    ):
        _ = server.url
    told = capfd.readouterr().err
    assert "nowhere" in told
    assert "Traceback" not in told


def test_a_server_that_died_is_told(folder: Path) -> None:
    with ServerProcess(folder) as server:
        server.set_clock(NOW)
        server._process.kill()
        server._process.wait()
        with pytest.raises(TerminalError, match=r"serves .*activities as a simulated Reports API does not answer"):
            server.set_clock(NOW)


def test_a_file_where_the_user_stands_is_no_module_of_ours(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "queue.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    with ServerProcess(folder) as server:
        assert server.url.startswith("http://127.0.0.1:")


def test_it_ends_when_its_parent_is_killed(folder: Path, tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal\n"
        f"from {MODULE} import ServerProcess\n"
        f"server = ServerProcess(pathlib.Path({str(folder)!r}))\n"
        "print(server.url, server._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    pid = int(ended.stdout.split()[1])
    end = time.monotonic() + 30
    while _lives(pid):
        assert time.monotonic() < end, "the server outlived its parent"
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
