"""What is in the inbox of a dataset, or in places that a person names, and which feed takes it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lakehouse.datasets.model import Dataset, Feed, FileSource
from lakehouse.errors import ConfigurationError
from lakehouse.settings import Lake
from lakehouse.storage import Entry, Store, StoreError, fault_of, local_path, open_folder


@dataclass(frozen=True)
class FoundFile:
    """A file that a feed takes. `path`: in its store.

    `name`: its path below the inbox, or below the folder that was named, the folder's own name before it where a pattern wants that; of a file that
    was named itself, as much of it as a pattern wants.
    """

    name: str
    feed: Feed
    size: int
    modified: dt.datetime
    store: Store
    path: str

    @property
    def url(self) -> str:
        """Where it is, for people."""
        return self.store.uri(self.path)

    def settled(self, source: FileSource, now: dt.datetime) -> bool:
        """Whether it was left alone long enough to be whole.

        `now` is the system's clock, by which files are stamped; a stamp of the future tells nothing.
        """
        return abs(now - self.modified) >= source.settle


def file_source(dataset: Dataset) -> FileSource:
    """The files that a dataset is read from, those of its dimensions first; `ConfigurationError` when it is read from something else."""
    if not isinstance(dataset.source, FileSource):
        raise ConfigurationError(
            f"{dataset.name} is not read from files, so nothing can be ingested for it. A source that is asked for windows of time is read by: "
            f"lakehouse fetch --dataset {dataset.name}"
        )
    return replace(dataset.source, feeds=(*(d.feed for d in dataset.dimensions), *dataset.source.feeds))


def named_inbox(lake: Lake, dataset: Dataset) -> Any:
    """The inbox of a dataset as `lake.json` names it, unchecked; the default is a folder in the lake."""
    return lake.dataset(dataset.name).source.get("inbox", f"inbox/{dataset.name}")


@dataclass(frozen=True)
class Listing:
    """What lies somewhere. `files`: those that a feed takes, in order of modification, then name. `aside`: where the others are, sorted; hidden ones
    are nobody's."""

    files: tuple[FoundFile, ...]
    aside: tuple[str, ...] = ()


def in_inbox(lake: Lake, dataset: Dataset) -> Listing:
    """The files of the dataset's inbox. One that is not there yet is empty.

    Raises `ConfigurationError` for a setting that is no text, for a folder outside the lake that is not there, and for a bucket that is not there or
    may not be read; `TransientError` for one that does not answer.
    """
    store, prefix = _inbox_folder(lake, dataset)
    return _listing(_below(store, prefix, file_source(dataset)))


def _inbox_folder(lake: Lake, dataset: Dataset) -> tuple[Store, str]:
    told = named_inbox(lake, dataset)
    if not isinstance(told, str) or not told.strip("/"):
        raise ConfigurationError(f"The setting datasets.{dataset.name}.source.inbox must be a folder or a URL, got {told!r}.")
    outside = bool(urlsplit(told).scheme) or Path(told).is_absolute() or told.startswith("~")
    return (open_folder(told), "") if outside else (lake.store, told.strip("/"))


def find_files(dataset: Dataset, paths: Sequence[str]) -> Listing:
    """The files at some paths or URLs: of a folder those that a feed takes; a file by itself must be taken.

    Raises `ConfigurationError` for a path where nothing is, for a file that no feed takes, and for a bucket as `in_inbox` does.
    """
    source = file_source(dataset)
    return _listing(found for path in paths for found in _at(path, dataset.name, source))


def _listing(found: Iterable[FoundFile | str]) -> Listing:
    """Each file once, by where it is."""
    files: dict[str, FoundFile] = {}
    aside: set[str] = set()
    for one in found:
        if isinstance(one, str):
            aside.add(one)
        else:
            files[one.url] = one
    return Listing(tuple(sorted(files.values(), key=lambda file: (file.modified, file.name))), tuple(sorted(aside)))


def _at(path: str, dataset: str, source: FileSource) -> Iterator[FoundFile | str]:
    local = local_path(path)
    if local is not None and not local.exists():
        raise ConfigurationError(f"There is no file or folder {local}. Expected one with files of {dataset}.")
    single = _single(path, local)
    if single is None:
        within = local.resolve().name if local is not None else path.rstrip("/").rpartition("/")[2]
        found = list(_below(open_folder(path), "", source, within=within))
        if local is None and not any(isinstance(one, FoundFile) for one in found):  # what is no file of an object store may be nothing at all
            raise ConfigurationError(f"There is nothing at {path} that a feed of {dataset} takes.")
        yield from found
        return
    store, entry = single
    taken = _taken_by_suffix(source, store.uri(entry.path))
    if taken is None:
        patterns = ", ".join(p for f in source.feeds for p in f.patterns)
        where = store.uri(entry.path)
        raise ConfigurationError(f"{where}: no feed of {dataset} takes a file of this name. Expected one like: {patterns} (and .gz, .zst).")
    yield FoundFile(taken[1], taken[0], entry.size, entry.modified, store, entry.path)


def _single(path: str, local: Path | None) -> tuple[Store, Entry] | None:
    """The store of the folder around a file, and the file; None for a folder."""
    if local is not None:
        return None if local.is_dir() else ((store := open_folder(local.parent)), store.entry(local.name))
    folder, _, name = path.rstrip("/").rpartition("/")
    if not urlsplit(folder).netloc:
        return None
    store = open_folder(folder)
    try:
        return store, store.entry(name)
    except FileNotFoundError:
        return None
    except StoreError as error:
        raise fault_of(path, error) from error


def _below(store: Store, prefix: str, source: FileSource, *, within: str = "") -> Iterator[FoundFile | str]:
    """The files below a folder that a feed takes; of the others, if they are not hidden, where they are.

    `within`: the name of the folder itself, which counts as a part of their paths too.
    """
    for entry in _listed(store, prefix):
        name = entry.path.removeprefix(f"{prefix}/") if prefix else entry.path
        taken = _taken(source, [name, f"{within}/{name}"] if within else [name])
        if taken is not None:
            yield FoundFile(taken[1], taken[0], entry.size, entry.modified, store, entry.path)
        elif not name.rpartition("/")[2].startswith("."):
            yield store.uri(entry.path)


def _listed(store: Store, prefix: str) -> Iterator[Entry]:
    try:
        yield from store.entries(prefix)
    except StoreError as error:
        if store.root is not None:
            raise
        raise fault_of(store.uri(prefix).rstrip("/"), error) from error


def feed_named(source: FileSource, name: str) -> str | None:
    """The feed that takes files of this name; None where none does."""
    taken = _taken(source, [name])
    return taken[0].name if taken is not None else None


def _taken(source: FileSource, names: Sequence[str]) -> tuple[Feed, str] | None:
    """The first feed whose patterns take a file by one of its names, and the first such name."""
    return next(((feed, name) for feed in source.feeds for name in names if any(_pattern(p).fullmatch(name) for p in feed.patterns)), None)


def _taken_by_suffix(source: FileSource, path: str) -> tuple[Feed, str] | None:
    """The first feed that takes a file that was named by itself, and its name: as much of its path counts as a pattern wants."""
    parts = path.split("/")
    return _taken(source, ["/".join(parts[at:]) for at in range(len(parts) - 1, -1, -1)])


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as an expression: `*` and `?` stay in a folder, `**/` is any number of folders, `[...]` one of some characters."""
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", glob)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(known.get(t) or (t.replace("[!", "[^") if len(t) > 1 else re.escape(t)) for t in tokens)
    return re.compile(text + r"(?:\.gz|\.zst)?")
