"""The Delta table of a dataset: made once, opened, swapped file by file in one commit."""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lakehouse.contracts.model import PARTITION, Contract
from lakehouse.contracts.types import table_schema
from lakehouse.errors import ConflictError, LakeFormatError, LakehouseError
from lakehouse.settings import Lake
from lakehouse.storage import StoreError, said
from lakehouse.storage.failpoints import fail_point
from lakehouse.tables.grains import table_folder
from lakehouse.tables.records import TableFile
from lakehouse.tables.transactions import app_transactions, commit_path

log = logging.getLogger(__name__)

_TRIES = 30
# Commits between two checkpoints of the log. Whoever opens a table reads those after the newest one, 0.4 ms each; a hundred are the default.
_CHECKPOINT_EVERY = 10
_CONFIGURATION: dict[str, str | None] = {
    "delta.checkpointInterval": str(_CHECKPOINT_EVERY),
    # The log tells of a file how many rows it has and nothing of its columns. Said so, whoever opens the table does not make room for minimum,
    # maximum and nulls of each column of each file: a quarter of the time of an opening.
    "delta.dataSkippingNumIndexedCols": "0",
}
# Feature that would make a plain reading of the listed files wrong; we never switch it on.
_DELETION_VECTORS = "deletionVectors"


@dataclass(frozen=True)
class DayState:
    """What the table says of a day: fingerprint and last manifest number of its build (None: never built), and its files (path -> size)."""

    fingerprint: int | None
    seen: int | None
    files: Mapping[str, int]


def open_table(lake: Lake, dataset: str) -> DeltaTable | None:
    """The clean table as it stands now; None where there is none yet. Refuses a table with deletion vectors, which file lists would ignore."""
    uri = lake.store.uri(table_folder(dataset))
    try:
        table = DeltaTable(uri)
    except TableNotFoundError:
        _refuse_file(lake, dataset)
        return None
    except DeltaError as error:
        _refuse_file(lake, dataset)
        if "unsupported" in str(error).lower() or "not supported" in str(error).lower():
            raise LakeFormatError(
                f"The table {uri} uses a feature of Delta that this software does not know: {error}. Install a newer lakehouse."
            ) from error
        raise LakeFormatError(
            f"The log of the table {uri} cannot be read: {str(error).splitlines()[0]}. Expected its files in {uri}/_delta_log without gaps: restore "
            "that folder from a backup. Raw is untouched; without a backup, move the table's folder away and build all days with `lakehouse replay`."
        ) from error
    _refuse_deletion_vectors(table, uri)
    return table


def newest(lake: Lake, dataset: str, table: DeltaTable | None) -> DeltaTable | None:
    """The clean table as it stands now. `table`, opened before, is brought up to date where it can be: a twentieth of the time of opening it."""
    if table is None or not lake.store.exists(commit_path(dataset, table.version())):
        return open_table(lake, dataset)  # a table that was moved away would look unchanged
    if not lake.store.exists(commit_path(dataset, table.version() + 1)):
        return table
    try:
        table.update_incremental()
    except DeltaError as error:
        log.info("the table of %s is opened anew: %s", dataset, error)
        return open_table(lake, dataset)
    _refuse_deletion_vectors(table, lake.store.uri(table_folder(dataset)))
    return table


def _refuse_deletion_vectors(table: DeltaTable, uri: str) -> None:
    if _DELETION_VECTORS in (table.protocol().reader_features or []):
        raise LakeFormatError(
            f"The table {uri} uses deletion vectors, so its file list tells of rows that were deleted. Rewrite it without them "
            "(in the engine that switched them on: REORG TABLE ... APPLY (PURGE), then switch delta.enableDeletionVectors off)."
        )


def _refuse_file(lake: Lake, dataset: str) -> None:
    """A file in the place of the table's folder, or of the one above it, would look like a table that is not there yet."""
    if lake.store.root is None:
        return
    folder = lake.store.root / table_folder(dataset)
    for place in (folder.parent, folder):
        if place.is_file():
            raise LakeFormatError(f"{place} is a file, expected the folder of clean tables. Move it away, and restore the folder from a backup.")


