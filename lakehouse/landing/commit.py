"""Appending to the log: a manifest takes the next number by create, and every twentieth is followed by a checkpoint."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import zstandard

from lakehouse.errors import LakeFormatError, TerminalError
from lakehouse.landing.ledger import checkpoint_path, load_ledger, manifest_path, refresh
from lakehouse.landing.manifest import Manifest
from lakehouse.landing.state import Ledger
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point

CHECKPOINT_EVERY = 20  # whoever loads the ledger reads the manifests after the newest one, 0.2 ms each
CHECKPOINTS_KEPT = 2


def append(lake: Lake, ledger: Ledger, manifest: Callable[[Ledger], Manifest]) -> Manifest:
    """Write a manifest under the next free number and make it durable.

    `manifest` is called with the ledger that the manifest follows on; whoever loses a number is called again with a newer ledger, and may refuse.
    The parts that it names must be durable already. `TerminalError`, and nothing is written, where its books do not close.
    """
    while True:
        written = manifest(ledger)
        if lost := written.books.difference():
            raise TerminalError(
                f"{ledger.dataset}: of {written.books.read} lines read {lost} are neither landed nor known (negative: too many). Expected read = "
                f"re-read + placed + unplaced, got {written.books}. Nothing was committed: this is a fault of the program, report it."
            )
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
