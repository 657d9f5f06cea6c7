"""Committed Parquet files, and those of dimensions, are what their names say, or whoever reads them is told which is not, and what to do.

Polars takes a folder in the place of a file for one without rows, so rows would be lost without a word; of a damaged file neither Polars nor DuckDB
says how to mend it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from lakehouse.contracts.model import Contract
from lakehouse.errors import LakeFormatError
from lakehouse.settings import Lake
from lakehouse.tables import builds, delta
from lakehouse.tables.grains import table_folder

_MAGIC = b"PAR1"  # the last four bytes of every whole Parquet file
_PLACE = re.compile(r"(?:clean|quarantine)/(\w+)/(?:event_)?date=(\d{4}-\d{2}-\d{2})/[^/]+$")
_DIMENSION = re.compile(r"dimensions/(\w+)/(\w+)/[^/]+\.parquet$")
_READERS = 8
_POLARS = (pl.exceptions.PolarsError, OSError)


class DamagedFileError(LakeFormatError):
    """A file that a committed build or a version of a dimension names is gone, damaged, or no file. The message says what makes it anew."""


def scan_committed(files: Sequence[str], **options: Any) -> pl.LazyFrame:
    """A scan of exactly these files (as `Store.uri` names them). Raises `DamagedFileError` for one that is not there, cut short, or a folder."""
    refuse_damaged(files)
    return pl.scan_parquet(list(files), glob=False, **options)


def refuse_damaged(files: Iterable[str]) -> None:
    """Raise `DamagedFileError` for the first file on a disk that is not there, a folder, or without the end of a Parquet file.

    An object store has no folders, and tells of a file that is not there when it is read: see `naming_damage`.
    """
    for file in files:
        if "://" not in file and (fault := _fault(file)):
            raise damaged(file, fault)


@contextlib.contextmanager
def naming_damage(files: Sequence[str], errors: tuple[type[Exception], ...] = _POLARS) -> Iterator[None]:
    """While the block reads these files: one of these errors becomes a `DamagedFileError` that names the file which cannot be read, if one cannot."""
    try:
        yield
    except errors as error:
        for file in files:
            try:
                refuse_damaged([file])
                pl.read_parquet(file, glob=False, hive_partitioning=False)
            except _POLARS as why:
                raise damaged(file, f"cannot be read ({str(why).splitlines()[0]})") from error
        raise


def damaged(file: str, fault: str) -> DamagedFileError:
    """The error for a committed file or one of a dimension; `fault` is a half sentence such as "is a folder"."""
    if dimension := _DIMENSION.search(file):
        return DamagedFileError(
            f"{file} {fault}, expected the Parquet file of a version of the dimension {dimension[2]}. Make it anew: lakehouse ingest {dimension[1]}"
        )
    place = _PLACE.search(file)
    command = f"lakehouse replay {place[2]} --force --dataset {place[1]}" if place else "lakehouse replay DAY --force"
    return DamagedFileError(
        f"{file} {fault}, expected a Parquet file that a committed build has written. Build its day anew from raw: {command}. Where raw of the day "
        "has expired, restore the file from a backup instead."
    )


def damaged_files(lake: Lake, contract: Contract) -> list[DamagedFileError]:
    """What is wrong with the committed files of clean and quarantine, by their sizes and ends; nothing of their rows is read."""
    table = delta.open_table(lake, contract.name)
    if table is None:
        return []
    folder = table_folder(contract.name)
    told = {f"{folder}/{path}": size for files in delta.active_files(table).values() for path, size in files.items()}
    accounts = builds.accounts_of(lake, builds.builds_of(lake, contract, table).values())
    told |= {a.quarantine.path: a.quarantine.size for a in accounts.values() if a.quarantine is not None}
    there = {e.path: e.size for prefix in (folder, f"quarantine/{contract.name}") for e in lake.store.entries(prefix)}
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda path: _wrong(lake, path, told, there), sorted(told))
        return [error for error in found if error is not None]


def _wrong(lake: Lake, path: str, told: Mapping[str, int], there: Mapping[str, int]) -> DamagedFileError | None:
    file = lake.store.uri(path)
    fault = _fault(file) if lake.store.root is not None else None
    if fault is None and path not in there:
        fault = "is gone"
    if fault is None and there[path] != told[path]:
        fault = f"has {there[path]:,} bytes, {told[path]:,} were written"
    return damaged(file, fault) if fault else None


def _fault(file: str) -> str | None:
    try:
        with Path(file).open("rb", buffering=0) as stream:
            size = stream.seek(0, os.SEEK_END)
            if size < 3 * len(_MAGIC):
                return f"has {size} bytes"
            stream.seek(-len(_MAGIC), os.SEEK_END)
            return None if stream.read() == _MAGIC else "is damaged or cut short"
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    except OSError:  # opening a folder is refused, on Windows as if the rights were missing
        if Path(file).is_dir():
            return "is a folder"
        raise
