"""What the C library does with freed memory."""

from __future__ import annotations

import ctypes
import os

_M_ARENA_MAX = -8  # of malloc.h
_ARENAS = 2


def few_arenas() -> None:
    """Let all threads of this process share two heaps of the GNU C library; elsewhere, and where `MALLOC_ARENA_MAX` is set, do nothing.

    It gives each thread a heap of its own, up to eight for each core, and keeps in each what its threads have freed. A build passes blocks of text of
    many megabytes between short-lived threads: a fifth of its peak memory was such leftovers. Sharing costs nothing that can be measured. It must be
    asked for before a library starts its threads.
    """
    if _is_glibc() and "MALLOC_ARENA_MAX" not in os.environ:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Let the GNU C library return to the system what it has kept of freed memory; elsewhere, do nothing. A few milliseconds."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") is not None
    except (AttributeError, ValueError, OSError):  # Windows, macOS, other C libraries
        return False
