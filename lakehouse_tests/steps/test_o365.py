"""Another producer, nothing but a contract and a transform of its own: an Office 365 export through the same raw and clean."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from position_lines import land_by_position

import lakehouse
from lakehouse.accounts.books import Books, total
from lakehouse.contracts.extra import extra_text
from lakehouse.contracts.model import Column, Conflict, Contract, JsonField, JsonInt, JsonList, JsonObject, JsonText, ListType, RecordTime, StructType
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import frame_schema
from lakehouse.datasets.model import Dataset, Records
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import ENV_TOKEN_KEY, DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_day, stale_days
from lakehouse.tables.views import clean_version, quarantine_files

FILE = Path(lakehouse.__file__).parents[2] / "shared" / "realdata" / "workspace_audit" / "o365_auditdata.jsonl.gz"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no recorded audit data at {FILE}")
PAIR = JsonObject((JsonField("Name"), JsonField("Value", JsonText(numbers=True))))


def make(policy: Conflict) -> Dataset:
    """The dataset; `Parameters` is a list of pairs, or, in ninety records, a string: `policy` says what becomes of those."""
    contract = Contract(
        name="o365_audit",
        title="Office 365 audit log",
        description="Unified audit log of a tenant, exported to a file.",
        grain="day",
        record=JsonObject(
            (
                JsonField("CreationTime", required=True),
                JsonField("Id", required=True),
                JsonField("Operation", required=True),
                JsonField("RecordType", JsonInt()),
                JsonField("Workload"),
                JsonField("UserId"),
                JsonField("Parameters", JsonList(PAIR), on_conflict=policy),
            )
        ),
        columns=(
            Column("event_time", "timestamp", "When it happened; the export writes UTC without a zone.", "CreationTime", nullable=False),
            Column("event_id", "string", "Id of the record.", "Id", nullable=False, pattern="[0-9a-f-]{36}"),
            Column("operation", "string", "What was done.", "Operation", nullable=False),
            Column("record_type", "int64", "Kind of the record.", "RecordType"),
            Column("workload", "string", "Product.", "Workload"),
            Column("user", "string", "Who, as a token where it is an address.", "UserId", pii="identity"),
            Column("parameters", ListType(StructType((("Name", "string"), ("Value", "string")))), "Arguments of a cmdlet.", "Parameters"),
        ),
        key=("event_time", "event_id"),
        event_time="event_time",
        times=(RecordTime("CreationTime"),),
        version=1,
        transform_version=1,
        owners=("team:tests",),
        id_columns=("event_id",),
    )
    return Dataset(contract, transform, source=None)


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """One row per record."""
    table = records.table
    names = {
        "event_id": "Id",
        "operation": "Operation",
        "record_type": "RecordType",
        "workload": "Workload",
        "user": "UserId",
        "parameters": "Parameters",
    }
    frame = pl.DataFrame({ours: pl.Series(ours, table[theirs].combine_chunks()) for ours, theirs in names.items()})
    times = parse_times(pl.Series("event_time", table["CreationTime"].combine_chunks(), dtype=pl.String))
    extra = [extra_text(records.extra[i]).decode() if i in records.extra else None for i in range(table.num_rows)]
    return frame.with_columns(times).select(
        *(pl.col(name).cast(kind) for name, kind in frame_schema(contract).items()),
        pl.Series("_extra", extra, dtype=pl.String),
        pl.Series("_record", np.arange(table.num_rows), dtype=pl.UInt32),
    )


def lines_of_file() -> list[bytes]:
    return gzip.decompress(FILE.read_bytes()).splitlines()


def open_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
    clock = dt.datetime(2021, 8, 1, tzinfo=dt.UTC)
    return open_lake(folder).with_settings(LakeSettings(clock=clock, datasets={"o365_audit": DatasetSettings(start=dt.date(2021, 3, 1))}))


def ingest(lake: Lake, dataset: Dataset, lines: list[bytes]) -> None:
    land_by_position(lake, dataset.contract, lines)


def build_all(lake: Lake, dataset: Dataset) -> Books:
    return total(build_day(lake, dataset, day.day).books for day in stale_days(lake, dataset))


@pytest.mark.slow
def test_the_whole_export_goes_through_and_a_second_run_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = lines_of_file()
    assert (len(lines), sum(not text.strip() for text in lines)) == (9611, 3)
    books = there_and_again(open_with(tmp_path, monkeypatch), lines)
    assert (books.lines, books.blank, books.unreadable, books.records, books.rows) == (9611, 3, 0, 9608, 9608)
    assert (books.quarantined, books.kept) == (0, 5373)


def test_some_days_of_the_export_go_through_and_a_second_run_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = days_with_texts()[:4]
    books = there_and_again(
        open_with(tmp_path, monkeypatch), [b"", *(t for t in lines_of_file() if t.strip() and json.loads(t)["CreationTime"][:10] in days)]
    )
    assert books.blank == 1
    assert books.duplicate > 0


def there_and_again(lake: Lake, lines: list[bytes]) -> Books:
    """Ingest and build lines, check every row, do it all again. The books of the first time."""
    dataset = make("extra")
    records = {r["Id"]: r for r in map(json.loads, filter(bytes.strip, lines))}
    ingest(lake, dataset, lines)
    assert load_ledger(lake, dataset.name).books.difference() == 0
    books = build_all(lake, dataset)
    assert books.balanced()
    rows = pl.read_parquet(list(clean_version(lake, dataset.contract).files), hive_partitioning=False)
    assert rows["event_id"].n_unique() == rows.height == books.kept == len(records)
    check_times_and_extra(rows, records)
    moved = rows.filter(pl.col("event_id").is_in([i for i, r in records.items() if isinstance(r.get("Parameters"), str)]))
    assert moved.height > 0
    assert moved["parameters"].null_count() == moved.height
    assert all(isinstance(json.loads(text)["Parameters"], str) for text in moved["_extra"])
    later = lake.with_settings(msgspec.structs.replace(lake.settings, clock=lake.now() + dt.timedelta(hours=1)))
    second_run(later, dataset, lines, rows, books)
    return books


def days_with_texts() -> list[str]:
    """The days on which `Parameters` is a text, sorted."""
    records = (json.loads(t) for t in lines_of_file() if t.strip())
    return sorted({r["CreationTime"][:10] for r in records if isinstance(r.get("Parameters"), str)})


def test_the_policy_quarantine_puts_records_of_the_other_type_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, dataset = open_with(tmp_path, monkeypatch), make("quarantine")
    told = [(text, json.loads(text)) for text in lines_of_file() if text.strip()]
    days = days_with_texts()[:4]
    lines = [text for text, r in told if r["CreationTime"][:10] in days]
    odd = sum(isinstance(json.loads(text).get("Parameters"), str) for text in lines)
    assert odd > 0
    assert sum(isinstance(r.get("Parameters"), str) for _, r in told) == 90
    ingest(lake, dataset, lines)
    books = build_all(lake, dataset)
    assert (books.records, books.quarantined) == (len(lines), odd)
    assert books.balanced()
    entries = pl.read_parquet(list(quarantine_files(lake, dataset.contract)))
    assert entries.height == odd
    assert entries.select("rule", "field").unique().rows() == [("changed_type", "Parameters")]
    rows = pl.read_parquet(list(clean_version(lake, dataset.contract).files), hive_partitioning=False)
    assert rows["event_id"].n_unique() == rows.height == books.kept


def check_times_and_extra(rows: pl.DataFrame, records: dict[str, dict[str, Any]]) -> None:
    declared = {"CreationTime", "Id", "Operation", "RecordType", "Workload", "UserId", "Parameters"}
    for unique, time, extra in rows.select("event_id", "event_time", "_extra").iter_rows():
        record = records[unique]
        assert f"{time:%Y-%m-%dT%H:%M:%S}" == record["CreationTime"]  # no zone counts as UTC
        unknown = {k for k, v in record.items() if k not in declared and v is not None}
        assert unknown <= set(json.loads(extra or "{}"))
    assert not rows["_extra"].str.contains(r"\w@\w+\.\w").any()
    assert not rows["user"].str.contains(r"\w@\w+\.\w").any()


def second_run(lake: Lake, dataset: Dataset, lines: list[bytes], before: pl.DataFrame, books: Books) -> None:
    """The same file once more: everything lands by position, and everything is a duplicate."""
    assert stale_days(lake, dataset) == []
    ingest(lake, dataset, lines)
    again = build_all(lake, dataset)
    assert (again.rows, again.kept, again.quarantined) == (2 * books.rows, before.height, 0)
    after = pl.read_parquet(list(clean_version(lake, dataset.contract).files), hive_partitioning=False)
    assert after.sort("event_time", "event_id").equals(before.sort("event_time", "event_id"))
    version = clean_version(lake, dataset.contract).version
    assert all(not build_day(lake, dataset, day).committed for day in sorted(clean_version(lake, dataset.contract).builds)[:3])
    assert clean_version(lake, dataset.contract).version == version


def test_lines_of_one_file_by_hour_are_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The grain is a matter of storage: the same rows by the hour as by the day."""
    lines = lines_of_file()[:400]
    found = []
    for grain in ("day", "hour"):
        lake, dataset = open_with(tmp_path / grain, monkeypatch), make("extra")
        dataset = replace(dataset, contract=replace(dataset.contract, grain=grain))
        ingest(lake, dataset, lines)
        build_all(lake, dataset)
        rows = pl.read_parquet(list(clean_version(lake, dataset.contract).files), hive_partitioning=False)
        found.append(rows.select(dataset.contract.content_columns).sort("event_time", "event_id"))
    assert found[0].equals(found[1])
