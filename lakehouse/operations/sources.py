"""Is the source of a dataset fit to be read from? Facts, each with what to do, by the kind of source that it declares. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lakehouse.datasets.model import Dataset, FileSource, ReportsApiSource
from lakehouse.errors import LakehouseError
from lakehouse.findings import Finding
from lakehouse.settings import Lake


def inspect_source(lake: Lake, dataset: Dataset) -> Iterator[Finding]:
    """What a first reading would meet."""
    match dataset.source:
        case ReportsApiSource():
            from lakehouse.sources.reports_api.doctor import doctor_source

            yield from doctor_source(lake, dataset)
        case FileSource():
            yield from _inbox(lake, dataset, dataset.source)
        case None:
            yield Finding("source", "note", f"{dataset.name} has none: its lines are landed by programs")


def _inbox(lake: Lake, dataset: Dataset, source: FileSource) -> Iterator[Finding]:
    from lakehouse.sources.files.inbox import in_inbox, named_inbox
    from lakehouse.steps.ingest import waiting_files

    told = named_inbox(lake, dataset)
    remedy = f"put files there, or name another folder or bucket prefix: datasets.{dataset.name}.source.inbox in lake.json"
    try:
        there = in_inbox(lake, dataset)
        found, aside = Counter(file.feed.name for file in there.files), there.aside
        waiting = waiting_files(lake, dataset).files
    except (LakehouseError, OSError) as error:
        yield Finding("inbox", "bad", f"{told}: {error}", remedy)
        return
    yield Finding("inbox", "good" if found else "note", f"{told}: {found.total():,} files", None if found else remedy)
    for feed in source.feeds:
        patterns = ", ".join(feed.patterns)
        state = f"{found[feed.name]:,} files like {patterns}"
        yield Finding(
            f"feed {feed.name}", "good" if found[feed.name] or not found else "note", state, None if found[feed.name] else f"names: {patterns}"
        )
    if aside:
        yield Finding(
            "left aside",
            "note",
            f"{len(aside):,} files that no feed takes by their names, such as {aside[0]}",
            "rename or unpack them as the names above want (capitals count), or give them to the dataset that they are of",
        )
    yield Finding("waiting", "good", f"{len(waiting):,} files to read" + (f", such as {waiting[0].name}" if waiting else ""))
