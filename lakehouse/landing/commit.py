"""Appending to the log: a manifest takes the next number by create, and every twentieth is followed by a checkpoint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import zstandard

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.grain import Grain
from lakehouse.errors import LakeFormatError, TerminalError
from lakehouse.landing.ledger import checkpoint_path, load_ledger, manifest_path, refresh
from lakehouse.landing.manifest import Manifest
from lakehouse.landing.routing import ROUTING_VERSION
from lakehouse.landing.state import Ledger
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point

CHECKPOINT_EVERY = 20  # whoever loads the ledger reads the manifests after the newest one, 0.2 ms each
CHECKPOINTS_KEPT = 2
_NOTHING_DONE = "Nothing was committed: this is a fault of the program, report it."


def append(lake: Lake, ledger: Ledger, manifest: Callable[[Ledger], Manifest]) -> Manifest:
    """Write a manifest under the next free number and make it durable.

    `manifest` is called with the ledger that the manifest follows on; whoever loses a number is called again with a newer ledger, and may refuse.
    The parts that it names must be durable already. `TerminalError`, and nothing is written, where its books do not close, or its parts hold other
    lines than those that the books say were landed.
    """
    while True:
        written = manifest(ledger)
        _check(written)
        path = manifest_path(ledger.dataset, written.number)
        if lake.store.create(path, msgspec.json.encode(written) + b"\n"):
            break
        seen = ledger.last_number
        ledger = refresh(lake, ledger)
        if ledger.last_number == seen:
            raise LakeFormatError(f"{lake.store.uri(path)} is neither free nor readable, expected a manifest or nothing. Move it away.")
    fail_point("landing.after_manifest")
    lake.store.sync([path])
    fail_point("landing.after_manifest_synced")
    _checkpoint(lake, ledger.dataset, written.number)
    return written


def upkeep(
    lake: Lake,
    follows: Ledger,
    kind: Literal["release", "retention", "compaction", "erasure"],
    *,
    fetch_id: str,
    started_at: dt.datetime,
    **told: Any,
) -> Manifest:
    """A manifest that reads nothing and lands nothing: it tells (`told`) what becomes of what had landed."""
    return Manifest(
        number=follows.last_number + 1,
        dataset=follows.dataset,
        source="",
        application="",
        fetch_id=fetch_id,
        kind=kind,
        purpose=kind,
        window=None,
        covered=None,
        started_at=started_at,
        landed_at=lake.now(),
        books=FetchBooks(),
        routing=ROUTING_VERSION,
        **told,
    )


def _check(manifest: Manifest) -> None:
    """Raise `TerminalError` where lines were lost or doubled between the source and the parts."""
    books = manifest.books
    if lost := books.difference():
        raise TerminalError(
            f"{manifest.dataset}: of {books.read} lines read {lost} are neither landed nor known (negative: too many). Expected read = "
            f"re-read + placed + unplaced, got {books}. {_NOTHING_DONE}"
        )
    unplaced = sum(part.lines for part in manifest.parts if Grain.parse(part.grain).kind == "unplaced")
    placed = sum(part.lines for part in manifest.parts) - unplaced
    if (placed, unplaced) != (books.placed, books.unplaced):
        raise TerminalError(
            f"{manifest.dataset}: expected parts with {books.placed} placed and {books.unplaced} unplaced lines, but they hold {placed} and "
            f"{unplaced}. {_NOTHING_DONE}"
        )


def _checkpoint(lake: Lake, dataset: str, number: int) -> None:
    """Write the checkpoint that is due at or before a number, unless it is there. Whoever lands next makes up for one that a crash left out."""
    due = number - number % CHECKPOINT_EVERY
    path = checkpoint_path(dataset, due)
    if not due or lake.store.exists(path):
        return
    ledger = load_ledger(lake, dataset, upto=due)
    lake.store.create(path, zstandard.ZstdCompressor(level=3).compress(msgspec.json.encode(ledger)))
    lake.store.sync([path])
    fail_point("landing.after_checkpoint")
    kept = {checkpoint_path(dataset, due - CHECKPOINT_EVERY * back).rsplit("/", 1)[1] for back in range(CHECKPOINTS_KEPT)}
    folder = path.rsplit("/", 1)[0]
    for name in lake.store.files(folder):
        if name not in kept and name < min(kept):
            lake.store.delete(f"{folder}/{name}")
