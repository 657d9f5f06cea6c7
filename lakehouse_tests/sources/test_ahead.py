"""Asking for the next item while the last one is worked on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import TransientError
from lakehouse.sources.ahead import one_ahead

PATIENCE = 20.0  # seconds until what must happen has happened, on a machine that has much else to do


class Asked:
    """Items that tell how many of them have been asked for, and fail in the end where told."""

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self._count, self._error = count, error
        self.asked = 0
        self.threads: list[str] = []
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[int]:
        for number in range(self._count):
            self._one_more()
            yield number
        self._one_more()
        if self._error is not None:
            raise self._error

    def wait_for(self, asked: int) -> bool:
        """Whether so many were asked for within reason."""
        with self._changed:
            return self._changed.wait_for(lambda: self.asked >= asked, PATIENCE)

    def _one_more(self) -> None:
        with self._changed:
            self.asked += 1
            self.threads.append(threading.current_thread().name)
            self._changed.notify_all()


@given(st.lists(st.integers()))
def test_the_items_come_in_their_order(items: list[int]) -> None:
    assert list(one_ahead(iter(items))) == items


def test_nothing_is_asked_for_before_the_first_is_wanted() -> None:
    source = Asked(3)
    ahead = one_ahead(iter(source))
    assert source.asked == 0
    assert next(ahead) == 0


def test_the_next_item_is_asked_for_while_the_caller_has_one_and_no_more() -> None:
    source = Asked(5)
    for number in one_ahead(iter(source)):
        assert source.wait_for(number + 2), "the next one is asked for while we have this one"
        time.sleep(0.01)  # time for one more, had it been asked for
        assert source.asked == number + 2


def test_the_threads_are_named_after_the_one_that_works() -> None:
    source = Asked(2)
    assert list(one_ahead(iter(source))) == [0, 1]
    mine = threading.current_thread().name
    assert source.threads == [mine, f"{mine}-ahead", f"{mine}-ahead"]


@pytest.mark.parametrize("error", [TransientError("the source is away"), ValueError("a bug"), KeyboardInterrupt()])
def test_an_error_comes_in_its_place(error: BaseException) -> None:
    ahead = one_ahead(iter(Asked(3, error)))
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(type(error)) as raised:
        next(ahead)
    assert raised.value is error


def test_an_error_of_the_first_item_is_the_callers() -> None:
    with pytest.raises(TransientError, match="away"):
        next(one_ahead(iter(Asked(0, TransientError("the source is away")))))


def test_whoever_stops_early_leaves_one_question_under_way() -> None:
    source = Asked(5)
    ahead = one_ahead(iter(source))
    assert next(ahead) == 0
    assert source.wait_for(2)
    del ahead
    time.sleep(0.01)
    assert source.asked == 2
    assert [t.name for t in threading.enumerate() if t.name.endswith("-ahead") and not t.daemon] == []
