"""What the kernel makes of the recorded cases, kept as a file: output that changes needs a new version of the transform or of the contract.

Results are named by their inputs and by those versions; without a new one a lake would keep rows of the old kind beside rows of the new.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from kernel_lines import CASES, Kernel

from lakehouse.datasets.registry import find_dataset
from lakehouse.tables.grains import KERNEL_VERSION

GOLDEN = Path(__file__).parent / "golden_rows.json"
CONTRACT = find_dataset("workspace_audit").contract


def rows_of(case: str) -> str:
    rows = Kernel().run(Kernel().case(case)).rows.select(CONTRACT.content_columns)
    return hashlib.sha256(rows.write_json().encode()).hexdigest()


def now() -> dict[str, object]:
    cases = {path.stem: rows_of(path.stem) for path in sorted(CASES.glob("*.jsonl"))}
    return {"contract_version": CONTRACT.version, "transform_version": CONTRACT.transform_version, "kernel_version": KERNEL_VERSION, "rows": cases}


def test_output_changes_only_with_a_new_version() -> None:
    found = now()
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
    expected = json.loads(GOLDEN.read_text())
    if expected == found:
        return
    versions = ("contract_version", "transform_version", "kernel_version")
    if all(expected[v] == found[v] for v in versions):
        pytest.fail("The rows of the recorded cases have changed: raise a version of the contract, or KERNEL_VERSION, then update this file.")
    pytest.fail(f"The versions have changed: run this test once with UPDATE_GOLDEN=1 and commit {GOLDEN.name}.")
