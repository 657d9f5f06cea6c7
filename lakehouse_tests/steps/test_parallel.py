"""Tasks at once: results in order, no more in memory than the budget, and nothing begun after an error."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lakehouse.steps.parallel import run_within


class Watch:
    """What runs beside each other."""

    def __init__(self) -> None:
        self.lock, self.running, self.most, self.begun = threading.Lock(), 0, 0, list[int]()

    def task(self, weight: int, name: int, wait: threading.Event | None = None) -> tuple[int, Callable[[], int]]:
        def run() -> int:
            with self.lock:
                self.begun.append(name)
                self.running += weight
                self.most = max(self.most, self.running)
            if wait is not None:
                wait.wait(10)
            with self.lock:
                self.running -= weight
            return name

        return weight, run


def test_results_come_in_the_order_of_the_tasks_within_the_budget() -> None:
    watch = Watch()
    tasks = [watch.task(weight, index) for index, weight in enumerate([3, 9, 1, 20, 2, 5, 8, 1])]
    assert run_within(tasks, workers=3, budget=10) == list(range(8))
    assert watch.most in range(10, 21)  # the heaviest runs alone
    assert run_within([], workers=2, budget=1) == []


def test_two_that_fit_run_at_once() -> None:
    meeting = threading.Barrier(2, timeout=10)
    assert run_within([(5, meeting.wait), (5, meeting.wait)], workers=2, budget=10) in ([0, 1], [1, 0])


def test_after_an_error_what_waits_for_room_does_not_begin() -> None:
    watch, failing = Watch(), threading.Event()

    def fails() -> int:
        failing.wait(10)
        raise OSError("no space")

    def lets_it_fail() -> int:
        failing.set()
        return 1

    tasks = [(6, fails), (4, lets_it_fail), watch.task(10, 2), watch.task(1, 3)]
    with pytest.raises(OSError, match="no space"):
        run_within(tasks, workers=3, budget=10)
    assert watch.begun in ([], [3])  # the small one may have had room beside the two


def test_an_interrupt_in_a_task_ends_the_others_too() -> None:
    watch = Watch()

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_within([(10, interrupted), watch.task(10, 1), watch.task(10, 2)], workers=1, budget=10)
    assert watch.begun == []
