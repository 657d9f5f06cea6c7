"""The records that clean is made of: accounts of grain results, and builds (a day's list of grain results)."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

import msgspec

from lakehouse.accounts.books import Books
from lakehouse.storage import record

ACCOUNT_FORMAT = 1
T = TypeVar("T")


def decode_record(data: bytes, kind: type[T], where: str) -> T:
    """A record of this module from its JSON. Raises `LakeFormatError`, naming the file, for one that is damaged or of a newer version."""
    return record.decode_record(data, kind, where=where, known=ACCOUNT_FORMAT, remedy="Delete it and build the day again with: lakehouse replay")


class TableFile(msgspec.Struct, frozen=True):
    """A Parquet file of a grain result. `path` is relative to the lake; times are of the event time column (None where the file is empty)."""

    path: str
    rows: int
    size: int
    min_time: dt.datetime | None = None
    max_time: dt.datetime | None = None


class PartBooks(msgspec.Struct, frozen=True):
    """The books of the lines of one part in one grain result."""

    part: str
    fetch_id: str
    number: int
    application: str
    landed_at: dt.datetime
    books: Books


class FieldCount(msgspec.Struct, frozen=True):
    """Census: how often a field was really there. `path` in the manner of `events[].name`, `kind` a JSON type; `declared`: the contract names it."""

    path: str
    kind: str
    count: int
    declared: bool


class GrainAccount(msgspec.Struct, frozen=True):
    """What the clean step made of one grain. Written last: a result without an account does not exist.

    `staged_at`: seconds since the epoch by the system's clock (a lake's own clock may stand still). `lateness`: seconds from event to landing,
    upper bound of the bucket -> rows kept. `key_conflicts`: keys met with other content. `quarantine`: refused lines and rows, and held rows.
    `quarantine_rules`: rule -> refused lines and rows. `filtered_rules`: application -> rule -> rows filtered out. `unknown_values`: "column=value"
    of open vocabularies -> rows.
    """

    dataset: str
    grain: str
    digest: str
    contract_version: int
    transform_version: int
    token_key_id: str
    engine: str
    staged_at: float
    seconds: float
    parts: tuple[PartBooks, ...]
    files: tuple[TableFile, ...]
    quarantine: TableFile | None
    quarantine_rules: dict[str, int]
    census: tuple[FieldCount, ...]
    lateness: dict[int, int]
    key_conflicts: int
    rows_with_extra: int
    unknown_values: dict[str, int]
    filtered_rules: dict[str, dict[str, int]] = {}
    format: int = ACCOUNT_FORMAT

    @property
    def books(self) -> Books:
        """The sum over its parts."""
        return sum((p.books for p in self.parts), Books())


class GrainRef(msgspec.Struct, frozen=True, order=True):
    """A grain result by name."""

    grain: str
    digest: str


class Build(msgspec.Struct, frozen=True):
    """A day's list of grain results. `fingerprint` (63 bits) names it.

    `complete`: coverage had passed the end of the day without holes. `holes`: how many stretches coverage lacked. `seen`: last manifest number read.
    """

    dataset: str
    day: dt.date
    fingerprint: int
    complete: bool
    holes: int
    seen: int
    grains: tuple[GrainRef, ...]
    format: int = ACCOUNT_FORMAT
