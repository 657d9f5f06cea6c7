"""What becomes of recorded lines of every dataset, kept as a file: output that changes needs a new version of the transform or of the contract.

Results are named by their inputs and by those versions; without a new one a lake would keep rows of the old kind beside rows of the new.
A new dataset needs a folder `golden/<dataset>` with small files as its source writes them, one of every kind.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from kernel_lines import CASES

from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.landing.write import land_fetch
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.ingest import ingest
from lakehouse.tables.grains import KERNEL_VERSION
from lakehouse.tables.views import clean_version, quarantine_files

GOLDEN = Path(__file__).parent / "golden"
CLOCK = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
VERSIONS = ("contract_version", "transform_version", "kernel_version")

pytestmark = pytest.mark.usefixtures("token_key")


def land(lake: Lake, dataset: Dataset) -> None:
    """Land the recorded lines of a dataset: its files, or activities as the API tells them."""
    if isinstance(dataset.source, FileSource):
        folder = GOLDEN / dataset.name
        assert folder.is_dir(), f"{folder} is not there: put small files into it as the source writes them, some lines of every kind and defect."
        report = ingest(lake, dataset, [str(folder)])
        assert report.manifests, f"{folder} has no file that a feed of {dataset.name} takes"
        assert not report.errors, report.errors
        return
    lines = [path.read_bytes().rstrip(b"\n") for path in sorted(CASES.glob("*.jsonl"))]
    land_fetch(
        lake, dataset.contract, source="reports_api", application="token", purpose="new", window=None, covered=None, batches=[lines], http=dict,
        started_at=lake.now(),
    )  # fmt: skip


def built(dataset: Dataset, folder: Path) -> dict[str, str]:
    """Hash -> text of what was made of the recorded lines: rows without provenance, and what was refused under which rule."""
    settings = LakeSettings(clock=CLOCK, datasets={dataset.name: DatasetSettings(start=dt.date(2010, 1, 1))})
    lake = open_lake(folder).with_settings(settings)
    land(lake, dataset)
    for stale in stale_days(lake, dataset):
        build_day(lake, dataset, stale.day)
    found = clean_version(lake, dataset.contract)
    rows = pl.read_parquet(list(found.files), hive_partitioning=False, glob=False).select(dataset.contract.content_columns)
    refused = quarantine_files(lake, dataset.contract, list(found.builds.values()))
    texts = [rows[n].write_json() for n in range(rows.height)]
    if refused:
        entries = pl.read_parquet(list(refused)).select("level", "rule", "field", "line").sort(pl.all())
        texts += [json.dumps(entry) for entry in entries.rows()]
    return {hashlib.sha256(text.encode()).hexdigest()[:16]: text for text in texts}


def told(dataset: Dataset, rows: dict[str, str]) -> dict[str, Any]:
    contract = dataset.contract
    libraries = {name: version(name) for name in contract.libraries}
    versions = dict(zip(VERSIONS, (contract.version, contract.transform_version, KERNEL_VERSION), strict=True))
    return {**versions, "libraries": libraries, "rows": sorted(rows)}


@pytest.mark.parametrize("name", [dataset.name for dataset in all_datasets()])
def test_output_changes_only_with_a_new_version(name: str, tmp_path: Path) -> None:
    golden = GOLDEN / f"{name}.json"
    rows = built(find_dataset(name), tmp_path / "lake")
    found = told(find_dataset(name), rows)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(found, indent=1) + "\n")
    assert golden.is_file(), f"{name} has no golden rows: run this test once with UPDATE_GOLDEN=1 and commit {golden.name}."
    expected = json.loads(golden.read_text())
    if any(expected[v] != found[v] for v in VERSIONS):
        pytest.fail(f"The versions have changed: run this test once with UPDATE_GOLDEN=1 and commit {golden.name}.")
    if expected["rows"] == found["rows"]:
        return
    if expected["libraries"] != found["libraries"]:  # which is another digest, and so another result
        pytest.skip(f"recorded with {expected['libraries']}, here is {found['libraries']}")
    other = "\n".join(rows[h] for h in sorted(set(rows) - set(expected["rows"]))) or "rows that were there are gone"
    pytest.fail(f"What becomes of the recorded lines has changed: raise a version of the contract, or KERNEL_VERSION, then update the file.\n{other}")


def test_the_recorded_lines_of_commerce_are_of_both_record_versions_and_of_both_feeds() -> None:
    records = [json.loads(text) for text in (GOLDEN / "commerce" / "events.jsonl").read_bytes().splitlines() if text.endswith(b"}")]
    assert {record.get("schema_version") for record in records} >= {1, 2}
    assert len((GOLDEN / "commerce" / "retail.csv").read_bytes().splitlines()) > 5
