"""`lakehouse dev` in a process of its own: it answers, it passes on the simulated source, and it ends when it is asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cli.processes import answers, free_port

MAIN = [sys.executable, "-c", "from lakehouse.cli.main import main; main()"]


def _start(lake: Path, port: int) -> subprocess.Popen[bytes]:
    env = {k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "LAKEHOUSE_URL", "LAKEHOUSE_REPORTS_API_URL")}
    return subprocess.Popen([*MAIN, "dev", "--port", str(port), "--lake", str(lake)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _graphql(port: int, query: str) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  our own server
        return json.load(response)["data"]


@pytest.mark.slow
def test_dev_serves_the_assets_of_the_lake_and_ends_with_all_its_children(simulated_lake: Path) -> None:
    port = free_port()
    dev = _start(simulated_lake, port)
    try:
        for _ in range(600):
            if answers(f"http://127.0.0.1:{port}/server_info"):
                break
            assert dev.poll() is None, dev.communicate()
            time.sleep(0.3)
        found = _graphql(port, "{assetNodes {assetKey {path}}}")["assetNodes"]
        assert ["raw", "workspace_audit"] in [n["assetKey"]["path"] for n in found]
        second = subprocess.run([*MAIN, "dev", "--port", str(free_port()), "--lake", str(simulated_lake)], capture_output=True, check=False)
        assert second.returncode == 2
        assert b"Another `lakehouse dev` runs" in second.stderr
    finally:
        dev.send_signal(signal.SIGTERM)
        out, err = dev.communicate(timeout=120)
    assert dev.returncode == 0, err
    assert f"http://127.0.0.1:{port}".encode() in out
    assert b"simulated Reports API of workspace_audit: http://127.0.0.1:" in err
    assert not answers(f"http://127.0.0.1:{port}/server_info")


def test_a_port_that_is_taken_is_said_so(run: Any, simulated_lake: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("dev", "--port", taken.getsockname()[1], "--lake", simulated_lake)
    assert result.code == 2
    assert "is taken" in result.err
