"""The records that raw is made of: parts and manifests (the commit log of ingestion)."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec

from lakehouse.accounts.books import FetchBooks

MANIFEST_FORMAT = 1
Kind = Literal["fetch", "redrive", "release", "retention", "erasure", "compaction"]
Purpose = Literal["new", "overlap", "daily_sweep", "weekly_sweep", "backfill", "redrive", "release", "retention", "erasure", "compaction"]
# Why a fetch reads again what had been read: what it meets for the first time is late. A first reading says nothing of that, whenever it runs.
READS_AGAIN: frozenset[Purpose] = frozenset({"overlap", "daily_sweep", "weekly_sweep"})


class Window(msgspec.Struct, frozen=True):
    """A stretch of time that a source was asked for: start inclusive, end exclusive, UTC."""

    start: dt.datetime
    end: dt.datetime


class LineRef(msgspec.Struct, frozen=True, order=True):
    """One line of raw: the path of its part (relative to the lake) and the line number, from 1."""

    part: str
    line: int


class SourceFile(msgspec.Struct, frozen=True):
    """A file that was read by position: its name (the path below the inbox or the folder that was named) and where it was read.

    `sha256` and `size` (bytes) are of the file as it lies there, compressed or not; `modified`: when it was written last.
    """

    name: str
    url: str
    sha256: str
    size: int
    modified: dt.datetime


class Part(msgspec.Struct, frozen=True):
    """The lines of one fetch that fall into one grain.

    `path` names it for ever, and is where its bytes were written first. `stored` and `offset` say where they are now: another file, and where in it
    they begin ("": at `path`). `path`, `stored`, `ids` and `pos` are relative to the lake; `grain` is a `Grain.key`. `size` and `sha256` are of its
    stored (compressed) bytes. `raw_bytes`: uncompressed size. `min_time`, `max_time`: of the records, None in an unplaced part. `ids`: of a source by
    time; `pos`: of a source by position (see `landing.positions`); empty where there is none.
    """

    path: str
    ids: str
    grain: str
    lines: int
    size: int
    raw_bytes: int
    sha256: str
    min_time: dt.datetime | None = None
    max_time: dt.datetime | None = None
    pos: str = ""
    stored: str = ""
    offset: int = 0

    @property
    def file(self) -> str:
        """The file that holds its bytes now, relative to the lake."""
        return self.stored or self.path


class Move(msgspec.Struct, frozen=True):
    """Where the bytes of a part are from now on. `part` is its path, which stays its name; the rest is as in `Part`.

    `ids`: the identity file that holds its identities from now on, "" where that stays. `erased`: numbers of its lines whose text is gone.
    """

    part: str
    stored: str
    offset: int
    size: int
    sha256: str
    raw_bytes: int
    ids: str = ""
    erased: tuple[int, ...] = ()


class Manifest(msgspec.Struct, frozen=True):
    """The commit record of one fetch: one window of one application of one source, read to its end.

    `number` is its place in the log. `window` is what was asked for, `covered` what may now count as read without gaps (it ends before
    `window` does when the source was asked up to now). `landed_at` is the lake's clock when the parts were written. `lateness` is a
    histogram of first sightings: upper bound of the bucket in seconds behind the newest instant read before -> count (0: inside new coverage).
    `http` holds counters of the source client. `supersedes` is for redrives. `routing` is the version of the rule that chose the grains.
    `reference_time`: of a fetch that read again what had been read, the newest instant of the application read before it; events older than that
    by more than the contract allows are held. None for every other. `releases`: paths of parts whose held rows are admitted (no source, no books).
    `sealed`: the days whose raw expired with this manifest (retention). `file`: what was read, of a source of files. `moves`: parts whose bytes were
    written anew elsewhere (compaction, erasure). `who`, `reason`: of an erasure, the user of the system who asked for it, and why. `erased_ids`: the
    identities (hexadecimal) of the lines that it erased of sources by position, which have no identity files.
    """

    number: int
    dataset: str
    source: str
    application: str
    fetch_id: str
    kind: Kind
    purpose: Purpose
    window: Window | None
    covered: Window | None
    started_at: dt.datetime
    landed_at: dt.datetime
    books: FetchBooks
    parts: tuple[Part, ...] = ()
    lateness: dict[int, int] = msgspec.field(default_factory=dict)
    late_recovered: int = 0
    order_violations: int = 0
    supersedes: tuple[LineRef, ...] = ()
    sealed: tuple[dt.date, ...] = ()
    http: dict[str, Any] = msgspec.field(default_factory=dict)
    run_id: str | None = None
    routing: int = 1
    reference_time: dt.datetime | None = None
    releases: tuple[str, ...] = ()
    file: SourceFile | None = None
    moves: tuple[Move, ...] = ()
    who: str | None = None
    reason: str | None = None
    erased_ids: tuple[str, ...] = ()
    format: int = MANIFEST_FORMAT
