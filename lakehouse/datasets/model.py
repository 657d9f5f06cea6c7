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

from lakehouse.contracts.model import Contract


@dataclass(frozen=True)
class Records:
    """Decoded records of one block, as a transform gets them.

    `table`: one row per record, typed by the contract's `record`. `line(i)`: the verbatim bytes of record i. `extra`: for the records that hold
    fields that the contract does not name, what they are: record -> JSON object of unknown fields with their raw text
    (`{"networkInfo": b"{...}"}`), nested as in the record. `repeats`: where the contract numbers repeated lines, for each record the how-manieth
    identical line of its file it is, from 1.
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
class Dataset:
    """A dataset as the house knows it.

    `engine` is the default of the lake's setting. `showcase`: marts whose first question the demo asks. `mart_variables`: variables of its dbt
    models, each with the lake's setting `datasets.<name>.source.<setting>` that gives its value (null where the lake says nothing).
    """

    contract: Contract
    transform: Transform
    source: Source | None
    engine: Literal["polars"] = "polars"
    showcase: tuple[str, ...] = ()
    mart_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its contract."""
        return self.contract.name
