"""A disk that takes no more from a named step on, without one: a limit on the size of files, which needs no rights and reaches every library."""

from __future__ import annotations

import sys

import pytest

NEEDS_LIMIT = pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")


def full_at(module: str, step: str, size: int, work: str) -> str:
    """A program that does some work, one line, and prints the error that stops it, or `done`.

    Once `module` comes to its step (a name of `fail_point`; empty: before the work begins) no file may grow beyond `size` bytes, also for the
    processes that are started from then on. Python ignores the signal of that limit, so that writing fails as on a full disk, with another number.
    """
    return f"""
import resource
import {module} as module
from lakehouse.errors import LakehouseError

def full(name):
    if name == {step!r}:
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

module.fail_point = full
full("")
try:
    {work}
except LakehouseError as error:
    print(f"{{type(error).__name__}}: {{error}}")
else:
    print("done")
"""
