"""Builds: a day's list of grain results, and which of them the table says are committed."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
from deltalake import DeltaTable

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.model import Contract
from lakehouse.errors import LakeFormatError
from lakehouse.settings import Lake
from lakehouse.storage import StoreError
from lakehouse.storage.failpoints import fail_point
from lakehouse.tables import delta, grains, transactions
from lakehouse.tables.records import Build, GrainAccount, GrainRef, decode_record
from lakehouse.tables.transactions import app_transactions

log = logging.getLogger(__name__)

_READERS = 8


class LostBuildError(LakeFormatError):
    """The table names a build whose record is gone or damaged. Building the day again heals it."""


def fingerprint(refs: Iterable[GrainRef], *, complete: bool) -> int:
    """63 bits that name a build: its grain results, and whether the day was complete."""
    text = msgspec.json.encode([[(r.grain, r.digest) for r in sorted(refs)], complete])
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def build_folder(dataset: str) -> str:
    """Where the builds of a dataset are, relative to the lake."""
    return f"ops/builds/{dataset}"


def write_build(lake: Lake, build: Build) -> str:
    """Write the record of a build, durable, before the commit that makes it count. Returns its path."""
    path = f"{build_folder(build.dataset)}/{build.day.isoformat()}/{build.fingerprint}.json"
    lake.store.replace(path, msgspec.json.encode(build))  # the same fingerprint lists the same results; `seen` may have moved on
    lake.store.sync([path])
    fail_point("clean.after_build")
    return path


def write_refusal(lake: Lake, build: Build, reasons: Sequence[str]) -> str:
    """Write down why a build was not committed. Returns the path."""
    path = f"{build_folder(build.dataset)}/{build.day.isoformat()}/{build.fingerprint}.refused.json"
    lake.store.replace(path, msgspec.json.encode({"build": build, "reasons": list(reasons)}))
    return path


def committed_builds(lake: Lake, contract: Contract) -> dict[dt.date, Build]:
    """The build of each day that the clean table says is committed, sorted by day. Empty where there is no table."""
    table = delta.open_table(lake, contract.name)
    if table is None:
        return {}
    return builds_of(lake, contract, table)


def written_days(lake: Lake, dataset: str) -> list[dt.date]:
    """The days of which a build was written down, committed or not, sorted."""
    return [dt.date.fromisoformat(name) for name in lake.store.folders(build_folder(dataset))]


def builds_of(lake: Lake, contract: Contract, table: DeltaTable, days: Iterable[dt.date] | None = None) -> dict[dt.date, Build]:
    """The builds that one version of the table is made of: of all days, or of some of them."""
    days = written_days(lake, contract.name) if days is None else sorted(days)
    told = app_transactions(lake, contract.name, table, (delta.app_ids(day).build for day in days))
    named = {day: told.get(delta.app_ids(day).build) for day in days}
    wanted = [(day, number) for day, number in named.items() if number is not None]
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip((d for d, _ in wanted), pool.map(lambda item: read_build(lake, contract.name, *item), wanted), strict=True))


def newest_transactions(lake: Lake, dataset: str, days: Iterable[dt.date]) -> dict[str, int]:
    """Application id -> version of its newest transaction (see `delta.AppIds`), at least of these days, as the table stands now; empty without one.

    The table is opened only where its log alone does not tell it.
    """
    try:
        told = transactions.newest_transactions(lake, dataset)
    except StoreError as error:  # a file where a folder should be, for one: the opening says it in words
        log.debug("the log of the table of %s cannot be read: %s", dataset, error)
        told = None
    if told is not None:
        return told
    table = delta.open_table(lake, dataset)
    return app_transactions(lake, dataset, table, (name for day in days for name in delta.app_ids(day))) if table is not None else {}


def build_of(lake: Lake, contract: Contract, table: DeltaTable, day: dt.date) -> Build | None:
    """The committed build of one day; None when it was never built."""
    name = delta.app_ids(day).build
    number = app_transactions(lake, contract.name, table, [name]).get(name)
    return read_build(lake, contract.name, day, number) if number is not None else None


def written_builds(lake: Lake, dataset: str, day: dt.date) -> list[Build]:
    """Every build of a day that was written down, committed, replaced or never committed, in no order."""
    folder = f"{build_folder(dataset)}/{day.isoformat()}"
    paths = (f"{folder}/{name}" for name in lake.store.files(folder) if name.removesuffix(".json").isdigit())
    return [decode_record(lake.store.read(path), Build, lake.store.uri(path)) for path in paths]


def read_build(lake: Lake, dataset: str, day: dt.date, number: int) -> Build:
    """The record of a build by its fingerprint. Raises `LostBuildError` when it is gone, `LakeFormatError` when it is damaged."""
    path = f"{build_folder(dataset)}/{day.isoformat()}/{number}.json"
    try:
        data = lake.store.read(path)
    except FileNotFoundError as error:
        where = lake.store.uri(path)
        raise LostBuildError(f"The table says that {where} is committed, but the file is gone. {_remedy(day)}") from error
    build: Build = decode_record(data, Build, lake.store.uri(path))
    return build


def _remedy(day: dt.date) -> str:
    return f"Build the day again: lakehouse replay {day}. Where raw of the day has expired, restore the file from a backup of ops/ instead."


def accounts_of(lake: Lake, builds: Iterable[Build]) -> dict[tuple[dt.date, Grain], GrainAccount]:
    """The accounts of builds, by day and grain. Raises `LakeFormatError` for one that is missing."""
    wanted = [(b, ref) for b in builds for ref in b.grains]

    def read(item: tuple[Build, GrainRef]) -> GrainAccount:
        build, ref = item
        account = grains.read_account(lake, build.dataset, ref)
        if account is None:
            where = lake.store.uri(grains.account_path(build.dataset, ref))
            raise LakeFormatError(f"{where} is gone, but the build of {build.day} names it. {_remedy(build.day)}")
        return account

    with ThreadPoolExecutor(_READERS) as pool:
        accounts = pool.map(read, wanted)
        return {(build.day, Grain.parse(ref.grain)): account for (build, ref), account in zip(wanted, accounts, strict=True)}
