"""The lake against the truth of a generator."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.operations.truth import compare, generator_of


def _truth(folder: Path, **total: Any) -> Path:
    path = folder / "truth.json"
    path.write_text(json.dumps({"arguments": {"seed": 1}, "total": total}))
    return path


def test_every_term_is_compared_and_only_what_differs_disagrees(small_lake: Any, tmp_path: Path) -> None:
    books = {"lines": 10, "unreadable": 1, "records": 9, "rows": 11, "quarantined": 4, "duplicate": 2, "kept": 6}
    fetch = {"read": 11, "re_read": 0, "placed": 9, "unplaced": 2}
    rules = dict.fromkeys(("missing_required", "changed_type", "out_of_range", "unreadable_json", "before_start"), 1)
    truth = _truth(tmp_path, fetch=fetch, books=books, rules=rules, days={"2026-11-17": 5})
    found = compare(small_lake.lake, small_lake.dataset, truth)
    assert [(t.name, t.truth, t.lake) for t in found if not t.agrees] == [("rows: kept", 6, 5)]
    assert {"fetch: placed", "lines: unreadable", "rows: duplicate", "quarantined changed_type", "kept on 2026-11-17"} <= {t.name for t in found}


def test_a_rule_that_only_one_side_knows_is_a_difference(small_lake: Any, tmp_path: Path) -> None:
    found = {t.name: t for t in compare(small_lake.lake, small_lake.dataset, _truth(tmp_path, rules={"imaginary": 3}))}
    assert (found["quarantined imaginary"].truth, found["quarantined imaginary"].lake) == (3, 0)
    assert (found["quarantined before_start"].truth, found["quarantined before_start"].lake) == (0, 1)


def test_a_file_that_is_no_truth_is_refused(small_lake: Any, tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"total": 3}')
    with pytest.raises(ConfigurationError, match="is no truth of a generator"):
        compare(small_lake.lake, small_lake.dataset, tmp_path / "truth.json")


def test_the_generator_of_a_dataset_is_found_by_its_name(small_lake: Any) -> None:
    assert callable(generator_of(small_lake.dataset).small_demo)


def test_a_dataset_without_a_generator_is_told_from_one_whose_generator_lacks_a_library(small_lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = small_lake.dataset
    with pytest.raises(ConfigurationError, match="nothing has no sample generator"):
        generator_of(replace(dataset, contract=replace(dataset.contract, name="nothing")))
    monkeypatch.setitem(sys.modules, "numpy", None)
    for name in [name for name in sys.modules if name.startswith("lakehouse.datasets.commerce")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match="numpy"):
        generator_of(replace(dataset, contract=replace(dataset.contract, name="commerce")))
