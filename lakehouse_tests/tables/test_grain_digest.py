"""A grain result is named by all that it depends on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from build_lakes import KEY

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.ledger import LandedPart
from lakehouse.landing.manifest import Part
from lakehouse.settings import TokenKey
from lakehouse.tables.grains import GrainInputs, grain_digest

PATH = "raw/x/p.jsonl.zst"
PART = LandedPart(Part(PATH, "", "2026-11-17T01", 3, 10, 20, "ab" * 32), 7, "f", dt.datetime(2026, 11, 18, tzinfo=dt.UTC), "s", "a")
INPUTS = GrainInputs(Grain(dt.date(2026, 11, 17), "hour", 1), (PART,), {PATH: frozenset({2})})
CONTRACT = replace(find_dataset("workspace_audit").contract, version=3, transform_version=4)


def digest(**changes: Any) -> str:
    return grain_digest(replace(INPUTS, **changes), CONTRACT, TokenKey(KEY.encode()))


def test_results_that_are_there_keep_their_names() -> None:
    """Written down: another name for the same inputs would build every day of every lake anew."""
    assert digest() == digest(released=frozenset()) == "708d79ed5c214c7afb65626c11e3387a"


def test_what_was_erased_is_in_the_name_and_where_the_bytes_are_is_not() -> None:
    one, two = {PATH: frozenset({1})}, {PATH: frozenset({1, 2})}
    assert len({digest(), digest(erased=one), digest(erased=two), digest(superseded=one), digest(superseded={}, erased=INPUTS.superseded)}) == 5
    moved = msgspec.structs.replace(PART.part, stored="raw/x/container.jsonl.zst", offset=4_711, ids="raw/x/container.ids")
    assert digest(parts=(msgspec.structs.replace(PART, part=moved),)) == digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"released": frozenset({PATH})},
        {"erased": {PATH: frozenset({1})}},
        {"superseded": {}},
        {"grain": Grain(dt.date(2026, 11, 17), "hour", 2)},
        {"parts": ()},
        {"parts": (msgspec.structs.replace(PART, number=8),)},
    ],
)
def test_what_a_result_depends_on_is_in_its_name(changes: dict[str, Any]) -> None:
    assert digest(**changes) != digest()
