"""Atomic create, read, list and delete below one URL, through obstore (the Rust library that delta-rs uses). Whole files of a disk are read directly.

A file appears whole or not at all, and `create` never replaces one that is there: on a disk obstore writes aside and links, on S3 and
GCS it is a conditional PUT. On a disk nothing is synced by that (measured); `sync` is for the files that a later commit will name.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, from_url

from lakehouse.errors import ConfigurationError, LakehouseError, TerminalError, TransientError
from lakehouse.storage.faults import said

StoreError = BaseError
"""What a store raises for a file that is there and cannot be read: rights, a network, a disk."""

# How obstore names a file on a disk until it is whole.
_STAGED = re.compile(r"#\d+$")
_SYNCED_AT_ONCE = 8
# Of what others write. A sensor that looks there has a minute; obstore by itself would go on for three.
_RETRIES: Any = {"max_retries": 5, "retry_timeout": dt.timedelta(seconds=20)}
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Entry:
    """One stored file. `path` is relative to the lake."""

    path: str
    size: int
    modified: dt.datetime


@dataclass(frozen=True)
class Store:
    """The bytes of one lake. All paths are relative to it, with `/`."""

    url: str
    root: Path | None
    _store: Any = field(repr=False)
    _rooted: set[Path] = field(default_factory=set, repr=False, compare=False)  # folders that this process knows to be durable themselves

    def read(self, path: str) -> bytes:
        """The whole file; `FileNotFoundError` when there is none."""
        with self._opened(path) as file:
            if file is not None:
                return file.read()
        return bytes(obstore.get(self._store, path).bytes())

    def chunks(self, path: str, size: int = 1 << 20) -> Iterator[bytes]:
        """The file in pieces of at least `size` bytes (the last may be shorter), without holding it whole; `FileNotFoundError` when there is none."""
        with self._opened(path) as file:
            if file is not None:
                while chunk := file.read(size):
                    yield chunk
                return
        for chunk in obstore.get(self._store, path).stream(min_chunk_size=size):
            yield bytes(chunk)

    @contextmanager
    def _opened(self, path: str) -> Iterator[BinaryIO | None]:
        """A file of a disk, opened without the detour over obstore's threads, which takes a millisecond. None where obstore is to be asked.

        That is also where the file cannot be opened, so that errors are those of obstore.
        """
        place = self._direct(path)
        if place is None:
            yield None
            return
        try:
            file = place.open("rb")
        except OSError:
            yield None
            return
        with file:
            try:
                yield file
            except OSError as error:  # a network disk that is away, a damaged sector
                raise StoreError(f"{file.name} cannot be read: {error}") from error

    def _direct(self, path: str) -> Path | None:
        """Where a file lies on a disk; None where obstore is to be asked: elsewhere, and for a path that it has escaped."""
        return self.root / path if self.root is not None and not isinstance(self._store, MemoryStore) and "%" not in path else None

    def range(self, path: str, offset: int, size: int, chunk: int = 1 << 20) -> Iterator[bytes]:
        """`size` bytes of a file from `offset`, in pieces as of `chunks`. `FileNotFoundError` when there is none, `EOFError` when it ends before."""
        given = 0
        try:
            for piece in obstore.get(self._store, path, options={"range": (offset, offset + size)}).stream(min_chunk_size=chunk):
                given += len(piece)
                yield bytes(piece)
        except BaseError as error:  # also where the range begins behind the end
            there: int = obstore.head(self._store, path)["size"]
            if there >= offset + size:
                raise
            raise EOFError(f"it has {there} bytes, expected {offset + size}") from error
        if given != size:
            raise EOFError(f"it has {offset + given} bytes, expected {offset + size}")

    def exists(self, path: str) -> bool:
        """Whether the file is there."""
        place = self._direct(path)
        if place is not None and os.path.isfile(place):  # noqa: PTH113  that of pathlib raises where a folder cannot be looked into
            return True
        try:  # where it is not, or cannot be looked at, the word of obstore counts
            obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def modified(self, path: str) -> dt.datetime:
        """When the file was written last (aware); `FileNotFoundError` when there is none."""
        changed: dt.datetime = obstore.head(self._store, path)["last_modified"]
        return changed

    def entry(self, path: str) -> Entry:
        """Size and time of one file; `FileNotFoundError` when there is none."""
        meta = obstore.head(self._store, path)
        return Entry(path, meta["size"], meta["last_modified"])

    def create(self, path: str, data: bytes) -> bool:
        """Write a new file whole. False, and nothing is changed, when one is there already.

        Raises `TerminalError` when a disk refuses it (full, read-only), `TransientError` when an object store does.
        """
        try:
            obstore.put(self._store, path, data, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise self.refused(path, error) from error
        return True

    def replace(self, path: str, data: bytes) -> None:
        """Write a file whole, over the one that may be there. Never for what landed, or for history.

        It is for settings, pages, and what says the same whoever writes it: results and builds, which are named by what they are made of. Raises as
        `create` does.
        """
        try:
            obstore.put(self._store, path, data)
        except BaseError as error:
            raise self.refused(path, error) from error

    def delete(self, path: str) -> None:
        """Delete a file; one that is gone already is no error."""
        if self.root is not None and _STAGED.search(path):
            (self.root / path).unlink(missing_ok=True)
            return
        try:
            obstore.delete(self._store, path)
        except FileNotFoundError:
            return

    def entries(self, prefix: str, *, after: str | None = None) -> Iterator[Entry]:
        """Files below a folder, in no order; `after` skips paths up to and including it. A folder that is not there is empty."""
        for chunk in obstore.list(self._store, prefix, offset=after):
            for meta in chunk:
                yield Entry(meta["path"], meta["size"], meta["last_modified"])

    def staged(self, prefix: str) -> Iterator[Entry]:
        """Files that a process on a disk was killed over while it wrote them (`name#1`): no other method shows them. None on an object store."""
        if self.root is None:
            return
        for path in (self.root / prefix).rglob("*#*"):
            if _STAGED.search(path.name) and path.is_file():
                status = path.stat()
                yield Entry(path.relative_to(self.root).as_posix(), status.st_size, dt.datetime.fromtimestamp(status.st_mtime, dt.UTC))

    def folders(self, prefix: str) -> list[str]:
        """Names of the folders directly below a folder, sorted."""
        place = self._direct(prefix)
        if place is not None:  # obstore asks for size and time of each entry, ten times as much work
            with suppress(OSError), os.scandir(place) as entries:  # what cannot be listed is told by obstore
                return sorted(entry.name for entry in entries if entry.is_dir())
        found = obstore.list_with_delimiter(self._store, prefix)
        return sorted(p.rstrip("/").rsplit("/", 1)[-1] for p in found["common_prefixes"])

    def files(self, prefix: str, *, after: str = "") -> list[str]:
        """Names of the files directly below a folder, sorted; those behind a name only."""
        place = self._direct(prefix)
        if place is not None:  # as for folders
            with suppress(OSError), os.scandir(place) as entries:
                return sorted(e.name for e in entries if e.name > after and e.is_file() and not _STAGED.search(e.name))
        if after:  # else a bucket tells of all of them, page by page
            paths = (entry.path.removeprefix(f"{prefix}/") for entry in self.entries(prefix, after=f"{prefix}/{after}"))
            return sorted(name for name in paths if "/" not in name)
        found = obstore.list_with_delimiter(self._store, prefix)
        return sorted(m["path"].rsplit("/", 1)[-1] for m in found["objects"])

    def sync(self, paths: Iterable[str]) -> None:
        """Make files and their folders durable. On an object store a finished PUT already is."""
        if self.root is None:
            return
        targets = {self.root / path for path in paths}
        folders = {target.parent for target in targets}
        fresh = {above for folder in folders - self._rooted for above in folder.parents if above == self.root or self.root in above.parents}
        wanted = [*targets, *(folders | fresh)]
        if len(wanted) < _SYNCED_AT_ONCE:
            for path in wanted:
                _fsync(path)
        else:  # a disk writes many at once in little more time than one
            list(_syncing().map(_fsync, wanted))
        self._rooted.update(folders)

    def refused(self, path: str, error: Exception) -> LakehouseError:
        """The error for a file that a library could not write: `TerminalError` on a disk (full, read-only), `TransientError` on an object store."""
        reason = said(error)
        if self.root is None:
            return TransientError(f"{self.uri(path)} cannot be written: {reason}. Try again; if that does not help, look at rights and credentials.")
        return TerminalError(f"{self.uri(path)} cannot be written: {reason}. Look at free space and at the rights of the folder.")

    def uri(self, path: str) -> str:
        """What another library opens: an absolute path on a disk, a URL elsewhere."""
        return str(self.root / path) if self.root is not None else f"{self.url.rstrip('/')}/{path}"


def local_path(url: str | Path) -> Path | None:
    """The folder that a lake's URL names; None for an object store. `ConfigurationError` for what is neither."""
    text = str(url)
    try:
        scheme = urlsplit(text).scheme
        if scheme in ("", "file") or len(scheme) == 1:  # one letter is a Windows drive
            return Path(url2pathname(urlsplit(text).path) if scheme == "file" else text).expanduser().resolve()
    except (ValueError, RuntimeError, OSError) as error:  # brackets without an end; a home of nobody; links in a circle
        raise ConfigurationError(f"{text!r} names no place: {error}. Expected a folder or a URL such as s3://bucket/lake.") from error
    return None


