"""Which files of a source by position were read already, by their names, by where they lie, and by their content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import Ledger
from lakehouse.landing.manifest import SourceFile
from lakehouse.settings import Lake
from lakehouse.sources.files import FoundFile, feed_named, file_source, hash_of
from lakehouse.tables.dimensions import current_dimensions, kept_files


class Seen(msgspec.Struct, frozen=True):
    """A file as a listing shows it, whose content was found to be read already."""

    url: str
    size: int
    modified: dt.datetime


class KnownFiles:
    """What was read: the ledger, and files whose content it knows although they were written again, as an earlier look found them."""

    def __init__(self, lake: Lake, dataset: Dataset, ledger: Ledger) -> None:
        self._lake, self._source, self.ledger = lake, file_source(dataset), ledger
        self._path = f"ops/inbox/{dataset.name}.json"
        try:
            self._seen = msgspec.json.decode(lake.store.read(self._path), type=dict[str, Seen])
        except (FileNotFoundError, msgspec.DecodeError):  # it only saves hashing a file again
            self._seen = {}
        self._before = dict(self._seen)
        self._dimensions: dict[str, dict[str, SourceFile]] = {d.name: {} for d in dataset.dimensions}
        for name, version in current_dimensions(lake, dataset).items():
            kept = kept_files(lake, dataset.name, name)
            self._dimensions[name] = {file.name: file for file in version.files if file.sha256 in kept}
        self._places = {name: _by_place(files.values()) for name, files in self._dimensions.items()}
        self._events = _by_place(reads.newest for reads in ledger.files.values())

    def unchanged(self, file: FoundFile) -> bool:
        """Whether the listing shows the file as it was when it was read, so that it need not be opened."""
        read, seen = self._read(file), self._seen.get(file.name)
        now = Seen(file.url, file.size, file.modified)
        return bool(read) and (seen == now or any(Seen(one.url, one.size, one.modified) == now for one in read))

    def content(self, file: FoundFile) -> bool:
        """Whether the content of the file was read under its name, or where it lies. Opens a file that has changed."""
        if self.unchanged(file):
            return True
        read = self._read(file)
        if not read:
            return False
        found = source_file(file, hash_of(file))
        if all(found.sha256 != one.sha256 for one in read) and (file.feed.name in self._dimensions or not self.ledger.has_read(found)):
            return False
        self._seen[file.name] = Seen(file.url, file.size, file.modified)
        return True

    def read_there(self, file: FoundFile) -> bool:
        """Whether a file that lay at the same place was read, whatever it held."""
        return any(one.url == file.url for one in self._read(file))

    def _read(self, file: FoundFile) -> list[SourceFile]:
        """What was read under its name last, and what its feed read where it lies: a file of the inbox that a person names has another name then.

        A dimension has what the newest version of each name says, so there the place counts only for a name that it does not know.
        """
        if file.feed.name in self._dimensions:
            newest = self._dimensions[file.feed.name].get(file.name)
            return [newest] if newest is not None else self._places[file.feed.name].get(file.url, [])
        reads = self.ledger.files.get(file.name)
        there = [one for one in self._events.get(file.url, ()) if feed_named(self._source, one.name) == file.feed.name]
        return [reads.newest, *there] if reads is not None else there

    def keep(self) -> None:
        """Write down what was seen, if it is new."""
        if self._seen != self._before:
            self._lake.store.replace(self._path, msgspec.json.encode(self._seen) + b"\n")


def _by_place(files: Iterable[SourceFile]) -> dict[str, list[SourceFile]]:
    """Files by where they lay; one place may have been read under several names."""
    found: dict[str, list[SourceFile]] = {}
    for file in files:
        found.setdefault(file.url, []).append(file)
    return found


def source_file(file: FoundFile, sha256: str) -> SourceFile:
    """What is written down of a file that was read."""
    return SourceFile(file.name, file.url, sha256, file.size, file.modified)
