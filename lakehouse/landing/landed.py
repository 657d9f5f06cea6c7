"""What a ledger is made of: a landed part, and what is known of sweeps, days, files and seals."""

from __future__ import annotations

import datetime as dt

import msgspec

from lakehouse.landing.manifest import Part, SourceFile, Window


class LandedPart(msgspec.Struct, frozen=True):
    """A part with what its manifest says of it: `number` and `fetch_id` of the manifest, when, from where, and its `reference_time`."""

    part: Part
    number: int
    fetch_id: str
    landed_at: dt.datetime
    source: str
    application: str
    reference_time: dt.datetime | None = None


class Sweep(msgspec.Struct, frozen=True):
    """One sweep of one application, finished or not: when it began, when a window of it last landed, what any fetch read since the day it began."""

    started: dt.datetime
    last: dt.datetime
    done: tuple[Window, ...]


class DayReads(msgspec.Struct, frozen=True):
    """What one application was asked for on one day of landing, the newest."""

    day: dt.date
    windows: tuple[Window, ...]


class FileReads(msgspec.Struct, frozen=True):
    """What was read under one name: the hashes of all its contents, and the newest."""

    hashes: tuple[str, ...]
    newest: SourceFile


class Seal(msgspec.Struct, frozen=True):
    """That the raw of a day has expired: the manifest that said so, and when."""

    number: int
    at: dt.datetime
