"""Admitting rows that are held because they came too late: of whole days, or of all that committed builds hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Manifest
from lakehouse.landing.release import land_release
from lakehouse.settings import Lake
from lakehouse.tables.views import committed_accounts


@dataclass(frozen=True)
class ReleaseReport:
    """What a release admits. `manifest`: None where no row is held, or a release that no build has read yet admits them all.

    `rows`: held rows that the manifest admits. `days`: those that a build must look at again, of this release and of one before it. `sealed`: days
    that stay as they were built, held rows and all, because their raw has expired.
    """

    manifest: Manifest | None
    rows: int
    days: tuple[dt.date, ...]
    sealed: tuple[dt.date, ...] = ()


def release(lake: Lake, dataset: Dataset, days: Collection[dt.date] | None = None, run_id: str | None = None) -> ReleaseReport:
    """Admit the rows that committed builds hold, of these days or of all, with one manifest. Days are rebuilt by the caller.

    Rows of lines that no build has read yet are not admitted: nobody knows that they are held. A second call admits nothing more, and names the days
    that a build has still to read. Raises `TerminalError` when another process releases the same rows at the same moment.
    """
    ledger = load_ledger(lake, dataset.name)
    held: dict[str, int] = {}
    grains: dict[str, Grain] = {}
    sealed: set[dt.date] = set()
    for (day, grain), account in sorted(committed_accounts(lake, dataset.contract).items(), key=lambda item: (item[0][0], item[0][1].key)):
        if days is not None and day not in days:
            continue
        if day in ledger.sealed:
            sealed |= {day} if account.books.held else set()
            continue
        for part in account.parts:
            if part.books.held:
                held[part.part], grains[part.part] = part.books.held, grain
    new = [path for path in held if path not in ledger.released]
    manifest = land_release(lake, dataset.name, new, run_id) if new else None
    return ReleaseReport(manifest, sum(held[path] for path in new), tuple(sorted({g.date for g in grains.values()})), tuple(sorted(sealed)))
