"""`lakehouse sources`: what this software can read and what this lake reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from lakehouse.cli.output import facts, print_json, table
from lakehouse.cli.session import JsonOption, LakeOption, open_for_reading

if TYPE_CHECKING:
    from lakehouse.datasets.model import Dataset
    from lakehouse.settings import Lake


def sources(ctx: typer.Context, as_json: JsonOption = False, lake: LakeOption = None) -> None:
    """Every dataset: its source, the applications or feeds of it, first day and engine in this lake.

    What a lake reads is set in its lake.json, under datasets.<name>.source; secrets come from the environment.

    Example:  [bold]lakehouse sources --json[/]
    """
    from lakehouse.datasets.registry import all_datasets

    opened = open_for_reading(ctx, lake)
    rows = [_row(opened, dataset) for dataset in all_datasets()]
    if as_json:
        print_json(rows)
        return
    cells = [(r.dataset, r.source, ", ".join(r.applications), r.start, r.engine, r.reads) for r in rows]
    facts().print(table(None, ["dataset", "source", "applications or feeds", "from", "engine", "reads"], cells))


@dataclass(frozen=True)
class SourceRow:
    """One dataset: what it is read from in this lake. `start`: first day of its partitions."""

    dataset: str
    source: str | None
    applications: tuple[str, ...]
    start: dt.date
    engine: str
    reads: str


def _row(lake: Lake, dataset: Dataset) -> SourceRow:
    from lakehouse.sources.applications import applications_of

    settings, name = lake.dataset(dataset.name), dataset.source.name if dataset.source is not None else None
    reads = _reads(lake, dataset)
    return SourceRow(
        dataset.name,
        name,
        applications_of(lake, dataset),
        lake.start(dataset.name, dataset.contract.history),
        settings.engine or dataset.engine,
        reads,
    )


def _reads(lake: Lake, dataset: Dataset) -> str:
    """Where the lake reads the dataset from, in words."""
    from lakehouse.datasets.model import FileSource, ReportsApiSource
    from lakehouse.sources.files.inbox import named_inbox

    match dataset.source:
        case FileSource():
            return f"files in {named_inbox(lake, dataset)}"
        case ReportsApiSource():
            told = lake.dataset(dataset.name).source
            simulated, url = told.get("simulated"), told.get("url")
            return f"simulated activities in {simulated}" if simulated else str(url) if url else "the real API"
        case None:
            return "what programs land"
