"""dbt in a process of its own that serves many runs: importing dbt and reading the project takes as long as building a dozen marts."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from lakehouse.marts.dbt_process import DONE
from lakehouse.settings import project_root

_Process = subprocess.Popen[str]


class _Helpers:
    """The process that waits for the next run, if one does. It is kept while a block is open that asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._idle: _Process | None = None

    def open(self, ahead: Path | None) -> None:
        """Keep a process from now on; `ahead`: start it with this request."""
        with self._lock:
            self._blocks += 1
            if ahead is not None and self._idle is None:
                self._idle = _start()
                _send(self._idle, ahead)

    def close(self) -> None:
        """End the one that waits, when nobody else wants it kept."""
        with self._lock:
            self._blocks -= 1
            process, self._idle = (self._idle, None) if not self._blocks else (None, self._idle)
        if process is not None:
            _end(process)

    def take(self) -> _Process:
        """The one that waits, or a new one."""
        with self._lock:
            process, self._idle = self._idle, None
        if process is not None and process.poll() is None:
            return process
        if process is not None:
            _end(process)
        return _start()

    def give_back(self, process: _Process) -> None:
        """Let it wait for the next run, where one may come."""
        with self._lock:
            if self._blocks and self._idle is None:
                self._idle = process
                return
        _end(process)


_helpers = _Helpers()


@contextlib.contextmanager
def dbt_helper(*, ahead: Path | None = None) -> Iterator[None]:
    """All runs within the block are served by one process, one after the other; blocks may lie in each other.

    It starts with the first run, or at once with a request (`ahead`) to read the project, and ends with the block.
    """
    _helpers.open(ahead)
    try:
        yield
    finally:
        _helpers.close()


def run_process(request: Path, line: Callable[[str], None]) -> tuple[int, str]:
    """Run dbt by a request file (see `dbt_process`) to its end; (exit code, what it said). `line` hears each line.

    A process that dies over it has told its exit code, and the next run gets another; one that is interrupted is ended.
    """
    process = _helpers.take()
    said: list[str] = []
    try:
        code = _ask(process, request, said, line)
    except BaseException:
        _end(process)
        raise
    if code is None:
        return _end(process), "".join(said)
    _helpers.give_back(process)
    return code, "".join(said)


def _ask(process: _Process, request: Path, said: list[str], line: Callable[[str], None]) -> int | None:
    """The exit code of a run; None when the process ended instead of telling."""
    _send(process, request)
    assert process.stdout is not None  # noqa: S101  it is a pipe
    for text in process.stdout:
        words, done, code = text.partition(DONE)
        if words:
            said.append(words)
            line(words.rstrip())
        if done:
            return int(code)
    return None


def _send(process: _Process, request: Path) -> None:
    assert process.stdin is not None  # noqa: S101  it is a pipe
    with contextlib.suppress(BrokenPipeError):  # it ended: there is nothing to read either
        process.stdin.write(f"{request}\n")
        process.stdin.flush()


def _end(process: _Process) -> int:
    """End a process, which has nothing to finish; its exit code."""
    process.kill()  # nothing, where it is gone already
    with contextlib.suppress(BrokenPipeError), process:  # a request that it never read
        pass
    return process.wait()


def _start() -> _Process:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "lakehouse.marts.dbt_process"],
        cwd=project_root(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
