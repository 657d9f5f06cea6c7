"""A small dataset of files of every format, and a lake with an inbox for it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from lakehouse.contracts.model import Column, Contract, JsonField, JsonObject, JsonText, RecordTime
from lakehouse.contracts.times import parse_times
from lakehouse.datasets.model import CombinedLog, Csv, Dataset, Feed, FileSource, JsonDocument, JsonLines, Records
from lakehouse.landing.ledger import load_ledger
from lakehouse.operations.reconciliation import reconcile
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.attempt import DayReport
from lakehouse.steps.build import build_days, stale_days
from lakehouse.steps.ingest import IngestReport, ingest
from lakehouse.tables.views import clean_version, quarantine_files

START = dt.date(2026, 11, 1)
CLOCK = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LOG_TIME = "%d/%b/%Y:%H:%M:%S %z"

CONTRACT = Contract(
    name="visits",
    title="Visits",
    description="For tests.",
    grain="day",
    record=JsonObject((JsonField("at"), JsonField("id", JsonText(numbers=True)), JsonField("note"), JsonField("time"), JsonField("host"))),
    columns=(
        Column("event_time", "timestamp", "When.", nullable=False),
        Column("id", "string", "Which.", nullable=False),
        Column("note", "string", "What."),
    ),
    key=("event_time", "id"),
    event_time="event_time",
    times=(RecordTime("at"), RecordTime("time", LOG_TIME)),
    version=1,
    transform_version=1,
    owners=("team:tests",),
)
NUMBERED = replace(
    CONTRACT,
    name="sales",
    columns=(*CONTRACT.columns, Column("repeat", "int64", "Which of the identical lines it is.", nullable=False)),
    key=("event_time", "id", "repeat"),
    numbered_repeats=True,
)
FEEDS = (
    Feed("log", ("*.log",), CombinedLog()),
    Feed("document", ("*.doc.json",), JsonDocument("result.items")),
    Feed("lines", ("*.json", "*.jsonl", "lines/**"), JsonLines()),
    Feed("bare", ("bare/*.csv",), Csv(";", "'", header=("at", "id", "note"))),
    Feed("table", ("*.csv", "in/**/*.csv"), Csv()),
)
SOURCE = FileSource(FEEDS, lateness=dt.timedelta(hours=6))


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """A row per record."""
    table: Any = pl.from_arrow(records.table)
    numbers = {"repeat": pl.Series(records.repeats)} if contract.numbered_repeats else {}
    return table.select(
        parse_times(table["at"]).fill_null(parse_times(table["time"], LOG_TIME)).alias("event_time"),
        pl.coalesce("id", "host").alias("id"),
        "note",
        pl.lit(None, pl.String).alias("_extra"),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("_record"),
    ).with_columns(**numbers)


VISITS = Dataset(CONTRACT, transform, SOURCE)
SALES = Dataset(NUMBERED, transform, SOURCE)


def visit(day: int, number: int | str = 1, note: str = "x", hour: int = 12) -> dict[str, str]:
    """A record of a day of November."""
    return {"at": f"2026-11-{day:02d}T{hour:02d}:00:00Z", "id": str(number), "note": note}


def csv(*records: dict[str, str], end: str = "\n") -> bytes:
    """Records as a CSV file."""
    rows = [",".join(r.values()) for r in records]
    return "".join(line + end for line in ["at,id,note", *rows]).encode()


def json_lines(*records: dict[str, str]) -> bytes:
    """Records as JSON Lines."""
    return b"".join(msgspec.json.encode(r) + b"\n" for r in records)


@dataclass
class FileLake:
    """A lake, its dataset and its inbox. Files are written as if they had been left alone for an hour."""

    lake: Lake
    dataset: Dataset = VISITS

    @classmethod
    def make(cls, folder: Path, dataset: Dataset = VISITS) -> FileLake:
        settings = LakeSettings(clock=CLOCK, datasets={dataset.name: DatasetSettings(start=START)})
        return cls(open_lake(folder).with_settings(settings), dataset)

    @property
    def folder(self) -> Path:
        assert self.lake.store.root is not None
        return self.lake.store.root

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox" / self.dataset.name

    def put(self, name: str, data: bytes, *, age: float = 3600) -> Path:
        """Write a file of the inbox."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written = dt.datetime.now(dt.UTC).timestamp() - age
        os.utime(path, (written, written))
        return path

    def ingest(self, paths: Sequence[str] | None = None) -> IngestReport:
        return ingest(self.lake, self.dataset, paths)

    def build(self) -> list[DayReport]:
        """Build what is stale; the books close."""
        with build_days(self.lake, self.dataset, [stale.day for stale in stale_days(self.lake, self.dataset)]) as builds:
            days = [build() for build in builds]
        told = reconcile(self.lake, self.dataset)
        assert told.closes, list(map(str, told.differences))
        return days

    def rows(self) -> list[tuple[Any, ...]]:
        """The clean table: the contract's columns, sorted."""
        files = clean_version(self.lake, self.dataset.contract).files
        names = [c.name for c in self.dataset.contract.columns]
        return sorted(pl.read_parquet(list(files), hive_partitioning=False).select(names).rows()) if files else []

    def ids(self) -> list[str]:
        return sorted(row[1] for row in self.rows())

    def quarantine(self) -> list[tuple[str, str, int]]:
        """(rule, level, line) of everything that was refused, sorted."""
        version = clean_version(self.lake, self.dataset.contract)
        files = quarantine_files(self.lake, self.dataset.contract, list(version.builds.values()))
        return sorted(pl.read_parquet(list(files)).select("rule", "level", "line").rows()) if files else []

    @property
    def ledger(self) -> Any:
        return load_ledger(self.lake, self.dataset.name)
