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

    `rows`: held rows that the manifest admits. `days`: those that a build must look at again, of this release and of one before it.
    """

    manifest: Manifest | None
    rows: int
    days: tuple[dt.date, ...]


def release(lake: Lake, dataset: Dataset, days: Collection[dt.date] | None = None, run_id: str | None = None) -> ReleaseReport:
    """Admit the rows that committed builds hold, of these days or of all, with one manifest. Days are rebuilt by the caller.

    Rows of lines that no build has read yet are not admitted: nobody knows that they are held. A second call admits nothing more, and names the days
    that a build has still to read. Raises `TerminalError` when another process releases the same rows at the same moment.
    """
    held: dict[str, int] = {}
    grains: dict[str, Grain] = {}
    for (day, grain), account in sorted(committed_accounts(lake, dataset.contract).items(), key=lambda item: (item[0][0], item[0][1].key)):
        if days is not None and day not in days:
            continue
        for part in account.parts:
            if part.books.held:
                held[part.part], grains[part.part] = part.books.held, grain
    released = load_ledger(lake, dataset.name).released
    new = [path for path in held if path not in released]
    manifest = land_release(lake, dataset.name, new, run_id) if new else None
    return ReleaseReport(manifest, sum(held[path] for path in new), tuple(sorted({grain.date for grain in grains.values()})))
