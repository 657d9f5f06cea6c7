"""What a dataset is: a contract, the transform that makes rows of its records, and where its records come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import polars as pl
import pyarrow as pa

from lakehouse.contracts.model import Contract


@dataclass(frozen=True)
class Records:
    """Decoded records of one block, as a transform gets them.

    `table`: one row per record, typed by the contract's `record`. `line(i)`: the verbatim bytes of record i. `extra`: for the records that hold
    fields that the contract does not name, what they are: record -> JSON object of unknown fields with their raw text
    (`{"networkInfo": b"{...}"}`), nested as in the record.
    """

    table: pa.Table
    line: Callable[[int], bytes]
    extra: Mapping[int, Mapping[str, Any]]


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
class Dataset:
    """A dataset as the house knows it. `engine` is the default of the lake's setting. `showcase`: marts whose first question the demo asks."""

    contract: Contract
    transform: Transform
    source: ReportsApiSource | None
    engine: Literal["polars"] = "polars"
    showcase: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its contract."""
        return self.contract.name
