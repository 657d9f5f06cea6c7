"""Up to when an application had been read, told of each place of the log, is what the ledger said there."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from lakehouse.accounts.books import FetchBooks
from lakehouse.landing.frontiers import read_before
from lakehouse.landing.ledger import Ledger
from lakehouse.landing.manifest import Manifest, Window

BEGIN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def manifest(number: int, application: str, covered: tuple[int, int] | None) -> Manifest:
    """A fetch that covered these hours."""
    window = Window(*(BEGIN + dt.timedelta(hours=hour) for hour in covered)) if covered is not None else None
    return Manifest(
        number=number, dataset="table", source="files", application=application, fetch_id=f"f{number}", kind="fetch", purpose="new",
        window=None, covered=window, started_at=BEGIN, landed_at=BEGIN, books=FetchBooks(),
    )  # fmt: skip


def test_each_application_is_told_for_itself_and_nothing_before_its_first_coverage() -> None:
    log = [manifest(1, "a", None), manifest(2, "a", (0, 5)), manifest(3, "b", (0, 9)), manifest(4, "a", (0, 3)), manifest(5, "a", None)]
    assert read_before(log) == {number: BEGIN + dt.timedelta(hours=5) for number in (4, 5)}


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_frontier_of_the_ledger_at_that_place(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a log that repeats
    ledger, log, expected = Ledger("table"), [], {}
    for number in range(1, 40):
        start = chance.randrange(50)
        one = manifest(number, chance.choice("abc"), chance.choice([None, (start, start + chance.randrange(1, 20))]))
        frontier = ledger.frontier(one.application)
        if frontier is not None:
            expected[number] = frontier
        ledger = ledger.after([one])
        log.append(one)
    assert read_before(log) == expected
