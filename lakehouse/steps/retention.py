"""Letting raw expire: which days may be sealed, sealing them, deleting their parts. What was built of them stays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse.accounts.books import Books
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger, refresh
from lakehouse.landing.retention import delete_expired, expired_files, land_retention
from lakehouse.landing.state import LandedPart, Ledger
from lakehouse.settings import Lake
from lakehouse.steps.build import stale_days
from lakehouse.tables.builds import accounts_of, committed_builds
from lakehouse.tables.grains import table_folder
from lakehouse.tables.records import Build, GrainAccount


@dataclass(frozen=True)
class ExpiredDay:
    """A day that is sealed. `size`: bytes of its parts by their manifests.

    `quarantined`: lines and rows in quarantine, which can be neither shown nor mended from now on; `held`: rows held as late, which are never
    released. `holes`: stretches that were never read; what they bring later is quarantined.
    """

    day: dt.date
    parts: int
    lines: int
    size: int
    quarantined: int
    held: int
    holes: int


@dataclass(frozen=True)
class KeptDay:
    """A day that is old enough and may not be sealed, and why."""

    day: dt.date
    reason: str


@dataclass(frozen=True)
class ExpiryReport:
    """What expired. In a dry run: what would.

    `before`: days before this one are old enough. `manifest`: the one that sealed the days, None where there was none to seal. `files`, `freed`:
    parts that were deleted and their bytes, with what an earlier run that was killed had left.
    """

    dataset: str
    before: dt.date
    dry_run: bool
    manifest: int | None
    sealed: tuple[ExpiredDay, ...]
    kept: tuple[KeptDay, ...]
    files: int
    freed: int


def expire(lake: Lake, dataset: Dataset, before: dt.date | None = None, *, dry_run: bool = False, run_id: str | None = None) -> ExpiryReport:
    """Seal every day before `before` that may be, by one manifest, and delete its raw parts. Its build, its rows and its identity files stay.

    `before` is by default the lake's day less `raw_retention_days`. A day may be sealed when its committed build has seen all that landed on it and
    the files of that build are there: it will never be built again. Safe to run again after a crash. Raises `ConfigurationError` when the lake keeps
    raw for ever and no day is given, and for a day in the future; `ConflictError` when something landed on one of the days in between.
    """
    limit = _limit(lake, dataset.name, before)
    ledger = load_ledger(lake, dataset.name)
    sealed, kept = _judge(lake, dataset, ledger, limit)
    days = [one.day for one in sealed]
    if dry_run:
        found = expired_files(lake, ledger, days)
        return ExpiryReport(dataset.name, limit, dry_run, None, sealed, kept, len(found), sum(e.size for e in found))
    manifest = land_retention(lake, dataset.contract, days, run_id, ledger=ledger) if days else None
    gone = delete_expired(lake, refresh(lake, ledger))
    return ExpiryReport(dataset.name, limit, dry_run, manifest.number if manifest else None, sealed, kept, len(gone), sum(e.size for e in gone))


def _limit(lake: Lake, dataset: str, before: dt.date | None) -> dt.date:
    today, kept_for = lake.now().date(), lake.dataset(dataset).raw_retention_days
    if before is not None:
        if before > today:
            raise ConfigurationError(f"Raw of days that are not over cannot expire: the lake's day is {today}, asked was for days before {before}.")
        return before
    if kept_for is None:
        raise ConfigurationError(
            f"Raw of {dataset} is kept for ever: set datasets.{dataset}.raw_retention_days in lake.json, or name the first day to keep with --before."
        )
    return today - dt.timedelta(days=kept_for)


def _judge(lake: Lake, dataset: Dataset, ledger: Ledger, limit: dt.date) -> tuple[tuple[ExpiredDay, ...], tuple[KeptDay, ...]]:
    old = [day for day in ledger.days() if day < limit and day not in ledger.sealed]
    if not old:
        return (), ()
    # Looked at after the ledger: what lands in between makes its day stale here, or is found when the manifest is written.
    stale = {s.day: s.reason for s in stale_days(lake, dataset)}
    committed = committed_builds(lake, dataset.contract)
    builds = {day: committed[day] for day in old if day not in stale and day in committed}
    by_day: dict[dt.date, list[GrainAccount]] = {day: [] for day in builds}
    for (day, _), account in accounts_of(lake, builds.values()).items():
        by_day[day].append(account)
    sealed: list[ExpiredDay] = []
    kept: list[KeptDay] = []
    for day in old:
        reason = stale.get(day) or next(_unfit(lake, dataset.name, day, by_day[day]), None)
        if reason is not None:
            kept.append(KeptDay(day, reason))
        else:
            sealed.append(_expired(builds[day], by_day[day], [p for grain in ledger.grains(day) for p in ledger.parts[grain.key]]))
    return tuple(sealed), tuple(kept)


def _unfit(lake: Lake, dataset: str, day: dt.date, accounts: list[GrainAccount]) -> Iterator[str]:
    """Why what was built of a day could not stand alone: without raw it cannot be made again."""
    folders = (f"{table_folder(dataset)}/event_date={day}", f"quarantine/{dataset}/date={day}")
    sizes = {e.path: e.size for folder in folders for e in lake.store.entries(folder)}
    for file in (f for a in accounts for f in (*a.files, *((a.quarantine,) if a.quarantine else ()))):
        if sizes.get(file.path) != file.size:
            yield f"{file.path} of its build has {sizes.get(file.path, 'no')} bytes, expected {file.size}: lakehouse replay {day} --force"


def _expired(build: Build, accounts: list[GrainAccount], parts: list[LandedPart]) -> ExpiredDay:
    books = sum((a.books for a in accounts), Books())
    return ExpiredDay(
        day=build.day,
        parts=len(parts),
        lines=sum(p.part.lines for p in parts),
        size=sum(p.part.size for p in parts),
        quarantined=books.quarantined + books.unreadable,
        held=books.held,
        holes=build.holes,
    )
