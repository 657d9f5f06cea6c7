"""Ingesting a source by position: the files of an inbox that were not read yet, each landed with one manifest."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset, Dimension
from lakehouse.errors import LakehouseError, TerminalError, TransientError
from lakehouse.landing.files import FileParts, FileReadError, commit_file, write_file
from lakehouse.landing.ledger import advanced, load_ledger
from lakehouse.landing.manifest import Manifest, SourceFile
from lakehouse.settings import Lake
from lakehouse.sources.files import FileReader, FoundFile, Listing, file_source, find_files, in_inbox
from lakehouse.steps.dimensions import add_files, store_file
from lakehouse.steps.known_files import KnownFiles, source_file
from lakehouse.tables.dimensions import DimensionVersion, current_dimension, damaged_tables

PARALLEL = 2
READ_ALREADY = "read already"
BEING_WRITTEN = "still being written"


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: its manifest, or why it was left, or the error that stopped it. `path`: where it is; `name`: see `FoundFile`.
    `rewritten`: it landed, and so had another content of it before.

    Of a dimension's file, of which `feed` is the name: the version that has it. A damaged table of a dimension that was made anew, or could not be,
    without a file of it at hand is told as a file.
    """

    path: str
    name: str
    feed: str
    manifest: Manifest | None = None
    skipped: str | None = None
    error: BaseException | None = None
    dimension: DimensionVersion | None = None
    rewritten: bool = False


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did, file by file in order of modification, then name. `aside`: where the files are that no feed takes by their names."""

    dataset: str
    outcomes: tuple[FileOutcome, ...]
    seconds: float
    aside: tuple[str, ...] = ()

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """What was committed."""
        return tuple(o.manifest for o in self.outcomes if o.manifest is not None)

    @property
    def dimensions(self) -> tuple[DimensionVersion, ...]:
        """The versions of dimensions that have files of this ingest, by name."""
        found = {o.dimension.dimension: o.dimension for o in self.outcomes if o.dimension is not None}
        return tuple(found[name] for name in sorted(found))

    @property
    def errors(self) -> tuple[FileOutcome, ...]:
        """The files that could not be read."""
        return tuple(o for o in self.outcomes if o.error is not None)

    @property
    def skipped(self) -> tuple[FileOutcome, ...]:
        """The files that were left."""
        return tuple(o for o in self.outcomes if o.skipped is not None)

    @property
    def books(self) -> FetchBooks:
        """The sum over its manifests."""
        return sum((m.books for m in self.manifests), FetchBooks())

    @property
    def partitions(self) -> tuple[str, ...]:
        """Keys of the grains that got a part, sorted; those of unplaced lines too."""
        return tuple(sorted({p.grain for m in self.manifests for p in m.parts}))

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The days whose grains got a part, sorted. An unplaced part counts for the day it landed on."""
        return tuple(sorted({Grain.parse(key).date for key in self.partitions}))

    def raise_for_errors(self) -> None:
        """Raise when a file failed: `TransientError` when another try may help for all of them, else `TerminalError`."""
        if not self.errors:
            return
        first = self.errors[0]
        kind = TransientError if all(isinstance(o.error, TransientError) for o in self.errors) else TerminalError
        raise kind(
            f"{self.dataset}: {len(self.errors)} of {len(self.outcomes)} files failed. The others are landed. First: {first.error}"
        ) from first.error


Progress = Callable[[FileOutcome, int, int], None]
"""Called after each file with (its outcome, files done, files in all)."""


def waiting_files(lake: Lake, dataset: Dataset) -> Listing:
    """The files of the inbox that the next ingest would read, and those that none would: a listing and the ledger, no file is opened."""
    source, now = file_source(dataset), dt.datetime.now(dt.UTC)
    known = KnownFiles(lake, dataset, load_ledger(lake, dataset.name))
    found = in_inbox(lake, dataset)
    return replace(found, files=tuple(file for file in found.files if file.settled(source, now) and not known.unchanged(file)))


