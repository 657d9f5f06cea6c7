"""Many small files of raw into few: day by day, a manifest for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.compaction import containers, land_compaction
from lakehouse.landing.ledger import Ledger, load_ledger, refresh
from lakehouse.landing.vacated import delete_vacated, vacated_files
from lakehouse.settings import Lake


@dataclass(frozen=True)
class CompactedDay:
    """A day of which files were put together. `files`: how many became `containers`. `size`: their bytes. `manifest`: None in a dry run."""

    day: dt.date
    manifest: int | None
    files: int
    containers: int
    size: int


@dataclass(frozen=True)
class CompactionReport:
    """What a compaction came to; in a dry run: what it would.

    `deleted`: files that were deleted, identity files and what a killed run had left among them (in a dry run only the latter).
    """

    dataset: str
    dry_run: bool
    days: tuple[CompactedDay, ...]
    deleted: int


def compact(
    lake: Lake,
    dataset: Dataset,
    first: dt.date | None = None,
    last: dt.date | None = None,
    *,
    min_files: int = 2,
    dry_run: bool = False,
    run_id: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> CompactionReport:
    """Put the files of each grain that has at least `min_files` together, of the days from `first` to `last` that are over and not sealed.

    Nothing is read otherwise than before, no digest changes, and no day is built again. Safe to run again after a crash, and beside anything else.
    `progress(day, done, days)`. Raises `ConfigurationError` for a last day that is not over and for a range that ends before it begins; the errors of
    `land_compaction`.
    """
    today = lake.now().date()
    if last is not None and last >= today:
        raise ConfigurationError(f"Files of days that are not over still come: the lake's day is {today}, asked was for days up to {last}.")
    if first is not None and last is not None and last < first:
        raise ConfigurationError(f"The range ends before it begins: {first} to {last}.")
    ledger = load_ledger(lake, dataset.name)
    days = [d for d in ledger.days() if d < today and (first is None or d >= first) and (last is None or d <= last)]
    if dry_run:
        planned = tuple(one for day in days if (one := _planned(ledger, day, min_files)).files)
        return CompactionReport(dataset.name, True, planned, len(vacated_files(lake, ledger)))
    deleted = len(delete_vacated(lake, ledger))
    done: list[CompactedDay] = []
    for number, day in enumerate(days):
        if progress is not None:
            progress(day.isoformat(), number, len(days))
        manifest = land_compaction(lake, dataset.name, day, min_files=min_files, run_id=run_id, ledger=ledger)
        if manifest is not None:
            before = ledger if manifest.number == ledger.last_number + 1 else load_ledger(lake, dataset.name, upto=manifest.number - 1)
            files = {landed.part.file for move in manifest.moves if (landed := before.find(move.part)) is not None}
            ledger = refresh(lake, ledger)
            deleted += len(delete_vacated(lake, ledger, [day]))
            sizes = sum(move.size for move in manifest.moves)
            done.append(CompactedDay(day, manifest.number, len(files), len({move.stored for move in manifest.moves}), sizes))
    return CompactionReport(dataset.name, False, tuple(done), deleted)


def _planned(ledger: Ledger, day: dt.date, min_files: int) -> CompactedDay:
    made = containers(ledger, day, min_files)
    return CompactedDay(day, None, sum(len(c.files) for c in made), len(made), sum(p.size for c in made for p in c.parts))