def ensure_table(lake: Lake, contract: Contract, table: DeltaTable | None = None) -> DeltaTable:
    """The clean table (see `newest`), made with the whole schema where there is none (a first commit by several writers would fail or lose days).

    Columns that a newer contract has added are added. Raises `LakeFormatError` for a table whose columns are not the contract's, `TerminalError` when
    a disk refuses it (full, read-only), `TransientError` when an object store does.
    """
    last: DeltaError | None = None
    for _ in range(_TRIES):
        table = newest(lake, contract.name, table)
        try:
            if table is not None:
                _fit(table, contract)
                return table
            DeltaTable.create(
                lake.store.uri(table_folder(contract.name)),
                table_schema(contract),
                mode="ignore",
                partition_by=[PARTITION.name],
                name=contract.name,
                description=contract.title,
                configuration=_CONFIGURATION,
            )
        except DeltaError as error:
            last = error
            log.info("another writer makes or widens the table of %s: %s", contract.name, error)
            time.sleep(random.random() * 0.2)  # noqa: S311  jitter
        except OSError as error:
            raise _refused(lake, contract, error) from error
    raise ConflictError(f"The table of {contract.name} could not be made or widened in {_TRIES} tries: {last}. Try again.") from last


def _refused(lake: Lake, contract: Contract, error: Exception) -> LakehouseError:
    told = lake.store.refused(f"{table_folder(contract.name)}/_delta_log", error)
    return type(told)(f"{told} The table keeps its old version, if it had one; run the same again once it can be written.")


def _fit(table: DeltaTable, contract: Contract) -> None:
    """Give the table the columns that a newer contract has added. A commit with other columns than the table's would go through without a word."""
    wanted = {f.name: f for f in Schema.from_arrow(table_schema(contract)).fields}
    there = {f.name: f for f in table.schema().fields}
    other = sorted(name for name, f in there.items() if name not in wanted or wanted[name].type != f.type)
    if other:
        raise LakeFormatError(
            f"The table of {contract.name} has columns that contract version {contract.version} does not have, or has with another type: "
            f"{', '.join(other)}. Install the lakehouse that wrote it, or build the days anew in another lake."
        )
    added = [f for name, f in wanted.items() if name not in there]
    if added:
        table.alter.add_columns(added)


class AppIds(NamedTuple):
    """The application transactions of a day: `build/<day>` (fingerprint, compared for equality only), `seen/<day>` (last manifest number) and
    `complete/<day>` (1: coverage had passed the end of the day without holes; 0)."""

    build: str
    seen: str
    complete: str


def app_ids(day: dt.date) -> AppIds:
    """The names of the application transactions of a day."""
    told = day.isoformat()
    return AppIds(f"build/{told}", f"seen/{told}", f"complete/{told}")


def day_state(lake: Lake, dataset: str, table: DeltaTable, day: dt.date, *, with_files: bool = True) -> DayState:
    """What the table says of a day."""
    ids = app_ids(day)
    told = app_transactions(lake, dataset, table, ids)
    return DayState(told.get(ids.build), told.get(ids.seen), active_files(table, [day]).get(day, {}) if with_files else {})


def active_files(table: DeltaTable, days: Collection[dt.date] | None = None) -> dict[dt.date, dict[str, int]]:
    """The files of the table, of all days or of some of them: day -> path relative to the table -> size."""
    actions = pa.table(table.get_add_actions(flatten=True))
    if days is not None:
        actions = actions.filter(pc.is_in(actions[f"partition.{PARTITION.name}"], pa.array(days, pa.date32())))
    found: dict[dt.date, dict[str, int]] = {}
    columns = (actions[name].to_pylist() for name in (f"partition.{PARTITION.name}", "path", "size_bytes"))
    for day, path, size in zip(*columns, strict=True):
        found.setdefault(day, {})[path] = size
    return found


def rows_by_day(table: DeltaTable) -> dict[dt.date, int]:
    """Rows of each day that has files, as the log counts them; no file is opened."""
    actions = pa.table(table.get_add_actions(flatten=True))
    found: dict[dt.date, int] = {}
    columns = (actions[name].to_pylist() for name in (f"partition.{PARTITION.name}", "num_records"))
    for day, rows in zip(*columns, strict=True):
        found[day] = found.get(day, 0) + rows
    return found


