"""Lakes for measuring: given files of activities as raw parts, one manifest each."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import zstandard
from isal import igzip

from lakehouse.accounts.books import FetchBooks
from lakehouse.landing.commit import append
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest, Part, Window
from lakehouse.landing.state import Ledger
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake

DATASET = "workspace_audit"


def lake_of_hours(place: Path, files: Sequence[Path], *, zst: bool) -> Lake:
    """A lake at `place` (emptied first) whose raw is these files `<day>/part_<hour>.jsonl.gz`, verbatim, or packed anew as zst."""
    shutil.rmtree(place, ignore_errors=True)
    first = min(dt.date.fromisoformat(f.parent.name) for f in files)
    last = max(dt.date.fromisoformat(f.parent.name) for f in files)
    lake = open_lake(place)
    clock = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(1), tzinfo=dt.UTC)
    lake = lake.with_settings(LakeSettings(clock=clock, datasets={DATASET: DatasetSettings(start=first, source={"applications": ["token"]})}))
    for number, file in enumerate(files, start=1):
        _land(lake, file, number, zst=zst)
    return lake


def _land(lake: Lake, file: Path, number: int, *, zst: bool) -> None:
    day, hour = dt.date.fromisoformat(file.parent.name), int(file.name[5:7])
    start = dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)
    packed = file.read_bytes()
    text = igzip.decompress(packed)
    data, suffix = (zstandard.ZstdCompressor(level=3).compress(text), "zst") if zst else (packed, "gz")
    folder = f"raw/{DATASET}/date={day}/hour={hour:02d}"
    path = f"{folder}/bench-{number:04d}.jsonl.{suffix}"
    lake.store.create(path, data)
    lines = text.count(b"\n")
    part = Part(path, f"{folder}/bench-{number:04d}.ids", f"{day}T{hour:02d}", lines, len(data), len(text), hashlib.sha256(data).hexdigest())
    window = Window(start, start + dt.timedelta(hours=1))

    def manifest(follows: Ledger) -> Manifest:
        return Manifest(
            number=follows.last_number + 1,
            dataset=DATASET,
            source="bench",
            application="token",
            fetch_id=f"bench-{number:04d}",
            kind="fetch",
            purpose="new",
            window=window,
            covered=window,
            started_at=window.end,
            landed_at=window.end,
            books=FetchBooks(read=lines, placed=lines),
            parts=(part,),
        )

    append(lake, load_ledger(lake, DATASET), manifest)
