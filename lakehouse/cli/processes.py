"""Child processes that end when they are asked to, with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

PATIENCE = 20.0  # seconds for a clean end before the next, harder signal


class Group:
    """A command in a session and process group of its own, so that its whole family can be stopped.

    Start it inside `interruptible`: the child of a shell's background job inherits an ignored SIGINT, to which Dagster maps SIGTERM, and would never
    stop; a signal that we handle is back at its default in the child.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(list(command), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, start_new_session=True)

    def code(self) -> int | None:
        """Exit code, None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Interrupt the group, then terminate it, then kill it; returns when it is gone. Whoever interrupts the waiting wants it killed."""
        if os.name == "nt":  # no process groups there
            self._process.terminate()
            self._process.wait(PATIENCE)
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            try:
                if self._gone(PATIENCE):
                    return
            except KeyboardInterrupt:
                self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _gone(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process.poll() is not None and not _group_alive(self._process.pid):
                return True
            time.sleep(0.1)
        return False


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: by KeyboardInterrupt, so that what was started is stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def port_in_use(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def answers(url: str) -> bool:
    """Whether an HTTP server answers there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  our own http address
            return bool(response.status < 500)
    except (urllib.error.URLError, OSError):
        return False
