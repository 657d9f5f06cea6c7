"""Asking for what comes next while what came is still worked on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class _End(Generic[T]):
    """What comes after the last item."""


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The items in their order, each asked for while the caller still has the one before: two are in memory at a time.

    The first one is asked for when the caller wants it. An error of `items` is raised in its place, after the item before it. Each item is asked for
    in a thread of its own that does not keep a process alive: whoever stops early leaves at most one question under way, whose answer is dropped.
    """
    came: T | _End[T] = next(items, _End())
    while not isinstance(came, _End):
        coming: Future[T | _End[T]] = Future()
        threading.Thread(target=_ask, args=(items, coming), name=f"{threading.current_thread().name}-ahead", daemon=True).start()
        yield came
        came = coming.result()


def _ask(items: Iterator[T], coming: Future[T | _End[T]]) -> None:
    try:
        coming.set_result(next(items, _End()))
    except BaseException as error:  # noqa: BLE001  raised where the item is wanted
        coming.set_exception(error)
    finally:
        del coming  # the traceback of an error holds this frame, and the future the error
