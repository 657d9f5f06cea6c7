"""Lines that a source could not split, and the numbers of repeated lines, through the kernel."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from file_lakes import CONTRACT, NUMBERED, json_lines, transform, visit
from hypothesis import given
from hypothesis import strategies as st
from kernel_lines import Kernel

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import JsonField, JsonObject
from lakehouse.engines.kernel.decode import decode
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import process_block

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
RAW = b'{"_raw":"1,2"}'
GOOD = json_lines(visit(16, 1))[:-1]


def fates(*lines: bytes, contract=CONTRACT, fast: bool = True):
    told = decode(b"\n".join(lines) + b"\n", 1, contract, fast=fast)
    return sorted(told.numbers.tolist()), sorted((f.number, f.rule, f.is_record) for f in told.faults)


@pytest.mark.parametrize("fast", [True, False])
def test_a_line_that_its_source_could_not_split_is_unsplittable_and_no_record(fast):
    assert fates(GOOD, RAW, GOOD, RAW, fast=fast) == ([1, 3], [(2, "unsplittable", False), (4, "unsplittable", False)])
    assert fates(RAW, fast=fast) == ([], [(1, "unsplittable", False)])


@pytest.mark.parametrize(
    "line", [b'{"_raw":1}', b'{"_raw":"x","at":"y"}', b'{ "_raw":"x"}', b'{"at":"x","_raw":"y"}', b'{"at":{"_raw":"x"}}', b'{"note":"{\\"_raw\\":"}']
)
def test_what_only_looks_like_it_is_judged_as_any_other_line(line):
    both = [fates(GOOD, line, fast=fast) for fast in (True, False)]
    assert both[0] == both[1]
    assert "unsplittable" not in str(both)


def test_a_contract_that_declares_the_field_has_it_as_a_record():
    declared = replace(CONTRACT, record=JsonObject((*CONTRACT.record.fields, JsonField("_raw"))))
    assert fates(RAW, contract=declared) == ([1], [])


@given(st.lists(st.sampled_from([GOOD, RAW, b'{"_raw":', b'{"_raw":"x"} ', b'{"_raw":"\\ud800"}', b'{"_raw":"x"}{"_raw":"y"}', b"", b'{"at":1}'])))
def test_both_paths_say_the_same(lines):
    assert fates(*lines) == fates(*lines, fast=False)


def test_rows_know_which_repetition_their_line_is_whichever_block_it_is_in():
    lines = [*json_lines(visit(16, 1), visit(16, 1)).splitlines(), RAW, GOOD]
    grain = Grain(dt.date(2026, 11, 16))
    first = PartContext(grain, "raw/one", "f", "a", NOW, NOW, repeats=np.array([9, 1, 2, 7, 3], np.int64))
    second = PartContext(grain, "raw/two", "f", "a", NOW, NOW)
    block = b"\n".join([*lines, GOOD]) + b"\n"
    pieces = [Piece(first, 2, 4), Piece(second, 1, 1)]
    for fast in (True, False):
        told = process_block(block, pieces, contract=NUMBERED, transform=transform, key=Kernel.key, fast=fast)
        assert sorted(told.rows.select("_part", "_line", "repeat").rows()) == [
            ("raw/one", 2, 1),
            ("raw/one", 3, 2),
            ("raw/one", 5, 3),
            ("raw/two", 1, 1),
        ]
        assert told.quarantine.select("part", "line", "rule", "level").rows() == [("raw/one", 4, "unsplittable", "line")]
