"""dbt processes: started when they are needed, or ahead of that, because importing dbt takes as long as building a dozen marts."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from lakehouse.settings import project_root


class _Ahead:
    """The process that waits, if one does, and how many more are to be started when it is taken."""

    def __init__(self) -> None:
        self.more = 0
        self._process: subprocess.Popen[str] | None = None

    def refill(self) -> None:
        """Start the next one, where one is wanted."""
        if self.more and self._process is None:
            self.more -= 1
            self._process = _start()

    def take(self) -> subprocess.Popen[str]:
        """The one that waits, or a new one."""
        process, self._process = self._process, None
        return process if process is not None and process.poll() is None else _start()

    def clear(self) -> None:
        """End the one that waits."""
        self.more = 0
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None


_ahead = _Ahead()


@contextlib.contextmanager
def dbt_ahead(runs: int) -> Iterator[None]:
    """While the block runs, a dbt process that has imported all it needs waits for its request: for so many runs, one at a time."""
    _ahead.more = runs
    _ahead.refill()
    try:
        yield
    finally:
        _ahead.clear()


def run_process(request: Path, line: Callable[[str], None]) -> tuple[int, str]:
    """Run dbt by a request file (see `dbt_process`) to its end, in a process of its own; (exit code, what it said). `line` hears each line."""
    process = _ahead.take()
    _ahead.refill()
    said: list[str] = []
    with process:
        assert process.stdin is not None  # noqa: S101  it is a pipe
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # it ended: its exit code tells
            process.stdin.write(f"{request}\n")
            process.stdin.close()
        for text in process.stdout:
            said.append(text)
            line(text.rstrip())
    return process.returncode, "".join(said)


def _start() -> subprocess.Popen[str]:
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
