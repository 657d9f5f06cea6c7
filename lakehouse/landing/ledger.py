"""Reading the log: manifests, checkpoints, and the ledger that they make."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from functools import lru_cache

import msgspec
import zstandard

from lakehouse.errors import LakeFormatError
from lakehouse.landing.manifest import MANIFEST_FORMAT, Manifest
from lakehouse.landing.state import CHECKPOINT_FORMAT, LandedPart, Ledger, Sweep
from lakehouse.settings import Lake
from lakehouse.storage import Store

__all__ = [
    "LandedPart",
    "Ledger",
    "Sweep",
    "advanced",
    "checkpoint_path",
    "load_ledger",
    "manifest_path",
    "read_manifest",
    "read_manifests",
    "refresh",
]

log = logging.getLogger(__name__)

# Checkpoints are pruned while others read; a reader that finds its file gone looks again.
_LOOKS = 5

_manifest = msgspec.json.Decoder(Manifest)
_ledger = msgspec.json.Decoder(Ledger)


class _Format(msgspec.Struct):
    format: int = 0


def manifest_path(dataset: str, number: int) -> str:
    """Where a manifest lies, relative to the lake."""
    return f"raw/{dataset}/_fetches/{number:08d}.json"


def checkpoint_path(dataset: str, number: int) -> str:
    """Where the checkpoint after a manifest lies, relative to the lake."""
    return f"raw/{dataset}/_fetches/_checkpoints/{number:08d}.json.zst"


def load_ledger(lake: Lake, dataset: str, *, upto: int | None = None) -> Ledger:
    """What the manifests of a dataset say: the newest checkpoint and the manifests after it (all, or those up to a number).

    A dataset that has landed nothing has an empty ledger. Raises `LakeFormatError` for a file that is damaged or of a newer format, and for a gap.
    """
    base = _newest_checkpoint(lake.store, dataset, upto)
    return base.after(list(read_manifests(lake, dataset, after=base.last_number, upto=upto)))


def refresh(lake: Lake, ledger: Ledger) -> Ledger:
    """The ledger with the manifests that landed since: one small read per manifest, and no listing."""
    found: list[Manifest] = []
    for number in itertools.count(ledger.last_number + 1):
        try:
            found.append(read_manifest(lake.store, ledger.dataset, number))
        except FileNotFoundError:
            return ledger.after(found)
    raise AssertionError("counting ends at a missing file")


def advanced(lake: Lake, ledger: Ledger, written: Manifest) -> Ledger:
    """The ledger after a manifest that this process has just written. Nothing is read where it is the next one, as nearly always."""
    return ledger.after([written]) if written.number == ledger.last_number + 1 else refresh(lake, ledger)


def read_manifests(lake: Lake, dataset: str, *, after: int = 0, upto: int | None = None) -> Iterator[Manifest]:
    """The manifests of a dataset in order, those after a number only, up to a number.

    Raises `LakeFormatError` for one that is missing although a later one is there, is damaged, or is of a newer format.
    """
    folder, _, last = manifest_path(dataset, after).rpartition("/")
    names = (name.removesuffix(".json") for name in lake.store.files(folder, after=last) if name.endswith(".json"))
    numbers = [int(name) for name in names if name.isdigit()]
    # While others land, the listing of a large folder may have a manifest and not the one before it: whether one is missing, its reading tells.
    newest = max(numbers, default=after)
    for number in range(after + 1, 1 + (newest if upto is None else min(newest, upto))):
        try:
            manifest = read_manifest(lake.store, dataset, number)
        except FileNotFoundError as error:
            where, later = lake.store.uri(manifest_path(dataset, number)), min(n for n in numbers if n >= number)
            raise LakeFormatError(
                f"{where} is missing, but {later:08d}.json is there. Manifests are numbered without gaps: restore the file from a backup "
                "(what it landed does not count without it)."
            ) from error
        yield manifest


def read_manifest(store: Store, dataset: str, number: int) -> Manifest:
    """One manifest; `FileNotFoundError` when it is not there, `LakeFormatError` when it is damaged or of a newer format."""
    path = manifest_path(dataset, number)
    data = store.read(path)
    remedy = "Restore it from a backup; until then nothing of this dataset is read, so that no line is lost unseen."
    try:
        manifest = _manifest.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_newer(store.uri(path), data, MANIFEST_FORMAT)
        raise LakeFormatError(f"{store.uri(path)} is damaged, expected the JSON of a manifest: {error}. {remedy}") from error
    if manifest.format > MANIFEST_FORMAT:
        _refuse_newer(store.uri(path), data, MANIFEST_FORMAT)
    if (manifest.dataset, manifest.number) != (dataset, number):
        raise LakeFormatError(
            f"{store.uri(path)} says it is manifest {manifest.number} of {manifest.dataset}, expected {number} of {dataset}: "
            f"it was moved or copied. {remedy}"
        )
    return manifest


def _newest_checkpoint(store: Store, dataset: str, upto: int | None) -> Ledger:
    for _ in range(_LOOKS):
        numbers = [int(name.split(".")[0]) for name in store.files(f"raw/{dataset}/_fetches/_checkpoints") if name.split(".")[0].isdigit()]
        usable = [n for n in numbers if upto is None or n <= upto]
        if not usable:
            break
        try:
            return _read_checkpoint(store, dataset, max(usable))
        except FileNotFoundError as error:  # others land fast and pruned it between the look and the reading: look again
            log.debug("a checkpoint was pruned while it was looked for: %s", error)
    return Ledger(dataset)  # without a checkpoint every manifest is read


def _read_checkpoint(store: Store, dataset: str, number: int) -> Ledger:
    path = checkpoint_path(dataset, number)
    packed = store.read(path)
    try:
        ledger = _of_checkpoint(packed)
    except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_newer(store.uri(path), _unpacked(packed), CHECKPOINT_FORMAT)
        raise LakeFormatError(f"{store.uri(path)} is damaged: {error}. Delete it: it is made again from the manifests.") from error
    if ledger.format > CHECKPOINT_FORMAT:
        _refuse_newer(store.uri(path), _unpacked(packed), CHECKPOINT_FORMAT)
    return ledger


@lru_cache(maxsize=1)  # days that are built one after the other begin at the same one; a ledger never changes
def _of_checkpoint(packed: bytes) -> Ledger:
    return _ledger.decode(zstandard.ZstdDecompressor().decompress(packed))


def _unpacked(packed: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError:
        return b""


def _refuse_newer(where: str, data: bytes, known: int) -> None:
    try:
        version = msgspec.json.decode(data, type=_Format).format
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if version > known:
        raise LakeFormatError(f"{where} has format {version}, this software knows up to {known}. Install a newer lakehouse.")
