"""The application transactions of a Delta table, all in one pass.

delta-rs tells them one at a time and reads the whole log for each (5 ms apiece at a hundred days, and two are kept per day), so asking for every day
would cost more than building one. The log says them directly: the newest checkpoint, then the commits after it (Delta protocol, "Transaction
Identifiers" and "Checkpoints").
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from lakehouse.settings import Lake
from lakehouse.tables.grains import table_folder


class _LastCheckpoint(msgspec.Struct):
    version: int
    parts: int | None = None


def commit_path(dataset: str, version: int) -> str:
    """Where the log keeps the commit that made a version of the table, relative to the lake."""
    return f"{table_folder(dataset)}/_delta_log/{version:020d}.json"


def app_transactions(lake: Lake, dataset: str, table: DeltaTable, names: Iterable[str]) -> dict[str, int]:
    """Application id -> version of its newest transaction, as of the version of `table`. Ids without a transaction are left out.

    `names`: the ids that are asked for one by one where the log is not laid out as we write it (several checkpoint files, a checkpoint newer than
    the table that was opened, commits that were cleaned away).
    """
    found = _from_log(lake, dataset, table.version())
    if found is not None:
        return found
    told = {name: table.transaction_version(name) for name in names}
    return {name: version for name, version in told.items() if version is not None}


def newest_transactions(lake: Lake, dataset: str) -> dict[str, int] | None:
    """The same of the table as it stands now, which need not be opened for it: that takes the time of reading all its files' entries.

    None where the log does not tell it: there is no table, it is not laid out as we write it, or it is damaged. Opening the table tells which.
    """
    return _from_log(lake, dataset, None)


def _from_log(lake: Lake, dataset: str, version: int | None) -> dict[str, int] | None:
    """As of a version; None: of the newest, which is the last of the commits without a gap."""
    log = f"{table_folder(dataset)}/_delta_log"
    try:
        last = msgspec.json.decode(lake.store.read(f"{log}/_last_checkpoint"), type=_LastCheckpoint)
    except FileNotFoundError:
        last = None
    except msgspec.MsgspecError:
        return None
    try:
        if last is None:
            return _of_commits(lake, dataset, 0, version)
        if last.parts is not None or (version is not None and last.version > version):
            return None
        summed_up = _of_checkpoint(lake.store.read(f"{log}/{last.version:020d}.checkpoint.parquet"))
        return {**summed_up, **_of_commits(lake, dataset, last.version + 1, version)}
    except (FileNotFoundError, ValueError):  # cleaned away, or damaged
        return None


def _of_commits(lake: Lake, dataset: str, first: int, version: int | None) -> dict[str, int]:
    """`FileNotFoundError` for a commit that is missing, `ValueError` for one that is damaged."""
    found: dict[str, int] = {}
    for number in itertools.count(first) if version is None else range(first, version + 1):
        try:
            data = lake.store.read(commit_path(dataset, number))
        except FileNotFoundError:
            if version is not None or not number or _goes_on(lake, dataset, number):
                raise
            break
        found |= _of_commit(data)
    return found


def _goes_on(lake: Lake, dataset: str, missing: int) -> bool:
    """Whether there are commits after one that is missing: it was lost, or cleaned away since the checkpoint was looked up."""
    folder, _, name = commit_path(dataset, missing).rpartition("/")
    return any(later.endswith(".json") for later in lake.store.files(folder, after=name))


@lru_cache(maxsize=1)  # while a day is built the same one is read four times
def _of_checkpoint(data: bytes) -> Mapping[str, int]:
    """`ValueError` for one that is damaged."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        if "txn" not in file.schema_arrow.names:
            return {}
        rows = file.read(columns=["txn.appId", "txn.version"], use_threads=False).flatten()
    except OSError as error:  # what pyarrow says of a damaged footer
        raise ValueError(str(error)) from error
    pairs = zip(rows["txn.appId"].to_pylist(), rows["txn.version"].to_pylist(), strict=True)
    return {name: version for name, version in pairs if name is not None and version is not None}


def _of_commit(data: bytes) -> dict[str, int]:
    actions = (json.loads(line) for line in data.splitlines() if b'"txn"' in line)
    return {a["txn"]["appId"]: a["txn"]["version"] for a in actions if isinstance(a.get("txn"), dict)}
