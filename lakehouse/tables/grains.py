"""Grain results: named by the digest of their inputs, each file written whole, over one of the same rows where one is there; the account last."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
import polars as pl

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.landing.ledger import LandedPart
from lakehouse.settings import Lake, TokenKey
from lakehouse.storage.failpoints import fail_point
from lakehouse.tables.records import GrainAccount, GrainRef, TableFile, decode_record

# A commit names no file that was staged longer ago than this; what nobody named within a day counts as an orphan.
STAGED_FOR = 12 * 3600
# Part of every digest: raise it when the kernel makes other rows of the same lines, whatever the dataset, or a library does that makes a column.
KERNEL_VERSION = 1


@dataclass(frozen=True)
class GrainInputs:
    """All that a grain result depends on, beside code: its parts in landing order and the lines of them that were superseded (part -> lines).

    `erased`: part -> lines whose text was erased. `released`: paths of its parts whose held rows are admitted.
    `sealed`, of an unplaced grain: day -> manifest that sealed it, of those before its newest part. They say why a line has no place.
    `attempt` names a result that is made anew although one of the same inputs is in the table: nothing may touch the files of a committed result.
    """

    grain: Grain
    parts: tuple[LandedPart, ...]
    superseded: Mapping[str, frozenset[int]]
    attempt: str = ""
    released: frozenset[str] = frozenset()
    sealed: Mapping[dt.date, int] = field(default_factory=dict)
    erased: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def sealed_before(self, part: LandedPart) -> frozenset[dt.date]:
        """The days that were sealed when a part landed."""
        return frozenset(day for day, number in self.sealed.items() if number < part.number)


def grain_digest(inputs: GrainInputs, contract: Contract, key: TokenKey) -> str:
    """32 hex digits that change when anything changes that the result depends on; `-` and the attempt where there is one."""
    facts: dict[str, object] = {
        "dataset": contract.name,
        "grain": inputs.grain.key,
        "parts": sorted((p.part.path, p.part.sha256, p.number) for p in inputs.parts),
        "superseded": sorted((part, sorted(lines)) for part, lines in inputs.superseded.items() if lines),
        "contract": contract.version,
        "transform": contract.transform_version,
        "kernel": KERNEL_VERSION,
        "key": key.id,
    }
    if inputs.released:  # only then: results that were made before there were releases keep their names
        facts["released"] = sorted(inputs.released)
    if inputs.erased:
        facts["erased"] = sorted((part, sorted(lines)) for part, lines in inputs.erased.items())
    if inputs.sealed:
        facts["sealed"] = sorted((day.isoformat(), number) for day, number in inputs.sealed.items())
    if contract.libraries:
        facts["libraries"] = [(name, _installed(name)) for name in contract.libraries]
    digest = hashlib.blake2b(msgspec.json.encode(facts), digest_size=16).hexdigest()
    return f"{digest}-{inputs.attempt}" if inputs.attempt else digest


@lru_cache(maxsize=64)
def _installed(library: str) -> str:
    return importlib.metadata.version(library)  # reads files: some milliseconds, for each grain


def same_inputs(digest: str, other: str) -> bool:
    """Whether two results were made of the same inputs, whichever attempts they are."""
    return digest.partition("-")[0] == other.partition("-")[0]


def account_folder(dataset: str, grain: str) -> str:
    """Where the accounts of the results of a grain (its key) are, relative to the lake."""
    return f"ops/grains/{dataset}/{grain}"


def account_path(dataset: str, ref: GrainRef) -> str:
    """Where the account of a grain result is, relative to the lake."""
    return f"{account_folder(dataset, ref.grain)}/{ref.digest}.json"


def table_folder(dataset: str) -> str:
    """The folder of the clean table, relative to the lake."""
    return f"clean/{dataset}"


def table_path(dataset: str, grain: Grain, digest: str, number: int = 1) -> str:
    """Where rows of a grain result are, relative to the lake: below the table, not named in its log before the commit. Its files count from 1."""
    name = f"{grain.stem}-{digest}" if number == 1 else f"{grain.stem}-{digest}.{number}"
    return f"{table_folder(dataset)}/event_date={grain.date.isoformat()}/{name}.parquet"


def quarantine_path(dataset: str, grain: Grain, digest: str) -> str:
    """Where the quarantine of a grain result is, relative to the lake."""
    return f"quarantine/{dataset}/date={grain.date.isoformat()}/{grain.stem}-{digest}.parquet"


def read_account(lake: Lake, dataset: str, ref: GrainRef) -> GrainAccount | None:
    """The account of a grain result; None when there is none. Raises `LakeFormatError` for one of a newer version."""
    path = account_path(dataset, ref)
    try:
        data = lake.store.read(path)
    except FileNotFoundError:
        return None
    return decode_record(data, GrainAccount, lake.store.uri(path))


def reusable(lake: Lake, dataset: str, ref: GrainRef, *, committed: bool) -> GrainAccount | None:
    """The account of a result that is there already and may be named by a commit: committed before, or staged a short while ago."""
    account = read_account(lake, dataset, ref)
    if account is None or committed:
        return account
    return account if may_be_named(account) else None


def forget_account(lake: Lake, account: GrainAccount) -> None:
    """Make a result that no commit names one that is not there: its files are orphans. One that was made anew meanwhile stays."""
    ref = GrainRef(account.grain, account.digest)
    there = read_account(lake, account.dataset, ref)
    if there is not None and there.staged_at == account.staged_at:
        lake.store.delete(account_path(account.dataset, ref))


def may_be_named(account: GrainAccount) -> bool:
    """Whether a result that no commit names yet was staged a short while ago, so that nobody takes its files for orphans."""
    return time.time() - account.staged_at < STAGED_FOR


def write_table_file(lake: Lake, path: str, frame: pl.DataFrame, time_column: str) -> TableFile:
    """Write a frame as Parquet. A file that is there already has the same rows by its name; it is written anew, so that it counts as staged now."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1, statistics=True, row_group_size=1 << 18)
    data = buffer.getvalue()
    lake.store.replace(path, data)
    times = frame[time_column]
    low, high = (times.min(), times.max()) if frame.height else (None, None)
    return TableFile(path, frame.height, len(data), low, high)  # type: ignore[arg-type]


def store_account(lake: Lake, account: GrainAccount) -> GrainAccount:
    """Make the files durable and write the account, the last step of a grain result. One that is there was made of the same."""
    path = account_path(account.dataset, GrainRef(account.grain, account.digest))
    files = [f.path for f in account.files] + ([account.quarantine.path] if account.quarantine else [])
    lake.store.sync(files)
    fail_point("clean.after_files")
    lake.store.replace(path, msgspec.json.encode(account))
    lake.store.sync([path])
    fail_point("clean.after_account")
    return account
