"""Admitting rows that were held as late: a manifest names the parts that hold them, and nothing lands."""

from __future__ import annotations

from collections.abc import Sequence

from lakehouse.errors import TerminalError
from lakehouse.landing.commit import append, upkeep
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import Manifest
from lakehouse.landing.sealed import expired_part
from lakehouse.landing.write import new_fetch_id
from lakehouse.settings import Lake


def land_release(lake: Lake, dataset: str, parts: Sequence[str], run_id: str | None = None) -> Manifest:
    """Commit a manifest that admits the held rows of parts, whichever source and application they came from.

    Raises `TerminalError`, and writes nothing, for an empty list, a part that is not there, is named twice or is released already (by another
    process in the meantime, too).
    """
    ledger = load_ledger(lake, dataset)
    started_at = lake.now()
    fetch_id = new_fetch_id(started_at, "release")

    def manifest(follows: Ledger) -> Manifest:
        _check(follows, parts)
        return upkeep(lake, follows, "release", fetch_id=fetch_id, started_at=started_at, run_id=run_id, releases=tuple(parts))

    return append(lake, ledger, manifest)


def _check(ledger: Ledger, parts: Sequence[str]) -> None:
    if not parts:
        raise TerminalError("There is nothing to release: expected at least one part that holds rows back.")
    if len(set(parts)) != len(parts):
        raise TerminalError("A part is named twice. Expected each part once.")
    for path in parts:
        if ledger.find(path) is None:
            raise TerminalError(f"There is no part {path} in raw of {ledger.dataset}. Expected a path as the quarantine tells it.")
        if gone := expired_part(ledger, path):
            raise TerminalError(f"{path} cannot be released: {gone}, so its day stays as it was built.")
        if path in ledger.released:
            raise TerminalError(f"{path} is released already, by manifest {ledger.released[path]}. Run the release again: it takes what is left.")
