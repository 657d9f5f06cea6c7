"""What the C library does with freed memory."""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of malloc.h
_ARENAS = 2
_LARGEST = 32 << 20  # the most that the library takes for M_MMAP_THRESHOLD
_KEPT = 256 << 20
_LARGE = 256 << 10


def few_arenas() -> None:
    """Let all threads of this process share two heaps of the GNU C library; elsewhere, and where `MALLOC_ARENA_MAX` is set, do nothing.

    It gives each thread a heap of its own, up to eight for each core, and keeps in each what its threads have freed. A build passes blocks of text of
    many megabytes between short-lived threads: a fifth of its peak memory was such leftovers. Sharing costs nothing that can be measured. It must be
    asked for before a library starts its threads.
    """
    if _is_glibc() and "MALLOC_ARENA_MAX" not in os.environ:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def return_large() -> None:
    """Let the GNU C library ask the system for each larger block and give it back when it is freed; elsewhere, do nothing.

    A fetch takes in pages of a megabyte while small things that stay, such as identities, come between them. From a common heap the pages could not
    be returned: a third of a fetch's peak memory was holes. It costs a few per cent of CPU time, and a fetch waits for the network anyway.
    """
    if _is_glibc():
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGE)


def reuse_freed() -> None:
    """Let the GNU C library hand freed memory out again rather than give it back and ask for new, and Arrow ask it; elsewhere, do nothing.

    A build, or landing a file, frees and asks for blocks of many megabytes all the time, and a tenth of its CPU time was the system filling new
    pages with zeros. What is kept lies in the heap, up to 256 MB at its end; `give_back` returns it. Arrow's own allocator gives back after ten
    milliseconds and keeps what others could use: with it a build takes a tenth more CPU time and a hundred MB more. Where
    `ARROW_DEFAULT_MEMORY_POOL` is set, that holds.
    """
    if not _is_glibc():
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        import pyarrow as pa

        pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Let the GNU C library return to the system what it has kept of freed memory; elsewhere, do nothing. A few milliseconds."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") is not None
    except (AttributeError, ValueError, OSError):  # Windows, macOS, other C libraries
        return False
