"""Letting raw expire: one manifest seals the days, then their parts are deleted. Identity files stay, so that no line of them comes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.errors import ConflictError, TerminalError
from lakehouse.landing.commit import append, upkeep
from lakehouse.landing.ledger import Ledger, load_ledger, manifest_path
from lakehouse.landing.manifest import Manifest
from lakehouse.landing.sealed import expired
from lakehouse.landing.vacated import vacated_paths
from lakehouse.landing.write import new_fetch_id
from lakehouse.settings import Lake
from lakehouse.storage import Entry
from lakehouse.storage.failpoints import fail_point


def land_retention(lake: Lake, contract: Contract, days: Sequence[dt.date], run_id: str | None = None, *, ledger: Ledger | None = None) -> Manifest:
    """Seal days with one manifest, which is durable. Their parts are still there: see `delete_expired`.

    `ledger`: the one by which the caller judged that these days may be sealed. Raises `TerminalError` for no day at all, for one on which nothing
    landed, and for one that is not over by the lake's clock; `ConflictError` when a day was sealed, or something landed on it, since the ledger.
    """
    ledger = load_ledger(lake, contract.name) if ledger is None else ledger
    now = lake.now()
    _refuse(ledger, days, now.date())
    judged = ledger

    def manifest(follows: Ledger) -> Manifest:
        for day in days:
            if day in follows.sealed:
                raise ConflictError(f"{contract.name}: {expired(day, follows.sealed[day])} already. Nothing was done. Try again.")
            if follows.touched.get(day) != judged.touched.get(day):
                raise ConflictError(f"Something landed on {contract.name} {day} while it was looked at. Nothing was done. Try again.")
        return upkeep(lake, follows, "retention", fetch_id=new_fetch_id(now, "retention"), started_at=now, sealed=tuple(sorted(days)), run_id=run_id)

    return append(lake, ledger, manifest)


def _refuse(ledger: Ledger, days: Sequence[dt.date], today: dt.date) -> None:
    if not days:
        raise TerminalError("There is nothing to seal: expected at least one day.")
    landed = set(ledger.days())
    for day in days:
        if day not in landed:
            raise TerminalError(f"Nothing landed on {day}, so {ledger.dataset} has no raw of it that could expire.")
        if day >= today:
            raise TerminalError(f"{day} is not over by the lake's clock ({today}), so its raw cannot expire yet.")


def expired_files(lake: Lake, ledger: Ledger, also: Collection[dt.date] = ()) -> list[Entry]:
    """The files of sealed days that hold lines or their positions and are still stored, sorted by path. `also`: days to count as sealed."""
    gone = {*ledger.sealed, *also}
    if not gone:
        return []
    parts = {path for key, landed in ledger.parts.items() if Grain.parse(key).date in gone for p in landed for path in (p.part.file, p.part.pos)}
    parts |= vacated_paths(ledger, gone)
    return sorted((e for e in lake.store.entries(f"raw/{ledger.dataset}") if e.path in parts), key=lambda e: e.path)


def delete_expired(lake: Lake, ledger: Ledger) -> list[Entry]:
    """Delete the parts of sealed days and their positions, also what a killed run left of them; identity files stay. Returns what was deleted."""
    found = expired_files(lake, ledger)
    # Who was killed after the manifest was there may not have made it durable: without it nothing would say why the parts are gone.
    sealed_by = {found_seal[1].number for e in found if (found_seal := ledger.seal_of(e.path)) is not None}
    lake.store.sync(manifest_path(ledger.dataset, number) for number in sorted(sealed_by))
    for entry in found:
        lake.store.delete(entry.path)
        fail_point("landing.after_expired")
    return found
