"""Named places where a test may kill the process, to prove that a crash there loses nothing and doubles nothing.

A place costs one look at the environment; it stands at the steps of a commit, never in a loop over records.
"""

from __future__ import annotations

import os
import signal
import sys

ENV_FAIL_POINT = "LAKEHOUSE_FAIL_POINT"
KILLED = 137


def fail_point(name: str) -> None:
    """Die here, at once and without clean-up, when `LAKEHOUSE_FAIL_POINT` is this name; otherwise do nothing."""
    if os.environ.get(ENV_FAIL_POINT) == name:
        if sys.platform != "win32":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(KILLED)