def ingest(
    lake: Lake, dataset: Dataset, paths: Sequence[str] | None = None, *, run_id: str | None = None, progress: Progress | None = None
) -> IngestReport:
    """Land the files of the dataset's inbox that were not read yet; of the inbox those that have settled.

    `paths`: folders, files or URLs instead of the inbox; what a person names counts as settled. A file whose content was read under its name or where
    it lies is nothing to do; of any other, rows that are known end as duplicates. Files are written two at a time and committed in order. One that
    fails lands nothing and does not stop the others; the report carries its error. The files of a dimension become one new version of it. A dimension
    of which a table is damaged or gone is made anew, of the files at hand and of the records of the others, which are kept.
    """
    began = dt.datetime.now(dt.UTC)
    source = file_source(dataset)
    found = in_inbox(lake, dataset) if paths is None else find_files(dataset, paths)
    files = found.files
    work = _Work(lake, dataset, run_id)
    settled = [file for file in files if paths is not None or file.settled(source, began)]
    outcomes = [_outcome(file, skipped=BEING_WRITTEN) for file in files if file not in settled]
    for outcome in work.run(settled):
        outcomes.append(outcome)
        if progress is not None:
            progress(outcome, len(outcomes), len(files))
    work.known.keep()
    places = {file.url: index for index, file in enumerate(files)}
    in_order = sorted(outcomes, key=lambda o: places.get(o.path, len(places)))
    return IngestReport(dataset.name, tuple(in_order), (dt.datetime.now(dt.UTC) - began).total_seconds(), found.aside)


class _Work:
    """One ingest: its ledger moves on with every commit."""

    def __init__(self, lake: Lake, dataset: Dataset, run_id: str | None) -> None:
        self._lake, self._dataset, self._run_id = lake, dataset, run_id
        self._source = file_source(dataset)
        self.known = KnownFiles(lake, dataset, load_ledger(lake, dataset.name))

    def run(self, files: Sequence[FoundFile]) -> Iterator[FileOutcome]:
        """Land files, in order; those of dimensions at the end."""
        told = {d.name: d for d in self._dataset.dimensions}
        yield from self._land([file for file in files if file.feed.name not in told])
        for name, dimension in told.items():
            yield from self._know(dimension, [file for file in files if file.feed.name == name])

    def _know(self, dimension: Dimension, files: Sequence[FoundFile]) -> Iterator[FileOutcome]:
        """Make the version of a dimension that has these files, and make one anew that is damaged."""
        version = current_dimension(self._lake, self._dataset.name, dimension.name)
        damaged = damaged_tables(self._lake, version) if version is not None else []
        fresh: list[tuple[FoundFile, SourceFile]] = []
        for file in files:
            try:
                if not damaged and self.known.content(file):
                    yield _outcome(file, skipped=READ_ALREADY)
                else:
                    fresh.append((file, store_file(self._lake, self._dataset.name, dimension, file)))
            except (LakehouseError, OSError) as error:
                yield _outcome(file, error=error)
        if not fresh and not damaged:
            return
        made, failed = None, None
        try:
            made, _ = add_files(self._lake, self._dataset.name, dimension, [read for _, read in fresh])
        except (LakehouseError, OSError) as error:
            failed = error
        if not fresh and version is not None:
            yield FileOutcome(self._lake.store.uri(version.table), version.table, dimension.name, error=failed, dimension=made)
        yield from [_outcome(file, error=failed, dimension=made) for file, _ in fresh]

    def _land(self, files: Sequence[FoundFile]) -> Iterator[FileOutcome]:
        ahead: deque[tuple[FoundFile, Future[FileParts | None]]] = deque()
        pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="ingest")
        try:
            for file in files:
                ahead.append((file, pool.submit(self._write, file)))
                if len(ahead) > PARALLEL:
                    yield self._finish(*ahead.popleft())
            while ahead:
                yield self._finish(*ahead.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, file: FoundFile) -> FileParts | None:
        """None for a file that was read already."""
        if self.known.content(file):
            return None
        reader = FileReader(file, self._dataset.contract)
        return write_file(
            self._lake,
            self._dataset.contract,
            self.known.ledger,
            source=self._source.name,
            application=file.feed.name,
            batches=reader,
            file=lambda: source_file(file, reader.sha256),
        )

    def _finish(self, file: FoundFile, written: Future[FileParts | None]) -> FileOutcome:
        try:
            parts = written.result()
            if parts is None:
                return _outcome(file, skipped=READ_ALREADY)
            manifest = commit_file(self._lake, parts, self.known.ledger, lateness=self._source.lateness, run_id=self._run_id)
        except FileReadError:
            return _outcome(file, skipped=READ_ALREADY)
        except (LakehouseError, OSError) as error:
            return _outcome(file, error=error)
        rewritten = self.known.read_there(file)
        self.known.ledger = advanced(self._lake, self.known.ledger, manifest)
        return replace(_outcome(file, manifest=manifest), rewritten=rewritten)


def _outcome(
    file: FoundFile,
    *,
    manifest: Manifest | None = None,
    skipped: str | None = None,
    error: BaseException | None = None,
    dimension: DimensionVersion | None = None,
) -> FileOutcome:
    return FileOutcome(file.url, file.name, file.feed.name, manifest, skipped, error, dimension)
