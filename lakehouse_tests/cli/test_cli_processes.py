"""Children end when they are asked to, with all that they started."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from lakehouse.cli.processes import Group, answers, free_port, interruptible, port_in_use

FAMILY = """
import subprocess, sys, time, pathlib
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""
SERVER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def _await(what: str, holds: object) -> None:
    for _ in range(200):
        if holds():  # type: ignore[operator]
            return
        time.sleep(0.05)
    pytest.fail(f"{what} did not happen within 10 seconds")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z" if Path(f"/proc/{pid}").exists() else True


def test_stopping_a_group_stops_its_grandchildren_too(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    with interruptible():
        group = Group([sys.executable, "-c", FAMILY, str(told)], cwd=tmp_path, env=dict(os.environ))
        _await("the grandchild", lambda: told.exists() and told.read_text())
    grandchild = int(told.read_text())
    group.stop()
    assert group.code() is not None
    assert not _alive(grandchild)


def test_a_server_in_a_group_answers_and_is_gone_after_stop(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    assert not answers(url)
    with interruptible():
        group = Group([sys.executable, "-c", SERVER, str(port)], cwd=tmp_path, env=dict(os.environ))
    _await("the server", lambda: answers(url))
    assert port_in_use("127.0.0.1", port)
    group.stop()
    assert not answers(url)


def test_terminate_reads_as_an_interrupt_and_the_old_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_child_started_where_interrupts_are_ignored_can_still_be_interrupted(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            group = Group([sys.executable, "-c", "import time, sys; sys.stdout.flush(); time.sleep(600)"], cwd=tmp_path, env=dict(os.environ))
            time.sleep(0.5)
            os.killpg(group._process.pid, signal.SIGINT)
            _await("the end of the child", lambda: group.code() is not None)
    finally:
        signal.signal(signal.SIGINT, before)
        group.stop()
