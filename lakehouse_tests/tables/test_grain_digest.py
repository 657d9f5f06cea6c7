"""A grain result is named by all that it depends on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from build_lakes import KEY

import lakehouse.datasets
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.datasets.user_agents import RULES
from lakehouse.landing.ledger import LandedPart
from lakehouse.landing.manifest import Part
from lakehouse.settings import TokenKey
from lakehouse.tables import grains
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


def test_the_seals_of_an_unplaced_grain_are_in_its_name() -> None:
    """Written down, as above: they say why a line has no place."""
    day, other = dt.date(2026, 11, 10), dt.date(2026, 11, 11)
    unplaced = Grain.unplaced(dt.date(2026, 11, 17))
    names = [digest(grain=unplaced, sealed=sealed) for sealed in ({}, {day: 3}, {day: 4}, {other: 3}, {day: 3, other: 3})]
    assert len(set(names)) == len(names)
    assert names[4] == digest(grain=unplaced, sealed={other: 3, day: 3})
    assert names[1] == "f78050e6870b54e72ef862d1e85f324c"


def test_the_versions_of_libraries_that_make_values_are_in_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"rules": "1.0", "parser": "7"}
    monkeypatch.setattr(grains, "_installed", lambda name: versions[name])

    def named(*libraries: str) -> str:
        return grain_digest(INPUTS, replace(CONTRACT, libraries=libraries), TokenKey(KEY.encode()))

    one = named("rules")
    assert len({digest(), one, named("parser"), named("rules", "parser")}) == 4
    versions["parser"] = "8"
    assert named("rules") == one, "a library that the contract does not name is nothing to it"
    versions["rules"] = "1.1"
    assert named("rules") != one


def test_a_dataset_that_reads_user_agents_names_the_libraries_that_do_it() -> None:
    """Else an update of the rules would change values under the same name."""
    found = 0
    for dataset in all_datasets():
        folder = Path(lakehouse.datasets.__path__[0]) / dataset.name
        if any("datasets.user_agents" in path.read_text() for path in folder.rglob("*.py")):
            found += 1
            assert {"ua-parser", RULES} <= set(dataset.contract.libraries), dataset.name
    assert found >= 2
