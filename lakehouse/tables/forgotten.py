"""Results that must not stay on disk: those of a grain that were made before lines of it were erased. No build can ever name them again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from deltalake import DeltaTable

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.landing.ledger import Ledger, manifest_path
from lakehouse.settings import Lake
from lakehouse.storage import Entry
from lakehouse.storage.failpoints import fail_point
from lakehouse.tables import builds, delta
from lakehouse.tables.grains import account_folder, table_folder


def forgotten_files(lake: Lake, contract: Contract, ledger: Ledger) -> list[Entry]:
    """Accounts, then table and quarantine files, of the results of grains with erased lines that were made before the last erasure of the grain.

    Only of days whose committed build has seen that erasure: from then on a build that has not is refused, and one that has names other digests. A
    result was made before when a build names it that had not seen the erasure, or when it was written before the manifest was.
    """
    table = delta.open_table(lake, contract.name) if ledger.erasures else None
    if table is None:
        return []
    days: dict[dt.date, dict[Grain, int]] = {}
    for path, erasures in ledger.erasures.items():
        landed = ledger.find(path)
        if landed is not None:
            grain = Grain.parse(landed.part.grain)
            erased = days.setdefault(grain.date, {})
            erased[grain] = max(erased.get(grain, 0), *(e.number for e in erasures))
    return [entry for day, grains in sorted(days.items()) for entry in _of_day(lake, contract, table, day, grains)]


def forget(lake: Lake, contract: Contract, ledger: Ledger) -> list[Entry]:
    """Delete them, also what a killed run left. Returns what was deleted."""
    found = forgotten_files(lake, contract, ledger)
    for entry in found:
        lake.store.delete(entry.path)
        fail_point("clean.after_forgotten")
    return found


def _of_day(lake: Lake, contract: Contract, table: DeltaTable, day: dt.date, erased: Mapping[Grain, int]) -> Iterator[Entry]:
    """`erased`: grain -> last manifest that erased a line of it."""
    state = delta.day_state(lake, contract.name, table, day, with_files=False)
    every = builds.written_builds(lake, contract.name, day)
    committed = next((b for b in every if b.fingerprint == state.fingerprint), None)
    if state.seen is None or committed is None:
        return
    for grain, number in sorted(erased.items()):
        if state.seen < number:
            continue
        kept = {ref.digest for ref in committed.grains if ref.grain == grain.key}
        earlier = {ref.digest for b in every if b.seen < number for ref in b.grains if ref.grain == grain.key} - kept
        written = lake.store.modified(manifest_path(contract.name, number))
        for entry, digest in _results(lake, contract.name, grain):
            if digest in earlier or (digest not in kept and entry.modified < written):
                yield entry


def _results(lake: Lake, dataset: str, grain: Grain) -> Iterator[tuple[Entry, str]]:
    """The files of all results of a grain with their digests, accounts first: a result without one is not used."""
    accounts = account_folder(dataset, grain.key)
    for folder in (accounts, f"{table_folder(dataset)}/event_date={grain.date}", f"quarantine/{dataset}/date={grain.date}"):
        prefix = "" if folder == accounts else f"{grain.stem}-"
        for entry in lake.store.entries(folder):
            name = entry.path.rpartition("/")[2]
            if name.startswith(prefix):
                yield entry, name.removeprefix(prefix).partition(".")[0]
