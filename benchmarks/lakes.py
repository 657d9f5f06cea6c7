"""Lakes for measuring: given files of activities as raw parts, one manifest each, and lakes that have been fetched into for a long time."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
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
_TIME = re.compile(rb'"time":"([^"]+)"')


def emptied(place: Path) -> Path:
    """A folder that is not there."""
    shutil.rmtree(place, ignore_errors=True)
    return place


def unique_lines(files: Sequence[Path], count: int) -> list[bytes]:
    """The first lines of these files, each once, sorted by time."""
    found: dict[bytes, None] = {}
    for file in files:
        found.update(dict.fromkeys(igzip.decompress(file.read_bytes()).splitlines()))
        if len(found) >= count:
            return sorted(list(found)[:count], key=_time)
    raise RuntimeError(f"the files have {len(found):,} different lines, expected {count:,}. Generate more with --events.")


def stretch_of(lines: Sequence[bytes]) -> Window:
    """The stretch of time in which lines lie that are sorted by time, in whole hours."""
    first, last = (dt.datetime.fromisoformat(_time(line).decode()).replace(minute=0, second=0, microsecond=0) for line in (lines[0], lines[-1]))
    return Window(first, last + dt.timedelta(hours=1))


def _time(line: bytes) -> bytes:
    found = _TIME.search(line)
    if found is None:
        raise RuntimeError(f"a generated line has no time: {line[:100]!r}")
    return found.group(1)


def lake_of_hours(place: Path, files: Sequence[Path], *, zst: bool) -> Lake:
    """A lake at `place` (emptied first) whose raw is these files `<day>/part_<hour>.jsonl.gz`, verbatim, or packed anew as zst."""
    emptied(place)
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
    land_part(lake, start, data, suffix, number=number, lines=text.count(b"\n"), raw_bytes=len(text))


def land_part(lake: Lake, start: dt.datetime, data: bytes, suffix: str, *, number: int, lines: int, raw_bytes: int, ids: bytes = b"") -> None:
    """Land one packed part of the hour that begins at `start`, with the manifest of a fetch of that hour. `ids`: the identities of its lines."""
    folder = f"raw/{DATASET}/date={start.date()}/hour={start.hour:02d}"
    path = f"{folder}/bench-{number:04d}.jsonl.{suffix}"
    lake.store.create(path, data)
    lake.store.create(f"{folder}/bench-{number:04d}.ids", ids)
    grain = f"{start:%Y-%m-%dT%H}"
    part = Part(path, f"{folder}/bench-{number:04d}.ids", grain, lines, len(data), raw_bytes, hashlib.sha256(data).hexdigest())
    window = Window(start, start + dt.timedelta(hours=1))

    def manifest(follows: Ledger) -> Manifest:
        return Manifest(
            number=follows.last_number + 1,
            dataset=DATASET,
            source="bench",
            application="token",
            fetch_id=f"{window.end:%Y%m%dT%H%M%SZ}-token-{number:08x}",
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
