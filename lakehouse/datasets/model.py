"""What a dataset is: a contract, the transform that makes rows of its records, and where its records come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from lakehouse.contracts.model import Column, Contract
from lakehouse.contracts.windows import EventWindows


@dataclass(frozen=True)
class Records:
    """Decoded records of one block, as a transform gets them.

    `table`: one row per record, typed by the contract's `record`. `line(i)`: the verbatim bytes of record i. `extra`: for the records that hold
    fields that the contract does not name, what they are: record -> JSON object of unknown fields with their raw text
    (`{"networkInfo": b"{...}"}`), nested as in the record. `repeats`: where the contract numbers repeated lines, for each record which of
    the identical lines of its file it is, from 1.
    """

    table: pa.Table
    line: Callable[[int], bytes]
    extra: Mapping[int, Mapping[str, Any]]
    repeats: npt.NDArray[np.int64] | None = None


class Transform(Protocol):
    """A pure function from records to rows.

    The frame has all columns of the contract with their types (a PII column still in plain text), `_extra` (JSON text or null) and `_record`
    (UInt32: index into `records.table`; the rows of a record stand together, in their order). A record without rows is legal: the kernel books
    it. A value that cannot be what its column wants is null in the column and named in `_faults` (list of "rule:column"), which quarantines the
    row. `_filtered` (a rule, or null) marks rows to leave out, which the books count.
    """

    def __call__(self, records: Records, contract: Contract) -> pl.DataFrame:
        """Rows of a block of records."""
        ...


@dataclass(frozen=True)
class ReportsApiSource:
    """Events of the Google Admin SDK Reports API: a source by time.

    `applications` is the default of the lake's setting `applications`. `retention`: how far back the API answers. `window`: what one fetch asks for.
    `margin`: how close to now a window may end and count as covered.
    """

    applications: tuple[str, ...]
    retention: dt.timedelta = dt.timedelta(days=180)
    window: dt.timedelta = dt.timedelta(hours=1)
    margin: dt.timedelta = dt.timedelta(seconds=30)
    name: Literal["reports_api"] = "reports_api"


@dataclass(frozen=True)
class JsonLines:
    """One JSON value per line; blank lines land too and are booked."""


@dataclass(frozen=True)
class JsonDocument:
    """One JSON document with the records in the array at a dotted path (empty: the document itself is the array). Each record lands verbatim."""

    records: str = ""


@dataclass(frozen=True)
class Csv:
    """CSV, UTF-8 with or without a byte-order mark. A row lands as a JSON object of strings in header order.

    `header`: the names of the columns for files that have none; None: the first line of each file names them. A field may hold `quote`d newlines.
    A row that cannot be split into as many fields as the header has lands as `{"_raw": "..."}` and is quarantined.
    """

    delimiter: str = ","
    quote: str = '"'
    header: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CombinedLog:
    """Lines of an access log in the combined (or common) format.

    A line lands as a JSON object of strings: `host`, `ident`, `user`, `time` (`17/May/2015:10:05:03 +0000`), `request`, `status`, `size`,
    `referer`, `agent`, each as it stands in the line (`-` stays `-`). What is no such line lands as `{"_raw": "..."}`.
    """


FileFormat = JsonLines | JsonDocument | Csv | CombinedLog


@dataclass(frozen=True)
class Feed:
    """One kind of files of a dataset.

    `patterns`: globs on the path below the dataset's inbox (`*.csv`, `exports/**/orders*.csv`); `.gz` and `.zst` behind them are always taken too.
    A file belongs to the first feed that takes it. The name of the feed is the `application` of its manifests and parts.
    """

    name: str
    patterns: tuple[str, ...]
    format: FileFormat


@dataclass(frozen=True)
class FileSource:
    """Files of a folder or bucket prefix, the dataset's inbox: a source by position.

    The inbox is the lake's setting `datasets.<name>.source.inbox` (default: `inbox/<name>` in the lake). `settle`: a file that changed less than
    this ago may still be written and is left for the next look. `lateness`: how long after its newest event a feed may still tell of an older one;
    coverage of a feed ends at its newest event minus this.
    """

    feeds: tuple[Feed, ...]
    settle: dt.timedelta = dt.timedelta(seconds=10)
    lateness: dt.timedelta = dt.timedelta(hours=24)
    name: Literal["files"] = "files"

    @property
    def applications(self) -> tuple[str, ...]:
        """The names of the feeds."""
        return tuple(feed.name for feed in self.feeds)


Source = ReportsApiSource | FileSource


@dataclass(frozen=True)
class Dimension:
    """Things that the events of a dataset are about, told in files of their own: songs, facilities, carriers. Marts read it as a table of its name.

    `patterns`: as of a `Feed`; a file that they take is no file of a feed. `columns`: the `path` of each names the field of the record that it is; a
    text is read as what its column wants, an empty text is none. `key`: columns that make two rows the same thing; of rows with an equal key the
    highest `version_column` wins, then content decides, never the order of arrival. `valid_from`: a column of the key, a date or timestamp, for
    things that change: each row holds from then until the next of the same thing begins, which the column `valid_to` tells (null: it still holds).
    `version`: raise it when the columns mean something else.
    """

    name: str
    description: str
    patterns: tuple[str, ...]
    format: FileFormat
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    version_column: str | None = None
    valid_from: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        types = {c.name: c.type for c in self.columns}
        named = (*self.key, *(c for c in (self.version_column, self.valid_from) if c is not None))
        lost = [name for name in named if name not in types]
        if lost or not self.key:
            raise ValueError(f"dimension {self.name}: {lost} are named as key, version or beginning but are not columns, or there is no key")
        empty = [c.name for c in self.columns if c.name in self.key and c.nullable]
        if empty:
            raise ValueError(f"dimension {self.name}: {empty} are part of the key and must not be nullable")
        if self.valid_from is not None and (self.valid_from not in self.key or types[self.valid_from] not in ("date", "timestamp")):
            raise ValueError(f"dimension {self.name}: {self.valid_from!r} must be a date or timestamp of the key, so that the rows of a thing follow")
        pathless = [c.name for c in self.columns if c.path is None]
        if pathless:
            raise ValueError(f"dimension {self.name}: {pathless} do not say which field of the record they are")

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """All columns that marts may read: its own, `valid_to` where it has a beginning, and where a row comes from."""
        until: tuple[Column, ...] = ()
        if self.valid_from is not None:
            kind = next(c.type for c in self.columns if c.name == self.valid_from)
            until = (Column("valid_to", kind, "First instant at which the next row of the same thing holds; null where it still holds."),)
        return (*self.columns, *until, *DIMENSION_PROVENANCE)

    @property
    def feed(self) -> Feed:
        """Its files, as a feed is told."""
        return Feed(self.name, self.patterns, self.format)


DIMENSION_PROVENANCE = (
    Column("_file", "string", "File that the row is from.", nullable=False),
    Column("_line", "int64", "Record of the file, from 1.", nullable=False),
)


@dataclass(frozen=True)
class Trend:
    """A chart of a report: for each `mart_date` of a mart the `measure`, an SQL aggregate of its rows.

    `by`: a column, a line for each of its values (the largest ones). `where`: SQL that holds for the rows that count.
    """

    title: str
    mart: str
    measure: str
    by: str | None = None
    where: str = "true"


@dataclass(frozen=True)
class Dataset:
    """A dataset as the house knows it.

    `engine` is the default of the lake's setting. `showcase`: marts whose first question the demo asks. `mart_variables`: variables of its dbt
    models, each with the lake's setting `datasets.<name>.source.<setting>` that gives its value (null where the lake says nothing).
    `dimensions`: what its marts know beside events, from files of the same inbox.
    `shown`: columns that tell in short what a clean row is. `windows`: key figures over time that batch makes marts of and a stream will tell.
    `top_values`: text columns of clean whose frequent values its report shows to whoever reads it; of personal ones only those that hold nothing
    but tokens (`pii="email"`). `trends`: charts of its marts there.
    """

    contract: Contract
    transform: Transform
    source: Source | None
    engine: Literal["polars"] = "polars"
    showcase: tuple[str, ...] = ()
    mart_variables: Mapping[str, str] = field(default_factory=dict)
    dimensions: tuple[Dimension, ...] = ()
    shown: tuple[str, ...] = ()
    windows: tuple[EventWindows, ...] = ()
    top_values: tuple[str, ...] = ()
    trends: tuple[Trend, ...] = ()

    def __post_init__(self) -> None:
        shown = {c.name for c in self.contract.columns if c.type == "string" and c.pii in (None, "email")}
        odd = [name for name in self.top_values if name not in shown]
        if odd:
            raise ValueError(f"dataset {self.name}: top_values {odd} must be text columns of the contract without personal data, or with tokens only")

    @property
    def name(self) -> str:
        """The name of its contract."""
        return self.contract.name
