"""The audit between a grain result and its commit: the driver trusts no account, it reads the files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.settings import Lake
from lakehouse.tables.records import GrainAccount, TableFile


def audit_grain(lake: Lake, contract: Contract, grain: Grain, account: GrainAccount, landed: Mapping[str, int], *, read_files: bool) -> Iterator[str]:
    """What is wrong with a grain result, in sentences; nothing when it may be committed.

    `landed`: part of the grain -> lines that its manifest says it has. `read_files`: also read the files (those of results that are not committed).
    """
    yield from _audit_parts(grain, account, landed)
    yield from _audit_counts(grain, account)
    yield from _audit_order(grain, account.files)
    if read_files:
        for file in account.files:
            yield from _audit_file(lake, contract, grain, file)
        if account.quarantine:
            yield from _audit_rows(lake, grain, account.quarantine)


def _audit_parts(grain: Grain, account: GrainAccount, landed: Mapping[str, int]) -> Iterator[str]:
    told = sorted(part.part for part in account.parts)
    if told != sorted(landed):
        yield f"{grain.key}: its account tells of the parts {told}, landed were {sorted(landed)}"
    for part in account.parts:
        lines, rows = part.books.differences()
        if lines or rows:
            yield f"{grain.key}: the books of {part.part} do not close: lines differ by {lines}, rows by {rows} ({part.books})"
        if part.books.lines != landed.get(part.part, part.books.lines):
            counts = f"{landed[part.part]} lines by its manifest, {part.books.lines} were read"
            yield f"{grain.key}: {part.part} has {counts}. Restore the part from a backup"


def _audit_counts(grain: Grain, account: GrainAccount) -> Iterator[str]:
    books = account.books
    written = sum(f.rows for f in account.files)
    if grain.kind == "unplaced" and written:
        yield f"{grain.key}: unplaced lines are quarantined only, but {written} rows were kept"
    if written != books.kept:
        yield f"{grain.key}: {books.kept} rows were kept, the files have {written}"
    aside = account.quarantine.rows if account.quarantine else 0
    if aside != books.quarantined + books.unreadable + books.held:
        told = f"{books.quarantined} rows and {books.unreadable} lines were put aside and {books.held} rows held"
        yield f"{grain.key}: {told}, the quarantine has {aside}"


def _audit_order(grain: Grain, files: Sequence[TableFile]) -> Iterator[str]:
    """Files of one result are stretches of time one after the other; otherwise a key could be in two of them."""
    for earlier, later in pairwise(files):
        if earlier.max_time is None or later.min_time is None or earlier.max_time >= later.min_time:
            yield f"{grain.key}: {earlier.path} ends at {earlier.max_time}, but {later.path} begins at {later.min_time}, expected later"


def _open(lake: Lake, grain: Grain, file: TableFile, faults: list[str]) -> pq.ParquetFile | None:
    """The file, if it is one and as large as its account says; else why not, in `faults`."""
    try:
        data = lake.store.read(file.path)
        reader = pq.ParquetFile(io.BytesIO(data))
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        faults.append(f"{grain.key}: {file.path} cannot be read: {str(error).splitlines()[0]}")
        return None
    if len(data) != file.size:
        faults.append(f"{grain.key}: {file.path} has {len(data)} bytes, its account says {file.size}")
    if reader.metadata.num_rows != file.rows:
        faults.append(f"{grain.key}: {file.path} has {reader.metadata.num_rows} rows, its account says {file.rows}")
    return reader


def _audit_rows(lake: Lake, grain: Grain, file: TableFile) -> Iterator[str]:
    faults: list[str] = []
    _open(lake, grain, file, faults)
    yield from faults


def _audit_file(lake: Lake, contract: Contract, grain: Grain, file: TableFile) -> Iterator[str]:
    faults: list[str] = []
    reader = _open(lake, grain, file, faults)
    yield from faults
    if reader is None:
        return
    expected = [c.name for c in contract.table_columns[:-1]]
    if reader.schema_arrow.names != expected:
        yield f"{grain.key}: {file.path} has the columns {reader.schema_arrow.names}, the contract says {expected}"
        return
    keys: Any = reader.read(columns=list(contract.key))
    if grain.kind != "unplaced" and not contract.rows_span_days and keys.num_rows:
        times: Any = pc.min_max(keys[contract.event_time]).as_py()
        if times["min"] < grain.start or times["max"] >= grain.end:
            yield f"{grain.key}: {file.path} has events from {times['min']} to {times['max']}, outside the grain"
    distinct = _distinct(keys)
    if distinct != keys.num_rows:
        yield f"{grain.key}: {file.path} has {keys.num_rows} rows but {distinct} keys"


def _distinct(keys: pa.Table) -> int:
    return int(pl.DataFrame(keys).select(pl.struct(pl.all()).n_unique()).item())
