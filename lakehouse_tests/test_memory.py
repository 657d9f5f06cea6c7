"""Threads share their heaps in every process of ours."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COUNT = """
import ctypes, sys, tempfile, threading
{load}
barrier = threading.Barrier(12)
def hold():
    held = bytes(100_000)
    barrier.wait(60)
threads = [threading.Thread(target=hold) for _ in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
with tempfile.NamedTemporaryFile() as told:
    file = libc.fopen(told.name.encode(), b"w")
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(told.read().count(b"<heap nr"))
"""


def heaps(load: str, **environment: str) -> int:
    """How many heaps a process has after twelve threads have asked for memory at once."""
    known = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"}
    done = subprocess.run([sys.executable, "-c", COUNT.format(load=load)], env=known | environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif("glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or "" if hasattr(os, "confstr") else ""), reason="of the GNU C library")
def test_importing_the_package_lets_threads_share_two_heaps_unless_the_environment_says_how_many() -> None:
    assert heaps("") > 2
    assert heaps("import lakehouse") <= 2
    assert heaps("import lakehouse", MALLOC_ARENA_MAX="4") == heaps("", MALLOC_ARENA_MAX="4") > 2
