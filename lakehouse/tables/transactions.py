"""The application transactions of a Delta table, all in one pass.

delta-rs tells them one at a time and reads the whole log for each (5 ms apiece at a hundred days, and two are kept per day), so asking for every day
would cost more than building one. The log says them directly: the newest checkpoint, then the commits after it (Delta protocol, "Transaction
Identifiers" and "Checkpoints").
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

import msgspec
import pyarrow.parquet as pq
from deltalake import DeltaTable

from lakehouse.settings import Lake
from lakehouse.tables.grains import table_folder


class _LastCheckpoint(msgspec.Struct):
    version: int
    parts: int | None = None


def app_transactions(lake: Lake, dataset: str, table: DeltaTable, names: Iterable[str]) -> dict[str, int]:
    """Application id -> version of its newest transaction, as of the version of `table`. Ids without a transaction are left out.

    `names`: the ids that are asked for one by one where the log is not laid out as we write it (several checkpoint files, a checkpoint newer than
    the table that was opened, commits that were cleaned away).
    """
    found = _from_log(lake, f"{table_folder(dataset)}/_delta_log", table.version())
    if found is not None:
        return found
    told = {name: table.transaction_version(name) for name in names}
    return {name: version for name, version in told.items() if version is not None}


def _from_log(lake: Lake, log: str, version: int) -> dict[str, int] | None:
    first, found = 0, dict[str, int]()
    try:
        last = msgspec.json.decode(lake.store.read(f"{log}/_last_checkpoint"), type=_LastCheckpoint)
    except FileNotFoundError:
        last = None
    except msgspec.MsgspecError:
        return None
    try:
        if last is not None:
            if last.version > version or last.parts is not None:
                return None
            first = last.version + 1
            found = _of_checkpoint(lake.store.read(f"{log}/{last.version:020d}.checkpoint.parquet"))
        for number in range(first, version + 1):
            found |= _of_commit(lake.store.read(f"{log}/{number:020d}.json"))
    except FileNotFoundError:
        return None
    return found


def _of_checkpoint(data: bytes) -> dict[str, int]:
    file = pq.ParquetFile(io.BytesIO(data))
    if "txn" not in file.schema_arrow.names:
        return {}
    rows = file.read(columns=["txn"])["txn"].drop_null().to_pylist()
    return {row["appId"]: row["version"] for row in rows if row is not None and row["appId"] is not None}


def _of_commit(data: bytes) -> dict[str, int]:
    actions = (json.loads(line) for line in data.splitlines() if b'"txn"' in line)
    return {a["txn"]["appId"]: a["txn"]["version"] for a in actions if isinstance(a.get("txn"), dict)}
