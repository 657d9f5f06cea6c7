"""The simulated Reports API in a process of its own, so that it takes no time from the one that reads from it.

`python -m lakehouse.sources.reports_api.server_process FOLDER` tells its URL on standard output and serves until its standard input ends: then its
parent has had enough, or is gone.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import urllib.request
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from lakehouse.errors import LakehouseError, TerminalError


class ServerProcess:
    """Starts at once; whoever asks for the URL waits until it serves. A context manager: the process ends with the block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # -P: a file of the folder that the user stands in may be called as a module of Python is. A session of its own: Ctrl-C is for its parent.
        command = [sys.executable, "-P", "-m", "lakehouse.sources.reports_api.server_process", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True)

    @cached_property
    def url(self) -> str:
        """The base URL. `TerminalError` where the process ended instead of serving; it has told why on standard error."""
        assert self._process.stdout is not None  # noqa: S101  it is a pipe
        url = self._process.stdout.readline().strip()
        if not url:
            raise TerminalError(
                f"The process that serves {self._folder} as a simulated Reports API ended before it served (exit code {self._process.wait()})."
            )
        return url

    def set_clock(self, now: dt.datetime | None) -> None:
        """Set the server's time (aware); None is the system's. `TerminalError` where the process is gone or does not answer."""
        body = json.dumps({"now": now.isoformat() if now is not None else None}).encode()
        request = urllib.request.Request(f"{self.url}/_simulator/clock", body, {"Content-Type": "application/json"})  # noqa: S310  our own server
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy of the environment cannot see this machine's servers
        try:
            with direct.open(request, timeout=30):
                pass
        except OSError as error:
            raise TerminalError(f"The process that serves {self._folder} as a simulated Reports API does not answer: {error}. Start anew.") from error

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the process: there is nothing it would have to finish."""
        self._process.kill()
        with self._process:
            pass


def main() -> None:
    """Serve the folder that the command line names."""
    from lakehouse.sources.reports_api.server import SimulatedReportsApi

    try:
        with SimulatedReportsApi(Path(sys.argv[1])) as api:
            sys.stdout.write(f"{api.url}\n")
            sys.stdout.flush()
            sys.stdin.read()
    except LakehouseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
