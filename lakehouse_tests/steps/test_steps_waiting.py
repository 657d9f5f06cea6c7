"""Who is told of waits is told in the end that none is left."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

import pytest

from lakehouse.sources.waiting import Wait
from lakehouse.steps.waiting import as_they_end

WAIT = Wait("token", "503", 2, 10, 5.0)


class StillWaiting:
    """A source of which a thread goes on waiting when the windows have ended."""

    waiting: Sequence[Wait] = (WAIT,)

    def stop(self) -> None:
        """Nothing stops it."""


@pytest.mark.parametrize("ended", [0, 1, 3])
def test_the_last_word_is_that_nothing_waits(ended: int) -> None:
    futures: list[Future[int]] = [Future() for _ in range(ended)]
    for number, future in enumerate(futures):
        future.set_result(number)
    told: list[Sequence[Wait]] = []
    assert sorted(f.result() for f in as_they_end(futures, StillWaiting(), told.append)) == list(range(ended))
    assert list(map(tuple, told)) == ([(WAIT,), ()] if ended else [])
