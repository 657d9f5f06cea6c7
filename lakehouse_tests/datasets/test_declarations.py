"""What a dataset is run by stands in its own folder: a default of the house that changes must not change a dataset in silence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lakehouse.datasets
from lakehouse.datasets.model import FileSource
from lakehouse.datasets.registry import find_dataset
from lakehouse.steps.build import ENGINES

DATASETS = ("clickstream", "commerce", "listening", "logistics", "workspace_audit")


def keywords(dataset: str, module: str, call: str) -> set[str]:
    """The arguments that a module of the dataset names in its one call of this class."""
    source = (Path(lakehouse.datasets.__file__).parent / dataset / f"{module}.py").read_text()
    calls = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == call]
    assert len(calls) == 1, f"{dataset}/{module}.py: expected one {call}(...)"
    return {word.arg for word in calls[0].keywords if word.arg is not None}


@pytest.mark.parametrize("name", DATASETS)
def test_engine_lateness_history_and_drift_are_declared_by_the_dataset_itself(name: str) -> None:
    assert keywords(name, "dataset", "Dataset") >= {"engine", "source"}
    assert keywords(name, "contract", "Contract") >= {"grain", "history", "drift", "freshness", "owners", "allowed_lateness"}
    if isinstance(find_dataset(name).source, FileSource):
        assert keywords(name, "dataset", "FileSource") == {"feeds", "lateness"}
    assert keywords(name, "contract", "DriftPolicy") == {"unknown_fields_error_share", "quarantined_error_share"}


@pytest.mark.parametrize("name", DATASETS)
def test_what_is_declared_can_be_run(name: str) -> None:
    dataset = find_dataset(name)
    assert dataset.engine in ENGINES
    assert dataset.contract.history.days >= dataset.contract.freshness.days
    for share in (dataset.contract.drift.unknown_fields_error_share, dataset.contract.drift.quarantined_error_share):
        assert 0 <= share <= 1
