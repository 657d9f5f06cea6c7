"""A real S3 server on this machine, to try inboxes in buckets on: versitygw, which keeps buckets as folders.

    python deploy/local/object_store.py start /tmp/store     # prints the environment that clients need
    python deploy/local/object_store.py stop /tmp/store

It is built once with `go install` into a cache folder (LAKEHOUSE_CACHE, else ~/.cache/lakehouse), listens on a free port of the loopback interface,
and keeps its buckets in FOLDER/buckets: a folder made there is a bucket. Exits with 75 and the reason where the server cannot be had here.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODULE, VERSION = "github.com/versity/versitygw/cmd/versitygw", "v1.8.0"
CANNOT = 75  # as sysexits.h has it: a temporary failure, nothing is wrong with what was asked
_BUILD_SECONDS, _START_SECONDS, _STOP_SECONDS = 600, 20, 10


class CannotError(Exception):
    """The server cannot be had on this machine. The message says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("folder", type=Path, help="what the server keeps: buckets, log, process id")
    parser.add_argument("--json", action="store_true", help="print the environment as JSON, not as lines for a shell")
    told = parser.parse_args()
    if told.action == "stop":
        stop(told.folder)
        return 0
    try:
        environment = start(told.folder)
    except CannotError as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT
    lines = "".join(f"export {name}={value}\n" for name, value in environment.items())
    sys.stdout.write(json.dumps(environment) + "\n" if told.json else lines)
    return 0


def start(folder: Path) -> dict[str, str]:
    """Start the server and wait until it answers. Returns the environment that clients need. `CannotError` where it cannot be had."""
    server = installed()
    (folder / "buckets").mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    account = {"ROOT_ACCESS_KEY": environment["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": environment["AWS_SECRET_ACCESS_KEY"]}
    command = [str(server), "--quiet", "--port", f"127.0.0.1:{port}", "--health", "/health", "posix", str(folder / "buckets")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, **account}, stdout=log, stderr=log, start_new_session=True)
    (folder / "pid").write_text(str(process.pid))
    until = time.monotonic() + _START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > until:
            stop(folder)
            raise CannotError(f"versitygw did not start: {(folder / 'log').read_text()[-500:].strip() or 'it said nothing'}")
        time.sleep(0.05)
    return environment


def stop(folder: Path) -> None:
    """Stop the server that `start` has started for this folder; its buckets stay."""
    file = folder / "pid"
    if not file.exists():
        return
    pid = int(file.read_text())
    if not _runs(pid):
        file.unlink()
        return
    until = time.monotonic() + _STOP_SECONDS
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < until:
            if os.waitpid(pid, os.WNOHANG)[0]:
                break
            time.sleep(0.05)
    except ChildProcessError:  # another process had started it, and its parent has to take note of its end
        while _runs(pid) and time.monotonic() < until:
            time.sleep(0.05)
    except ProcessLookupError:  # it ended by itself between the look and the signal, which is what was wanted
        sys.stderr.write(f"the server (process {pid}) had ended already\n")
    file.unlink()


def installed() -> Path:
    """The server's program, built at the first call. `CannotError` where there is no Go, or where the module cannot be had."""
    cache = Path(os.environ.get("LAKEHOUSE_CACHE") or Path.home() / ".cache" / "lakehouse")
    program = cache / "bin" / f"versitygw-{VERSION}"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise CannotError("There is no Go on this machine, which builds versitygw. Install it from https://go.dev, or your packages.")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as aside:
        command = [go, "install", f"{MODULE}@{VERSION}"]
        try:
            done = subprocess.run(
                command, env={**os.environ, "GOBIN": aside, "CGO_ENABLED": "0"}, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CannotError(f"{' '.join(command)} took more than {_BUILD_SECONDS} s.") from error
        if done.returncode:
            raise CannotError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        (Path(aside) / "versitygw").replace(program)
    return program


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (http.client.HTTPException, OSError):
        return False
    finally:
        connection.close()


def _runs(pid: int) -> bool:
    """Whether the process is there, and is the server: a number may be given again."""
    try:
        os.kill(pid, 0)
        command = Path(f"/proc/{pid}/cmdline")
        return not command.exists() or b"versitygw" in command.read_bytes()  # nothing is in that of one that has ended
    except (ProcessLookupError, PermissionError):
        return False


if __name__ == "__main__":
    sys.exit(main())
