"""Versions of the marts: which is current, where its file is, and how another one becomes current.

    marts/<dataset>/_versions/00000017.json           the record of a version, taken by create: whoever loses builds again
    marts/<dataset>/_versions/00000017-<id>.duckdb    its file, never changed
    marts/<dataset>.duckdb                            what people open: a copy of the current file, replaced in one rename
    marts/<dataset>/.build/<id>/                      builds under way

DuckDB opens files, not URLs, so marts need a lake on a local disk. The published file is a copy and not a link: a client that opens it for writing
cannot harm the version. Readers keep the file that they have open; whoever opens it later sees the new one.
"""

from __future__ import annotations

import logging
import shutil
import uuid
from pathlib import Path

import msgspec

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError, LakeFormatError, LakehouseError, TerminalError
from lakehouse.marts.records import VERSION_FORMAT, VersionRecord
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point
from lakehouse.storage.record import decode_record

KEPT = 3
_LOOKS = 5

log = logging.getLogger(__name__)


def local_root(lake: Lake) -> Path:
    """The folder of the lake. Raises `ConfigurationError` for a lake that is not on a local disk."""
    if lake.store.root is None:
        raise ConfigurationError(
            f"Marts need a lake on a local disk, this one is at {lake.url}: DuckDB builds and publishes them as files. "
            "Open a lake in a folder, or read clean directly."
        )
    return lake.store.root


def versions_folder(dataset: str) -> str:
    """Where the versions of a dataset's marts are, relative to the lake."""
    return f"marts/{dataset}/_versions"


def record_path(dataset: str, number: int) -> str:
    """Where the record of a version is, relative to the lake."""
    return f"{versions_folder(dataset)}/{number:08d}.json"


def versions(lake: Lake, dataset: Dataset) -> list[int]:
    """The numbers of the versions that are kept, sorted."""
    names = lake.store.files(versions_folder(dataset.name))
    return sorted(int(name.removesuffix(".json")) for name in names if name.endswith(".json") and name.removesuffix(".json").isdigit())


def read_version(lake: Lake, dataset: Dataset, number: int) -> VersionRecord:
    """The record of a version; `FileNotFoundError` when it is not kept, `LakeFormatError` when it is damaged or of a newer format."""
    path = record_path(dataset.name, number)
    data = lake.store.read(path)
    remedy = "Move it away: the version before it, or a new build, takes its place."
    return decode_record(data, VersionRecord, where=lake.store.uri(path), known=VERSION_FORMAT, remedy=remedy)


def current_version(lake: Lake, dataset: Dataset) -> VersionRecord | None:
    """The record of the current version; None when nothing was published yet."""
    for _ in range(_LOOKS):
        numbers = versions(lake, dataset)
        if not numbers:
            return None
        try:
            return read_version(lake, dataset, numbers[-1])
        except FileNotFoundError as error:  # others publish fast and pruned it between the look and the reading: look again
            log.debug("a version was pruned while it was looked for: %s", error)
    raise LakeFormatError(
        f"The versions below {lake.store.uri(versions_folder(dataset.name))} vanish as soon as they are listed. Look what deletes them."
    )


def published_path(lake: Lake, dataset: Dataset) -> Path | None:
    """The file to open for the current version: `marts/<dataset>.duckdb`, or the version's own file while that is not in place.

    (On Windows a file that is open cannot be replaced; and a process may have died between taking the number and renaming.) None when nothing was
    published.
    """
    record = current_version(lake, dataset)
    if record is None:
        return None
    own, published = _own_file(lake, record), _published_file(lake, dataset.name)
    return published if _same(own, published) or not own.exists() else own


def version_file(lake: Lake, record: VersionRecord) -> Path | None:
    """The file of a version; None when it is gone."""
    path = _own_file(lake, record)
    return path if path.exists() else None


def file_for(dataset: str, number: int, build: str) -> str:
    """Where the file of a version goes, relative to the lake. The build's id keeps two that race for a number apart."""
    return f"{versions_folder(dataset)}/{number:08d}-{build}.duckdb"


def publish(lake: Lake, dataset: Dataset, built: Path, record: VersionRecord) -> bool:
    """Make a built file the current version. False, and nothing is changed, when another build took the number first."""
    own = _own_file(lake, record)
    own.parent.mkdir(parents=True, exist_ok=True)
    built.replace(own)
    lake.store.sync([record.file])
    fail_point("marts.before_record")
    path = record_path(dataset.name, record.number)
    newest = max(versions(lake, dataset), default=0)
    try:
        # Numbers below the newest may be free again, because old records are pruned.
        taken = newest < record.number and lake.store.create(path, msgspec.json.encode(record))
    except LakehouseError:  # the disk is full: a file that no record names would not help it
        own.unlink()
        raise
    if not taken:
        own.unlink()
        if max(versions(lake, dataset), default=0) < record.number:
            raise LakeFormatError(f"{lake.store.uri(path)} is neither free nor the record of a version. Move it away, then publish again.")
        return False
    lake.store.sync([path])
    fail_point("marts.after_record")
    show(lake, dataset, record)
    fail_point("marts.after_rename")
    prune(lake, dataset)
    return True


def show(lake: Lake, dataset: Dataset, record: VersionRecord) -> None:
    """Put the version's file in the place that people open, unless it is there already; a newer version's where one was published meanwhile."""
    own, published = _own_file(lake, record), _published_file(lake, dataset.name)
    if not own.exists() or _same(own, published):
        return
    aside = own.with_name(f".{own.stem}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        shutil.copy2(own, aside)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise TerminalError(
            f"{published} cannot be written: {error}. Version {record.number} is built and waits in {own}. Look at free space and at the rights of "
            "the folder; the next publish puts it in place, and until then lakehouse reads it where it is."
        ) from error
    try:
        # Left behind by a client that wrote to the published file: it would be replayed onto the new one.
        published.with_name(f"{published.name}.wal").unlink(missing_ok=True)
        aside.replace(published)
    except PermissionError as error:
        log.warning("%s is open and cannot be replaced (%s): readers use %s until it can.", published, error, own)
        aside.unlink()
        return
    except IsADirectoryError as error:
        aside.unlink()
        raise TerminalError(
            f"{published} is a folder, expected the published marts of {dataset.name} or nothing. Move it away and publish again: version "
            f"{record.number} is built and waits in {own}."
        ) from error
    lake.store.sync([f"marts/{dataset.name}.duckdb"])
    newest = current_version(lake, dataset)
    if newest is not None and newest.number > record.number:  # it may have been put there before, and is not any more
        show(lake, dataset, newest)


def prune(lake: Lake, dataset: Dataset) -> None:
    """Delete all versions but the newest few, and what builds that never ended left of them."""
    numbers = versions(lake, dataset)
    oldest = numbers[-KEPT] if len(numbers) >= KEPT else 0
    folder = versions_folder(dataset.name)
    for name in lake.store.files(folder):
        number = name.split("-")[0].removesuffix(".json").lstrip(".")
        if number.isdigit() and int(number) < oldest:
            lake.store.delete(f"{folder}/{name}")


def _own_file(lake: Lake, record: VersionRecord) -> Path:
    return local_root(lake) / record.file


def _published_file(lake: Lake, dataset: str) -> Path:
    return local_root(lake) / "marts" / f"{dataset}.duckdb"


def _same(own: Path, published: Path) -> bool:
    """Whether the published file is the copy of this version that we made: size and time of change are copied with it."""
    try:
        one, other = own.stat(), published.stat()
    except FileNotFoundError:
        return False
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
