"""Declared windows: which of them an instant falls into, and declarations that cannot be."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.contracts.windows import EventWindows, Measure
from lakehouse.datasets.registry import find_dataset

MINUTE = dt.timedelta(minutes=1)
TUMBLING = EventWindows("plays", 5 * MINUTE, ("name",), (Measure("n"),))
SLIDING = replace(TUMBLING, every=MINUTE, panes="pieces")
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 7 * MINUTE}, "a day must be a multiple"),
        ({"size": 2 * dt.timedelta(days=1)}, "a day must be a multiple"),
        ({"size": dt.timedelta()}, "a day must be a multiple"),
        ({"every": 2 * MINUTE, "panes": "pieces"}, "a day must be a multiple"),
        ({"every": -MINUTE}, "a day must be a multiple"),
        ({"every": MINUTE}, "name the mart of their panes"),
        ({"panes": "pieces"}, "tumbling ones have none"),
        ({"measures": ()}, "no measure"),
        ({"measures": (Measure("n", "sum"),)}, "want a column"),
        ({"measures": (Measure("n", "count", "size"),)}, "want none"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TUMBLING, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"keys": ("nothing",)},
        {"keys": ("event_time",)},
        {"only": ("nothing", ("a",))},
        {"measures": (Measure("n", where=("nothing", "a")),)},
        {"measures": (Measure("n", "sum", "nothing"),)},
        {"measures": (Measure("n", "sum", "event_name"),)},
    ],
)
def test_a_declaration_must_fit_its_contract(change: dict[str, Any]) -> None:
    contract = find_dataset("workspace_audit").contract
    fits = replace(TUMBLING, keys=("event_name",), measures=(Measure("n", where=("event_name", "a")), Measure("bytes", "sum", "num_response_bytes")))
    fits.check(contract)
    with pytest.raises(ValueError, match="are no columns of workspace_audit"):
        replace(fits, **change).check(contract)


def test_an_instant_falls_into_one_tumbling_window_and_into_all_sliding_ones_over_it() -> None:
    assert list(TUMBLING.starts(NOON + 4.9 * MINUTE)) == [NOON]
    assert list(TUMBLING.starts(NOON + 5 * MINUTE)) == [NOON + 5 * MINUTE]
    assert list(SLIDING.starts(NOON)) == [NOON - n * MINUTE for n in range(5)]
    assert list(SLIDING.pieces.starts(NOON + 0.5 * MINUTE)) == [NOON]
    assert TUMBLING.pieces is TUMBLING


@given(
    time=st.integers(0, 4_000_000_000_000_000).map(lambda us: dt.datetime(1971, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=us)),
    step=st.sampled_from([1, 5, 60, 720]),
    many=st.sampled_from([1, 2]),
)
def test_windows_hold_what_falls_into_them_and_begin_at_midnight(time: dt.datetime, step: int, many: int) -> None:
    panes = {"every": step * MINUTE, "panes": "pieces"} if many > 1 else {}
    windows = EventWindows("plays", many * step * MINUTE, (), (Measure("n"),), **panes)  # type: ignore[arg-type]
    starts = list(windows.starts(time))
    assert len(starts) == len(set(starts)) == many
    assert all(start <= time < start + windows.size for start in starts)
    assert all((start - start.replace(hour=0, minute=0, second=0, microsecond=0)) % windows.step == dt.timedelta() for start in starts)


def test_rows_that_do_not_count_are_known() -> None:
    assert TUMBLING.counts({"kind": "a"})
    some = replace(TUMBLING, only=("kind", ("a", "b")))
    assert some.counts({"kind": "b"})
    assert not some.counts({"kind": "c"})
    assert not some.counts({"kind": None})
