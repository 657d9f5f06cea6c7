"""The words that a contract is written in."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from lakehouse.contracts.policies import DriftPolicy, LatenessBy

Conflict = Literal["quarantine", "extra"]


# --- the JSON of a record -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JsonText:
    """A string; where `numbers` is set, a number is taken as its own text (an API that writes int64 both ways)."""

    numbers: bool = False


@dataclass(frozen=True)
class JsonInt:
    """An integer that fits into 64 bits."""


@dataclass(frozen=True)
class JsonFloat:
    """Any JSON number."""


@dataclass(frozen=True)
class JsonBool:
    """true or false."""


@dataclass(frozen=True)
class JsonList:
    """A list of one type."""

    item: JsonType


@dataclass(frozen=True)
class JsonObject:
    """An object. Fields that it does not name are kept in `_extra`."""

    fields: tuple[JsonField, ...]

    def field(self, name: str) -> JsonField | None:
        """The declared field of that name, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, JsonField]:
        return {f.name: f for f in self.fields}


JsonType = JsonText | JsonInt | JsonFloat | JsonBool | JsonList | JsonObject


@dataclass(frozen=True)
class JsonField:
    """One field of an object.

    `required`: its absence (or null) quarantines the record. `on_conflict`: what becomes of a value of another type:
    the record is quarantined with rule `changed_type`, or only the value goes to `_extra`. `masked`: follows the fetch and not the
    event (such as `etag`): left out of the identity of a line and of clean.
    """

    name: str
    type: JsonType = JsonText()
    required: bool = False
    on_conflict: Conflict = "quarantine"
    masked: bool = False


# --- the columns of the clean table ---------------------------------------------------------------------------------

ScalarType = Literal["string", "int64", "float64", "bool", "date", "timestamp"]  # timestamp: microseconds, UTC


@dataclass(frozen=True)
class ListType:
    """A list column."""

    item: ColumnType


@dataclass(frozen=True)
class StructType:
    """A struct column: (name, type) pairs."""

    fields: tuple[tuple[str, ColumnType], ...]


@dataclass(frozen=True)
class DecimalType:
    """An exact number, for money: so many digits in all, so many of them behind the point."""

    precision: int
    scale: int


ColumnType = ScalarType | DecimalType | ListType | StructType


@dataclass(frozen=True)
class Column:
    """One column of the clean table.

    `path` says where in the record it comes from, for readers and for `explain` (`events[].parameters[api_name]`).
    `pii="email"`: stored as a keyed token; `"identity"`: so where it is an address, an opaque id stays. `allowed` is an open vocabulary
    when `open_vocabulary` is set: an unknown value is reported, not refused. `minimum` and `maximum` are inclusive.
    `pattern` is a regular expression that the whole value must match.
    """

    name: str
    type: ColumnType
    description: str
    path: str | None = None
    nullable: bool = True
    pii: Literal["email", "identity"] | None = None
    allowed: tuple[str, ...] | None = None
    open_vocabulary: bool = False
    minimum: int | float | None = None
    maximum: int | float | None = None
    pattern: str | None = None
    unit: str | None = None


PROVENANCE: tuple[Column, ...] = (
    Column("_fetch_id", "string", "Fetch that landed the line.", nullable=False),
    Column("_part", "string", "Raw part, relative to the lake, that holds the line.", nullable=False),
    Column("_line", "int64", "Line of the part, from 1.", nullable=False),
    Column("_landed_at", "timestamp", "When the part was landed.", nullable=False),
    Column("_contract_version", "int64", "Version of the contract that made the row.", nullable=False),
)
EXTRA = Column("_extra", "string", "JSON object: what the record held that no column claims, cut from the raw text, e-mail addresses tokenised.")
PARTITION = Column("event_date", "date", "Partition: the UTC date of the grain that holds the record.", nullable=False)


