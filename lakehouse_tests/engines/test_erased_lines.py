"""Erased lines in the kernel: a term of the books, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from kernel_lines import LANDED, Kernel, whole

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block

DATASET = find_dataset("workspace_audit")
HOUR = Grain(dt.date(2026, 11, 17), "hour", 9)
MARK = b'{"_erased":"20261120T120000Z-erasure-0badcafe"}'


def login(minute: int, **more: Any) -> bytes:
    identity = {"time": f"2026-11-17T09:{minute:02d}:00.000Z", "uniqueQualifier": str(minute), "applicationName": "login", "customerId": "C0"}
    return json.dumps({"id": identity, "events": [{"type": "login", "name": "login_success"}], **more}).encode()


def run(lines: list[bytes], *, pieces: int = 1, fast: bool = True, **more: Any) -> BlockResult:
    """The lines as one block of one part, or of so many parts with the same lines each."""
    contexts = [PartContext(HOUR, f"raw/part-{n}", "fetch-1", "login", LANDED, LANDED, **more) for n in range(pieces)]
    told = [Piece(c, 1, len(lines)) for c in contexts] if pieces > 1 else whole(lines, contexts[0])
    block = (b"\n".join(lines) + b"\n") * pieces
    result = process_block(block, told, contract=DATASET.contract, transform=DATASET.transform, key=Kernel.key, fast=fast)
    assert result.books.balanced()
    return result


def test_an_erased_line_is_booked_and_is_neither_row_nor_refused_nor_counted_as_a_field() -> None:
    result = run([login(1), MARK, login(3)], erased=frozenset({2}))
    assert result.books == Books(lines=3, erased=1, records=2, rows=2, kept=2)
    assert result.quarantine.height == 0
    assert result.rows["_line"].to_list() == [1, 3]
    assert not [path for path, _, _ in result.census if "_erased" in path]
    assert result.census == run([login(1), login(3)]).census


def test_what_looks_like_a_mark_and_was_not_erased_is_a_line_as_any_other() -> None:
    result = run([login(1), MARK])
    assert (result.books.erased, result.books.quarantined + result.books.unreadable) == (0, 1)


def test_erased_comes_before_superseded_and_after_blank() -> None:
    result = run([b"", MARK, MARK, login(4), login(5)], erased=frozenset({2, 3}), superseded=frozenset({3, 4}))
    assert result.books == Books(lines=5, blank=1, erased=2, superseded=1, records=1, rows=1, kept=1)


def test_each_part_of_a_shared_block_has_its_own_erased_lines() -> None:
    contexts = [PartContext(HOUR, f"raw/{n}", "f", "login", LANDED, LANDED, erased=frozenset(e)) for n, e in enumerate([(), (1,), (2, 9)])]
    texts = [[login(1), login(2)], [MARK, login(2)], [login(1), MARK]]
    block = b"".join(text + b"\n" for part in texts for text in part)
    pieces = [Piece(c, 1, 2) for c in contexts]
    result = process_block(block, pieces, contract=DATASET.contract, transform=DATASET.transform, key=Kernel.key)
    assert {part: (b.lines, b.erased, b.kept) for part, b in result.parts.items()} == {"raw/0": (2, 0, 2), "raw/1": (2, 1, 1), "raw/2": (2, 1, 1)}


@given(
    kinds=st.lists(st.sampled_from(["sound", "bad", "blank", "odd"]), min_size=1, max_size=12),
    chosen=st.sets(st.integers(1, 12)),
    superseded=st.frozensets(st.integers(1, 12)),
    fast=st.booleans(),
)
def test_the_other_lines_make_what_they_made_before(kinds: list[str], chosen: set[int], superseded: frozenset[int], fast: bool) -> None:
    texts = {"sound": login, "bad": lambda n: login(n)[:-7], "blank": lambda _: b" ", "odd": lambda n: login(n, events="x", note=[n, n + 0.5])}
    lines = [texts[kind](number) for number, kind in enumerate(kinds, 1)]
    erased = frozenset(n for n in chosen if n <= len(kinds) and kinds[n - 1] != "blank")
    before = run(lines, superseded=superseded, fast=fast)
    after = run([MARK if n in erased else text for n, text in enumerate(lines, 1)], superseded=superseded, erased=erased, fast=fast)
    assert after.books.erased == len(erased)
    assert (after.books.lines, after.books.blank) == (before.books.lines, before.books.blank)
    assert after.books.superseded == len({n for n in superseded if n <= len(kinds)} - erased)
    stays = ~pl.col("_line").is_in(sorted(erased))
    order = ["_line", "event_index"]
    assert after.rows.sort(order).equals(before.rows.filter(stays).sort(order))
    refused = before.quarantine.filter(~pl.col("line").is_in(sorted(erased)))
    assert after.quarantine.sort("line", "row").equals(refused.sort("line", "row"))
