"""Tables, records and contracts of other formats, folders of any name, and other readers."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from build_lakes import BEFORE, DAY, BuildLake, check_lake, event
from commit_files import change, write_log
from deltalake import DeltaTable

from lakehouse.contracts.model import Column
from lakehouse.datasets.model import Dataset
from lakehouse.errors import LakeFormatError
from lakehouse.tables import delta
from lakehouse.tables.views import clean_version

# --- other versions ---------------------------------------------------------------------------------------------------


def test_a_table_with_deletion_vectors_is_refused(made: BuildLake) -> None:
    made.land(event(1, 1))
    made.build()
    features = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    write_log(made, made.table.version() + 1, {"protocol": features})
    made.land(event(1, 2))
    for ask in (made.build, lambda: clean_version(made.lake, made.dataset.contract)):
        with pytest.raises(LakeFormatError, match="deletion vectors"):
            ask()


@pytest.mark.parametrize(
    "protocol",
    [
        {"minReaderVersion": 99, "minWriterVersion": 99},
        {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["fromTheFuture"], "writerFeatures": ["fromTheFuture"]},
    ],
)
def test_a_table_of_a_newer_delta_is_refused(made: BuildLake, protocol: dict[str, Any]) -> None:
    made.land(event(1, 1))
    made.build()
    write_log(made, made.table.version() + 1, {"protocol": protocol})
    with pytest.raises(LakeFormatError, match="newer lakehouse"):
        made.build()


def test_records_of_a_newer_format_are_refused_with_their_name(made: BuildLake) -> None:
    made.land(event(1, 1))
    report = made.build()
    (account,) = (made.folder / "ops" / "grains" / "workspace_audit" / f"{DAY}T01").glob("*.json")
    change(account, lambda a: a.update(format=99, unheard_of=1))
    with pytest.raises(LakeFormatError, match=f"{account.name} says format 99"):
        made.build()
    change(account, lambda a: a.update(format=1))
    record = made.folder / "ops" / "builds" / "workspace_audit" / str(DAY) / f"{report.build.fingerprint}.json"
    change(record, lambda b: b.update(format=99))
    with pytest.raises(LakeFormatError, match="says format 99"):
        made.build()
    record.write_text("{torn")
    with pytest.raises(LakeFormatError, match="cannot be read"):
        made.build()


def wider(made: BuildLake, **more: Any) -> Dataset:
    """The dataset with a contract that has one column more, which the transform fills."""
    contract = replace(made.dataset.contract, columns=(*made.dataset.contract.columns, Column("added", "int64", "")), version=2, **more)

    def transform(records: Any, _: Any) -> Any:
        return made.dataset.transform(records, made.dataset.contract).with_columns(added=pl.lit(7, pl.Int64))

    return replace(made.dataset, contract=contract, transform=transform)


def test_a_column_that_a_contract_adds_is_added_to_the_table(made: BuildLake) -> None:
    made.land(event(1, 1), event(1, 9, day=BEFORE))
    made.build(BEFORE)
    newer = replace(made, dataset=wider(made))
    newer.build()
    assert "added" in [f.name for f in newer.table.schema().fields]
    assert clean_version(made.lake, newer.dataset.contract).version == newer.table.version()
    made.land(event(2, 2))
    with pytest.raises(LakeFormatError, match="added"):
        made.build()  # by the older software, which would leave the column out
    newer.build(BEFORE)
    assert newer.rows()["added"].to_list() == [7, 7]


def test_a_column_of_another_type_is_refused(made: BuildLake) -> None:
    made.land(event(1, 1))
    made.build()
    version = made.table.version()
    columns = tuple(replace(c, type="int64") if c.name == "api_name" else c for c in made.dataset.contract.columns)
    with pytest.raises(LakeFormatError, match="api_name"):
        delta.ensure_table(made.lake, replace(made.dataset.contract, columns=columns))
    assert made.table.version() == version


# --- the table is plain Delta -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with space", "100%", "ha#sh", "ümlaut", "brack[e]t"])
def test_the_folder_of_a_lake_may_have_any_name(made: BuildLake, tmp_path: Path, name: str) -> None:
    other = BuildLake.make(tmp_path / name)
    other.land(event(1, 1), b"{")
    report = other.build()
    assert all(c.passed for c in report.checks if c.name not in ("contract", "holes"))
    other.land(event(1, 2))
    other.build()
    check_lake(other, [(1, 1), (1, 2)])


def test_any_delta_reader_sees_the_rows_and_the_partition(made: BuildLake) -> None:
    made.land(event(1, 1), event(2, 2), event(1, 9, day=BEFORE))
    made.build()
    made.build(BEFORE)
    table = DeltaTable(os.fspath(made.folder / "clean" / "workspace_audit"))
    assert table.metadata().partition_columns == ["event_date"]
    found = table.count()
    assert found == 3
    assert [f.name for f in table.schema().fields] == [c.name for c in made.dataset.contract.table_columns]
