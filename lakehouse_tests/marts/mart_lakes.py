"""Lakes with committed clean days made by hand, through the tables that real builds use."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.contracts.grain import Grain
from lakehouse.contracts.quarantine import QUARANTINE
from lakehouse.contracts.types import polars_type
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.workspace_audit.contract import CONTRACT
from lakehouse.landing.commit import append
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest, Window
from lakehouse.marts.publish import published_path
from lakehouse.marts.records import MartsReport
from lakehouse.settings import Lake, open_lake
from lakehouse.tables import builds, delta, grains
from lakehouse.tables.records import Build, GrainAccount, GrainRef, PartBooks

CASES = Path(__file__).parent / "cases"
COLLECTOR = "collector.apps.googleusercontent.com"
Event = Mapping[str, Any]

MONDAY = dt.date(2026, 3, 2)
LAST = dt.date(2026, 4, 1)
_LANDED = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
_TIMES = [c.name for c in CONTRACT.table_columns if c.type == "timestamp"]


@dataclass(frozen=True)
class Built:
    """A lake with published marts, and what the build of them said."""

    lake: Lake
    dataset: Dataset
    report: MartsReport

    @property
    def folder(self) -> Path:
        assert self.lake.store.root is not None
        return self.lake.store.root

    def copy(self, folder: Path) -> Built:
        """The same somewhere else, to be changed."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Built(open_lake(folder), self.dataset, self.report)

    def open(self) -> duckdb.DuckDBPyConnection:
        """The published file."""
        path = published_path(self.lake, self.dataset)
        assert path is not None
        return duckdb.connect(str(path), read_only=True)


def read_events(name: str) -> dict[dt.date, list[Event]]:
    """Clean rows of a case file by day: one JSON object per line with `at` and whatever columns matter."""
    found: dict[dt.date, list[Event]] = {}
    for line in (CASES / name).read_text().splitlines():
        if line and not line.startswith("#"):
            event = json.loads(line)
            found.setdefault(dt.date.fromisoformat(event["at"][:10]), []).append(event)
    return found


def rows(day: dt.date, events: Sequence[Event]) -> pl.DataFrame:
    """Events as rows of the clean table."""
    made = []
    for place, event in enumerate(events):
        at = dt.datetime.fromisoformat(event["at"]).replace(tzinfo=dt.UTC)
        made.append(
            {
                **{c.name: None for c in CONTRACT.table_columns},
                "event_time": at,
                "unique_id": str(place),
                "customer_id": "C1",
                "event_hash": f"{place:032x}",
                "event_index": 0,
                "owner_domain": "example.com",
                "_fetch_id": "f",
                "_part": f"raw/{CONTRACT.name}/date={day}/f.jsonl.zst",
                "_line": place + 1,
                "_landed_at": _LANDED,
                "_contract_version": 1,
                "event_date": day,
                **{name: value for name, value in event.items() if name != "at"},
            }
        )
    return pl.DataFrame(made, schema={c.name: polars_type(c.type) for c in CONTRACT.table_columns}).sort("event_time")


def quarantined(day: dt.date, refused: Sequence[tuple[str, str | None, str, int, int | None]]) -> pl.DataFrame:
    """Quarantine rows of (rule, field, level, line, row)."""
    made = [
        {
            "day": day, "grain": Grain(day).key, "rule": rule, "field": field, "level": level, "part": "token.zst", "line": line, "row": row,
            "fetch_id": "f", "landed_at": _LANDED, "event_time": None, "application": "token", "detail": None,
        }
        for rule, field, level, line, row in refused
    ]  # fmt: skip
    return pl.DataFrame(made, schema={c.name: polars_type(c.type) for c in QUARANTINE})


def commit_day(
    lake: Lake,
    day: dt.date,
    events: Sequence[Event],
    *,
    complete: bool = True,
    duplicates: int = 0,
    lateness: Mapping[int, int] | None = None,
    quarantine: pl.DataFrame | None = None,
) -> int:
    """Commit these events as the clean rows of a day; returns the fingerprint. The quarantine frame is written as it is."""
    late = dict(lateness) if lateness is not None else {60: len(events)}
    after = pl.Series([seconds for seconds, count in late.items() for _ in range(count)], dtype=pl.Int64)
    frame = rows(day, events)
    if after.len() == frame.height:
        frame = frame.with_columns(_landed_at=pl.col("event_time") + pl.duration(seconds=after))
    grain = Grain(day)
    digest = hashlib.blake2b(json.dumps([events, duplicates, complete], sort_keys=True).encode(), digest_size=16).hexdigest()
    path = grains.table_path(CONTRACT.name, grain, digest)
    files = [grains.write_table_file(lake, path, frame.drop("event_date"), "event_time")] if frame.height else []
    refused = None
    if quarantine is not None:
        refused = grains.write_table_file(lake, grains.quarantine_path(CONTRACT.name, grain, digest), quarantine, "landed_at")
    applications = frame["application"].unique().sort().to_list()
    parts = []
    for application in applications:
        kept = frame.filter(pl.col("application") == application).height
        extra = duplicates if application == applications[0] else 0
        total = kept + extra
        parts.append(
            PartBooks(f"{application}.zst", "f", 1, application, _LANDED, Books(lines=total, records=total, rows=total, duplicate=extra, kept=kept))
        )
    account = GrainAccount(
        dataset=CONTRACT.name,
        grain=grain.key,
        digest=digest,
        contract_version=1,
        transform_version=1,
        token_key_id="k",
        engine="polars",
        staged_at=0.0,
        seconds=0.0,
        parts=tuple(parts),
        files=tuple(files),
        quarantine=refused,
        quarantine_rules={},
        census=(),
        lateness=late,
        key_conflicts=0,
        rows_with_extra=0,
        unknown_values={},
    )
    grains.store_account(lake, account)
    refs = (GrainRef(grain.key, digest),)
    number = builds.fingerprint(refs, complete=complete)
    builds.write_build(lake, Build(CONTRACT.name, day, number, complete, 0, 1, refs))
    folder = grains.table_folder(CONTRACT.name)
    named = {f.path.removeprefix(f"{folder}/"): f for f in files}
    assert delta.swap_day(lake, CONTRACT, day, named, table=None, fingerprint=number, seen=1, complete=True, still_ours=lambda _: True) is not None
    return number


def cover(lake: Lake, application: str, start: str, end: str) -> None:
    """Record that an application was read without gaps from one instant to another."""
    window = Window(dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC), dt.datetime.fromisoformat(end).replace(tzinfo=dt.UTC))
    append(
        lake,
        load_ledger(lake, CONTRACT.name),
        lambda ledger: Manifest(
            number=ledger.last_number + 1,
            dataset=CONTRACT.name,
            source="reports_api",
            application=application,
            fetch_id=f"f{ledger.last_number + 1}",
            kind="fetch",
            purpose="new",
            window=window,
            covered=window,
            started_at=_LANDED,
            landed_at=_LANDED,
            books=FetchBooks(),
        ),
    )
