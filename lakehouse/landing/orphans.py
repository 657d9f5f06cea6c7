"""Files that nothing names: what a killed process left behind. They harm nobody, and take space."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from itertools import chain

from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake
from lakehouse.storage import Entry, Store

# A fetch writes its parts before the manifest that names them; a day is far longer than any fetch takes.
OLDER_THAN = dt.timedelta(hours=24)


def find_orphans(store: Store, prefix: str, known: AbstractSet[str], now: dt.datetime, older_than: dt.timedelta = OLDER_THAN) -> list[Entry]:
    """Files below a folder that are not among the known paths (relative to the lake) and were written longer ago than that, sorted by path.

    Among them are those that a killed process had not finished, which are no files to anybody else.
    `now` must be the time by which the store stamps its files: the system's clock, not that of a lake whose clock stands still.
    """
    every = chain(store.entries(prefix), store.staged(prefix))
    return sorted((e for e in every if e.path not in known and now - e.modified > older_than), key=lambda entry: entry.path)


def raw_orphans(lake: Lake, dataset: str, *, now: dt.datetime | None = None, older_than: dt.timedelta = OLDER_THAN) -> list[Entry]:
    """Files of raw that no part is in and that tell nothing of one, files of sealed days but their identities, and unfinished files.

    That is what a fetch, a compaction or an erasure that was killed has left, before its manifest or after it.

    The log itself (`_fetches/`) has no others. Identity files of sealed days are needed: what landed must not land again.
    """
    found = find_orphans(lake.store, f"raw/{dataset}", frozenset(), now or dt.datetime.now(dt.UTC), older_than)
    ledger = load_ledger(lake, dataset)
    landed = [p.part for parts in ledger.parts.values() for p in parts]
    known = {p.ids for p in landed} | {path for p in landed if ledger.seal_of(p.path) is None for path in (p.file, p.pos)}
    log = f"raw/{dataset}/_fetches/"
    return [e for e in found if e.path not in known and not (e.path.startswith(log) and "#" not in e.path)]


def clear_orphans(store: Store, orphans: Iterable[Entry]) -> int:
    """Delete them. Returns how many bytes they took."""
    freed = 0
    for entry in orphans:
        store.delete(entry.path)
        freed += entry.size
    return freed
