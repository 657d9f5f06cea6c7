"""Threads share their heaps in every process of ours."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

ON_GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about the GNU C library")

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


@ON_GLIBC
def test_importing_the_package_lets_threads_share_two_heaps_unless_the_environment_says_how_many() -> None:
    assert heaps("") > 2
    assert heaps("import lakehouse") <= 2
    assert heaps("import lakehouse", MALLOC_ARENA_MAX="4") == heaps("", MALLOC_ARENA_MAX="4") > 2


GIVE_BACK = """
from pathlib import Path
from lakehouse.memory import give_back
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20
many = [bytes([1]) * 100_000 for _ in range(2_000)]
last = many.pop()  # at the end of the heap, so that nothing before it is returned by itself
many.clear()
before = resident()
give_back()
print(before - resident())
"""


@ON_GLIBC
def test_freed_memory_is_given_back_on_demand() -> None:
    done = subprocess.run([sys.executable, "-c", GIVE_BACK], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 100


KEPT = """
import sys
from pathlib import Path
from lakehouse.memory import give_back, reuse_freed
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20
if "reuse" in sys.argv:
    reuse_freed()
before = resident()
many = [bytes([1]) * 4_000_000 for _ in range(20)]
many.clear()
kept = resident() - before
give_back()
print(kept, resident() - before)
"""


@ON_GLIBC
def test_a_build_keeps_what_it_freed_to_use_it_again_until_it_is_given_back() -> None:
    def told(*arguments: str) -> list[int]:
        done = subprocess.run([sys.executable, "-c", KEPT, *arguments], capture_output=True, text=True, check=True)
        return [int(word) for word in done.stdout.split()]

    kept, given_back = told("reuse")
    assert kept > 70
    assert given_back < 10
    assert told()[0] < 40


HOLES = """
import sys
from pathlib import Path
from lakehouse.memory import return_large
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20
if "return" in sys.argv:
    return_large()
before, small = resident(), []
for _ in range(3):
    pages = []
    for _ in range(40):
        pages.append(bytes([1]) * 1_000_000)
        small.append(bytes([1]) * 1_000)
    pages.clear()
print(resident() - before)
"""


@ON_GLIBC
def test_pages_that_a_fetch_has_done_with_are_returned_although_small_things_stay() -> None:
    def held(*arguments: str) -> int:
        return int(subprocess.run([sys.executable, "-c", HOLES, *arguments], capture_output=True, text=True, check=True).stdout)

    assert held("return") < 10
    assert held() > 30


POOL = """
import pyarrow as pa
from lakehouse.memory import reuse_freed
before = pa.default_memory_pool().backend_name
reuse_freed()
print(before, pa.default_memory_pool().backend_name)
"""


@ON_GLIBC
def test_arrow_shares_the_heap_of_a_build_unless_the_environment_names_another() -> None:
    def told(**environment: str) -> list[str]:
        known = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
        done = subprocess.run([sys.executable, "-c", POOL], env=known | environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    before, after = told()
    assert (before != "system", after) == (True, "system")
    assert told(ARROW_DEFAULT_MEMORY_POOL=before) == [before, before]