class HasColumns(Protocol):
    """What rows are checked against: a contract, or a dimension."""

    def __hash__(self) -> int:
        """Schemas are made once for each."""
        ...

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its own columns."""
        ...


_TAG = re.compile(r"[A-Za-z0-9_.-]{1,63}")


@dataclass(frozen=True)
class RecordTime:
    """Where the time of a record stands (dotted path), and how it is written.

    `format`: `rfc3339` (the default, see `contracts.times`), `epoch_s`, `epoch_ms`, `epoch_us` or `epoch_ns` (whole numbers, bare or in quotes;
    `1.5E+12` is none), `epoch_float` (seconds, whole or with a fraction; `record` declares such a number as `JsonText(numbers=True)`, so that it is
    read as it is written), or a pattern of `datetime.strptime`, which counts as UTC where it names no zone.
    """

    path: str
    format: str = "rfc3339"


@dataclass(frozen=True)
class Contract:
    """The declaration of one dataset: its grain, key, columns, lateness, PII and versions. Nothing about a column is written twice.

    `record` is the JSON that the producer writes; `columns` are the columns of the clean table without partition, provenance and `_extra`.
    `key` names columns and must include `event_time`. `version_column`: of rows with an equal key the highest wins, before content decides.
    `allowed_lateness`: a row that arrives later than that after its event is held, not lost (None: never). It arrives at its `ingest_time`, a column
    that tells when the producer's system took the event in; where there is none, at the reference time of its fetch (see `landing.manifest`).
    `allowed_lateness_by`: what differs from it by kind of event.
    `times`: where the record's time stands, by which lines are routed to grains; of several (feeds that are written differently) the first that is
    there. `history`: how long before a lake was made its records may be of, where the lake sets no `start`. `numbered_repeats`: identical lines of
    one file are rows of their own: the transform finds the number of each among its likes in `Records.repeats`, to make it part of the key.
    `libraries`: distributions whose versions make values of columns (rules that are published as a package): they are part of every digest, so that
    another version is another result.
    """

    name: str
    title: str
    description: str
    grain: Literal["hour", "day"]
    record: JsonObject
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event_time: str
    times: tuple[RecordTime, ...]
    version: int
    transform_version: int
    owners: tuple[str, ...]
    id_columns: tuple[str, ...] = ()
    version_column: str | None = None
    allowed_lateness: dt.timedelta | None = None
    allowed_lateness_by: LatenessBy | None = None
    ingest_time: str | None = None
    rows_span_days: bool = False
    numbered_repeats: bool = False
    libraries: tuple[str, ...] = ()
    drift: DriftPolicy = field(default_factory=DriftPolicy)
    freshness: dt.timedelta = dt.timedelta(hours=6)
    history: dt.timedelta = dt.timedelta(days=7305)
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        folded = [c.name.casefold() for c in self.table_columns]  # Delta tells no capitals apart
        if len(set(folded)) != len(folded):
            raise ValueError(f"contract {self.name}: a column is declared twice, or has the name of a column that every table has")
        named = (*self.key, self.event_time, *self.id_columns, *(c for c in (self.version_column, self.ingest_time) if c is not None))
        missing = [k for k in named if k not in names]
        if missing:
            raise ValueError(f"contract {self.name}: {missing} are named as key, id, version, event time or ingest time but are not columns")
        if self.column(self.event_time).type != "timestamp":
            raise ValueError(f"contract {self.name}: the event time {self.event_time!r} must be a timestamp")
        if self.ingest_time is not None and self.column(self.ingest_time).type != "timestamp":
            raise ValueError(f"contract {self.name}: the ingest time {self.ingest_time!r} must be a timestamp")
        if self.allowed_lateness_by is not None:
            self._check_lateness(self.allowed_lateness_by)
        personal = [c.name for c in self.columns if c.pii is not None and c.type != "string"]
        if personal:
            raise ValueError(f"contract {self.name}: {personal} hold personal data, which is tokenised in string columns only")
        bad = [f"{key}={value}" for key, value in self.tags if not _TAG.fullmatch(key) or not _TAG.fullmatch(value)]
        if bad:
            raise ValueError(f"contract {self.name}: tags {bad} are none for a catalogue: expected up to 63 letters, digits, `_`, `-` and `.`")
        if self.event_time not in self.key:
            raise ValueError(f"contract {self.name}: the event time {self.event_time!r} must be in the key, so that duplicates lie in one grain")
        lost = [time.path for time in self.times if not _leads_to_scalar(self.record, time.path.split("."))]
        if lost or not self.times:
            raise ValueError(f"contract {self.name}: times {lost} lead to no text or number of the record: every line would be unplaced")

    def _check_lateness(self, by: LatenessBy) -> None:
        values = [value for value, _ in by.allowed]
        column = next((c for c in self.columns if c.name == by.column), None)
        if column is None or column.type != "string":
            raise ValueError(f"contract {self.name}: the allowed lateness goes by {by.column!r}, which is no string column")
        known = values if column.allowed is None else column.allowed
        if len(set(values)) != len(values) or not set(values) <= set(known):
            raise ValueError(f"contract {self.name}: the allowed lateness names a value of {by.column!r} twice, or one that the column cannot have")

    @property
    def lateness_told(self) -> str:
        """The allowed lateness, in words for documentation: `1 day, 0:00:00 (driver.position: 2:00:00, flight.leg.exported: any)`."""
        by = self.allowed_lateness_by.allowed if self.allowed_lateness_by is not None else ()
        usual, *others = ["any" if allowed is None else str(allowed) for allowed in (self.allowed_lateness, *(allowed for _, allowed in by))]
        return f"{usual} ({', '.join(f'{value}: {told}' for (value, _), told in zip(by, others, strict=True))})" if by else usual

    @property
    def holds_late(self) -> bool:
        """Whether there are rows that are held when they come late."""
        return self.allowed_lateness is not None or (
            self.allowed_lateness_by is not None and any(allowed is not None for _, allowed in self.allowed_lateness_by.allowed)
        )

    def column(self, name: str) -> Column:
        """The column of that name; `KeyError` when there is none."""
        for column in self.table_columns:
            if column.name == name:
                return column
        raise KeyError(f"contract {self.name} has no column {name!r}")

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """All columns of the clean table, in order: the contract's, `_extra`, provenance, partition."""
        return (*self.columns, EXTRA, *PROVENANCE, PARTITION)

    @property
    def routed_by(self) -> str:
        """The places of the record's time, in words for documentation."""
        return " or ".join(f"`{time.path}`" for time in self.times)

    @property
    def content_columns(self) -> tuple[str, ...]:
        """Names of the columns that make up the content of a row (all but provenance)."""
        return (*(c.name for c in self.columns), EXTRA.name)


def _leads_to_scalar(kind: JsonType, path: list[str]) -> bool:
    if not path:
        return isinstance(kind, JsonText | JsonInt | JsonFloat)
    field = kind.field(path[0]) if isinstance(kind, JsonObject) else None
    return field is not None and _leads_to_scalar(field.type, path[1:])
