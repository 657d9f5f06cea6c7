"""Files that a compaction or an erasure has left: no part is in them any more. They are deleted when the manifest that says so is durable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from lakehouse.contracts.grain import Grain
from lakehouse.landing.ledger import Ledger, manifest_path
from lakehouse.landing.moved import own_files
from lakehouse.settings import Lake
from lakehouse.storage import Entry
from lakehouse.storage.failpoints import fail_point


def vacated_paths(ledger: Ledger, days: Collection[dt.date]) -> set[str]:
    """The files of these days that parts were in and none is in any more; most of them are deleted already."""
    grains = [grain for day in days if day in ledger.moved_by for grain in ledger.grains(day)]
    folders = {f"raw/{ledger.dataset}/{grain.raw_folder}" for grain in grains}
    parts = [p.part for grain in grains for p in ledger.parts[grain.key]]
    left = {file for part in parts for file in own_files(part)} | {file for file in ledger.vacated if file.rpartition("/")[0] in folders}
    return left - {file for part in parts for file in (part.file, part.ids)}


def vacated_files(lake: Lake, ledger: Ledger, days: Collection[dt.date] | None = None) -> list[Entry]:
    """Those that are still stored, sorted by path. `days`: of these days only, which spares a listing of all of raw."""
    wanted = vacated_paths(ledger, ledger.moved_by if days is None else days)
    if not wanted:
        return []
    folders = [""] if days is None else [f"/{kind.raw_folder}" for day in days for kind in (Grain(day), Grain.unplaced(day))]
    entries = (e for folder in folders for e in lake.store.entries(f"raw/{ledger.dataset}{folder}"))
    return sorted((e for e in entries if e.path in wanted), key=lambda e: e.path)


def delete_vacated(lake: Lake, ledger: Ledger, days: Collection[dt.date] | None = None) -> list[Entry]:
    """Delete them, also what a killed run left. Returns what was deleted."""
    found = vacated_files(lake, ledger, days)
    if found:
        # Who was killed after the manifest was there may not have made it durable: without it nothing would say where the bytes are now.
        numbers = {n for day, moved in ledger.moved_by.items() if days is None or day in days for n in moved}
        lake.store.sync(manifest_path(ledger.dataset, number) for number in sorted(numbers))
    for entry in found:
        lake.store.delete(entry.path)
        fail_point("landing.after_vacated")
    return found