def swap_day(
    lake: Lake,
    contract: Contract,
    day: dt.date,
    files: Mapping[str, TableFile],
    *,
    table: DeltaTable | None,
    fingerprint: int,
    seen: int,
    complete: bool,
    still_ours: Callable[[DayState], bool],
) -> int | None:
    """Make these the files of the day in one commit: only what differs is added and removed. Returns the version of the table.

    `files`: path relative to the table -> file. `table`: as it was opened before, None where there was none; before each try it is brought up to
    date, and `still_ours` asked whether this build may still be committed; None is returned when it says no. Raises `ConflictError` when others were
    faster too often, else what `ensure_table` raises.
    """
    ids = app_ids(day)
    for attempt in range(_TRIES):
        table = ensure_table(lake, contract, table)
        state = day_state(lake, contract.name, table, day)
        if not still_ours(state):
            return None
        actions: list[AddAction | RemoveAction] = [_add(path, file, day) for path, file in files.items() if path not in state.files]
        actions += [_remove(path, size, day) for path, size in state.files.items() if path not in files]
        last = max(seen, state.seen or 0)  # the same build may have been committed by somebody who had seen more of other days
        fail_point("clean.before_commit")
        try:
            table.create_write_transaction(
                actions,
                mode="append",
                schema=table_schema(contract),
                partition_by=[PARTITION.name],
                commit_properties=CommitProperties(
                    custom_metadata={"day": day.isoformat(), "fingerprint": str(fingerprint), "seen": str(last)},
                    app_transactions=[
                        Transaction(ids.build, fingerprint),
                        Transaction(ids.seen, last),
                        Transaction(ids.complete, int(complete)),
                    ],
                    max_commit_retries=0,
                ),
                post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=_cleaned_by(table.version() + 1)),
            )
        except CommitFailedError as error:
            log.debug("commit of %s %s, try %d: %s", contract.name, day, attempt + 1, error)
            time.sleep(random.random() * 0.05 * (attempt + 1))  # noqa: S311  jitter
            continue
        except (DeltaError, OSError) as error:
            # A checkpoint is written after the commit that it ends with. Without it the log is slower to read, until a later commit makes the next.
            if not _stands(lake, contract, table.version(), day, DayState(fingerprint, last, {path: f.size for path, f in files.items()})):
                if isinstance(error, OSError):
                    raise _refused(lake, contract, error) from error
                raise
            log.warning("%s %s is committed, but its log could not be summed up: %s.", contract.name, day, said(error))
        fail_point("clean.after_commit")
        return table.version() + 1
    raise ConflictError(f"{contract.name} {day}: other writers committed first {_TRIES} times in a row. Try again, or run fewer builds at once.")


def _cleaned_by(version: int) -> bool | None:
    """Whether the commit that makes this version looks for commits that are too old, for which it lists the whole log; None: as the table is set.

    Only a checkpoint makes older commits superfluous, and delta-rs writes them at versions 9, 19, and so on.
    """
    return None if (version + 1) % _CHECKPOINT_EVERY == 0 else False


def _stands(lake: Lake, contract: Contract, before: int, day: dt.date, wanted: DayState) -> bool:
    """Whether the table has a later version than `before`, in which the day is as wanted. False, too, where that cannot be read."""
    try:
        now = open_table(lake, contract.name)
        return now is not None and now.version() > before and day_state(lake, contract.name, now, day) == wanted
    except (OSError, StoreError):  # a bucket that is away: what could not be written is told
        return False


def _add(path: str, file: TableFile, day: dt.date) -> AddAction:
    stats = {"numRecords": file.rows}
    return AddAction(path, file.size, {PARTITION.name: day.isoformat()}, int(time.time() * 1000), True, msgspec.json.encode(stats).decode())


def _remove(path: str, size: int, day: dt.date) -> RemoveAction:
    return RemoveAction(path, True, int(time.time() * 1000), size, {PARTITION.name: day.isoformat()})