def open_store(url: str | Path) -> Store:
    """Open the store of a lake: a folder (made when missing), or a URL such as `s3://bucket/lake`, with credentials from the environment."""
    text = str(url)
    root = local_path(url)
    if root is not None:
        if root.exists() and not root.is_dir():
            raise ConfigurationError(f"The lake must be a folder, but {root} is a file. Name another place with --lake or LAKEHOUSE_URL.")
        if _ESCAPE.search(str(root)):  # delta-rs reads it as the character that it stands for, and finds nothing
            raise ConfigurationError(f"The lake's folder {root} has a percent escape in its name, which Delta tables cannot live below. Rename it.")
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"The lake's folder {root} cannot be made: {error}. Name another place with --lake or LAKEHOUSE_URL.") from error
        return Store(root.as_uri(), root, LocalStore(root))
    try:
        return Store(text, None, from_url(text))
    except Exception as error:
        told = str(error).partition("\n")[0]  # what follows is obstore's own state
        raise ConfigurationError(f"The lake {text!r} cannot be opened: {told}. Expected a folder or a URL such as s3://bucket/lake.") from error


def empty_store(root: Path) -> Store:
    """The store of a lake that is not there, with nothing in it: what is written is kept in memory only."""
    return Store(root.as_uri(), root, MemoryStore())


def open_folder(url: str | Path) -> Store:
    """Open a folder or URL prefix that others write, to read it: nothing is made. `ConfigurationError` when there is no such folder."""
    root = local_path(url)
    if root is None:
        try:
            return Store(str(url), None, from_url(str(url), retry_config=_RETRIES))
        except Exception as error:
            told = str(error).partition("\n")[0]
            raise ConfigurationError(f"{url} cannot be opened: {told}. Expected a folder or a URL such as s3://bucket/inbox.") from error
    if not root.is_dir():
        raise ConfigurationError(f"There is no folder {root}. Expected one with files to read.")
    return Store(root.as_uri(), root, LocalStore(root))


@cache
def _syncing() -> ThreadPoolExecutor:
    """The threads that wait for the disk, kept: to start eight takes longer than what they do."""
    return ThreadPoolExecutor(_SYNCED_AT_ONCE, thread_name_prefix="sync")


if hasattr(os, "register_at_fork"):  # a child has no threads but the one that forked
    os.register_at_fork(after_in_child=_syncing.cache_clear)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
