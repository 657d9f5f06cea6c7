"""Whatever the order, the split into fetches, the repetition and the builds in between: the same events make the same clean table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, event, line
from hypothesis import given, settings
from hypothesis import strategies as st
from survival_lakes import KEY

from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.operations.quarantine import refused
from lakehouse.operations.reconciliation import reconcile
from lakehouse.settings import ENV_TOKEN_KEY


def _pool() -> list[bytes]:
    """Lines of three hours over midnight: sound ones, copies that say the same and other things, lines that are refused."""
    found: list[Any] = []
    for day, hour in ((BEFORE, 23), (DAY, 0), (DAY, 1)):
        one, two = event(hour, 1, day=day), event(hour, 2, day=day)
        found += [one, two, dict(reversed(one.items())), one | {"etag": '"2"'}, one | {"ipAddress": "192.0.2.9"}, one | {"note": [1, 1.50]}]
        found += [two | {"events": [*two["events"], {"name": "more"}]}, event(hour, 3, day=day, events="none"), event(hour, 4, day=day, events=[])]
    texts = [line(record) for record in found]
    return [*texts, texts[0][:-9], texts[9] + texts[10], b"\xff", b'{"id":{"time":"2019-01-01T00:00:00Z"}}']


POOL = _pool()
UNPLACED = CLOCK.date()
DAYS = (BEFORE, DAY, UNPLACED)
numbers = st.integers(0, len(POOL) - 1)
fetches = st.lists(st.tuples(st.lists(numbers, max_size=10), st.sampled_from(["time", "position"]), st.sets(st.sampled_from(DAYS))), max_size=5)


def story(folder: Path, told: Iterable[tuple[Iterable[int], str, Iterable[dt.date]]]) -> BuildLake:
    """Land fetches one after the other, build some days after each, and all days at the end."""
    made = BuildLake.make(folder)
    for chosen, by, built in told:
        land = made.land if by == "time" else made.land_copies
        land(*(POOL[n] for n in chosen))
        for day in built:
            made.build(day)
    for day in DAYS:
        made.build(day)
    return made


def content(made: BuildLake) -> list[Any]:
    return sorted(content_hash(made.rows(), made.dataset.contract))


def refusals(made: BuildLake) -> set[tuple[str, str | None]]:
    """What was refused. Copies of a refused line are refused each, so only the kinds are the same whatever was repeated."""
    return {(r.rule, r.field) for r in refused(made.lake, made.dataset, limit=None)}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], set[tuple[str, str | None]]]:
    """The table of every line once, in one fetch and one build."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        made = story(tmp_path_factory.mktemp("calm") / "lake", [(range(len(POOL)), "time", ())])
        assert made.rows().height == 3 * 4
        return content(made), refusals(made)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    order=st.permutations(range(len(POOL))),
    cuts=st.lists(st.integers(0, len(POOL)), max_size=3),
    more=fetches,
    chance=st.randoms(use_true_random=False),
)
def test_the_same_events_make_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, expected: Any, order: list[int], cuts: list[int], more: list[Any], chance: Any
) -> None:
    edges = [0, *sorted(cuts), len(POOL)]
    once = [(order[a:b], chance.choice(["time", "position"]), {d for d in DAYS if chance.random() < 0.4}) for a, b in pairwise(edges)]
    told = [*once, *more]
    chance.shuffle(told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        folder = tmp_path_factory.mktemp("deal")
        made = story(folder / "lake", told)
        assert (content(made), refusals(made)) == expected
        found = reconcile(made.lake, made.dataset)
        assert (found.closes, found.pending) == (True, 0)

        # Built in between or at once, reused or made anew: the same table, row for row.
        whole = story(folder / "whole", [(chosen, by, ()) for chosen, by, _ in told])
        assert content(whole) == content(made)
        before, books = made.rows(), found.books
        for day in DAYS:
            made.build(day, force=True)
        after = made.rows()
        assert after.sort(after.columns[:6]).equals(before.sort(before.columns[:6]))
        assert reconcile(made.lake, made.dataset).books == books
