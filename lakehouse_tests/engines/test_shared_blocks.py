"""Parts that share a block come to what they come to alone: rows, quarantine and books, part by part."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_lines import LANDED, Kernel

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block

DATASET = find_dataset("workspace_audit")
# Some rows come too late, and one of the lines has no place.
CONTRACT = replace(DATASET.contract, allowed_lateness=dt.timedelta(hours=1))
LINES = [
    *(Kernel().case(name) for name in ("token_activity", "calendar_five_events", "unknown_at_every_depth", "groups_two_events")),
    b"",
    b"{broken",
    b"[1]",
    b"{}",
    json.dumps(Kernel().record("token_activity") | {"events": []}).encode(),
    json.dumps(Kernel().record("token_activity") | {"events": [{"type": "auth"}]}).encode(),
]
PLACED, UNPLACED = Grain.parse("2026-11-17T09"), Grain.unplaced(dt.date(2026, 11, 20))
parts = st.lists(
    st.tuples(st.lists(st.sampled_from(LINES), max_size=6), st.sets(st.integers(1, 6)), st.booleans(), st.booleans(), st.integers(1, 50)),
    min_size=1,
    max_size=4,
)


def run(text: bytes, pieces: list[Piece]) -> BlockResult:
    return process_block(text, pieces, contract=CONTRACT, transform=DATASET.transform, key=Kernel.key)


@settings(max_examples=120, deadline=None)
@given(parts, st.sampled_from([PLACED, UNPLACED]))
def test_parts_in_one_block_come_to_what_each_comes_to_alone(told: list, grain: Grain) -> None:
    blocks = []
    for index, (lines, superseded, released, seals, first) in enumerate(told):
        landed = LANDED - dt.timedelta(days=9 * index)  # the older parts landed before the events of some lines
        sealed = frozenset({dt.date(2026, 11, 17)} if seals else ())
        gone = frozenset(first + n - 1 for n in superseded)
        context = PartContext(grain, f"raw/part-{index}", f"fetch-{index}", "token", landed, landed, gone, landed, released, sealed)
        blocks.append((b"".join(line + b"\n" for line in lines), Piece(context, first, len(lines))))
    together = run(b"".join(text for text, _ in blocks), [piece for _, piece in blocks])
    alone = [run(text, [piece]) for text, piece in blocks]
    assert together.books.balanced()
    assert together.parts == {part: books for result in alone for part, books in result.parts.items()}
    order = ["_part", "_line", "event_index"]
    assert together.rows.sort(order).equals(pl.concat(r.rows for r in alone).sort(order))
    order = ["part", "line", "row", "level"]
    assert together.quarantine.sort(order).equals(pl.concat(r.quarantine for r in alone).sort(order))
    assert together.census == sum((r.census for r in alone), type(together.census)())


def test_two_stretches_of_one_part_in_one_block_are_booked_together() -> None:
    context = PartContext(PLACED, "raw/part", "fetch", "token", LANDED, LANDED)
    result = run(b"{broken\n" + LINES[0] + b"\n\n", [Piece(context, 1, 1), Piece(context, 2, 2)])
    assert result.parts == {"raw/part": Books(lines=3, blank=1, unreadable=1, records=1, rows=1, kept=1)}
    assert result.rows["_line"].to_list() == [2]
