"""How a dataset is: complete up to when, holes, lateness, what waits, what was refused, what is published. Reads only."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.accounts.books import Books
from lakehouse.accounts.lateness import Recovered, quantile
from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Window
from lakehouse.landing.state import Ledger
from lakehouse.marts.publish import current_version
from lakehouse.settings import Lake
from lakehouse.sources.applications import applications_of
from lakehouse.steps.build import StaleDay, stale_days
from lakehouse.steps.publish import unpublished_days
from lakehouse.tables.builds import accounts_of
from lakehouse.tables.records import Build
from lakehouse.tables.views import clean_version


@dataclass(frozen=True)
class Lateness:
    """Seconds between an event and the landing of its first sighting inside coverage that had been complete (upper bounds of buckets)."""

    events: int
    p50: int
    p99: int
    worst: int


@dataclass(frozen=True)
class ApplicationStatus:
    """One application of the source. `complete_up_to`: everything from `complete_from` to it was read; what was read after it lies behind a hole."""

    application: str
    complete_from: dt.datetime | None
    complete_up_to: dt.datetime | None
    holes: tuple[Window, ...]
    lines: int
    lateness: Lateness | None


@dataclass(frozen=True)
class Status:
    """How a dataset is. `versions`: of the clean table and of the published marts, None while there is none.

    `recovered`: which fetches found what was late. `sealed_days`: days whose raw has expired; `sealed_up_to`: the last of them, None without one.
    `incomplete_days`: built while parts of them were not read yet; sealed days, which stay so, are left out.
    `unpublished`: built days that the marts do not tell of as they are now; none for a dataset without marts.
    """

    dataset: str
    lake: str
    now: dt.datetime
    applications: tuple[ApplicationStatus, ...]
    lateness: Lateness | None
    recovered: tuple[Recovered, ...]
    fetches: int
    landed_lines: int
    pending_lines: int
    stale: tuple[StaleDay, ...]
    days: int
    incomplete_days: tuple[dt.date, ...]
    books: Books
    quarantined: dict[str, int]
    clean_version: int | None
    mart_version: int | None
    mart_built_at: dt.datetime | None
    unpublished: tuple[dt.date, ...]
    sealed_days: int
    sealed_up_to: dt.date | None


def status(lake: Lake, dataset: Dataset) -> Status:
    """The status of a dataset in a lake. An empty lake has one too."""
    ledger = load_ledger(lake, dataset.name)
    table = clean_version(lake, dataset.contract)
    builds = table.builds
    books, rules = _of_accounts(lake, builds)
    version = current_version(lake, dataset)
    parts = [p for landed in ledger.parts.values() for p in landed]
    return Status(
        dataset=dataset.name,
        lake=lake.url,
        now=lake.now(),
        applications=_applications(lake, dataset, ledger),
        lateness=summarise(ledger.lateness),
        recovered=ledger.recovered,
        fetches=ledger.last_number,
        landed_lines=sum(p.part.lines for p in parts),
        pending_lines=_pending(ledger, builds),
        stale=tuple(stale_days(lake, dataset)),
        days=len(builds),
        incomplete_days=tuple(sorted(day for day, build in builds.items() if not build.complete and day not in ledger.sealed)),
        books=books,
        quarantined=dict(sorted(rules.items(), key=lambda item: -item[1])),
        clean_version=table.version if builds else None,
        mart_version=version.number if version is not None else None,
        mart_built_at=version.built_at if version is not None else None,
        sealed_days=len(ledger.sealed),
        sealed_up_to=max(ledger.sealed, default=None),
        unpublished=tuple(unpublished_days(lake, dataset)),
    )


def _applications(lake: Lake, dataset: Dataset, ledger: Ledger) -> tuple[ApplicationStatus, ...]:
    wanted = applications_of(lake, dataset)
    lines: Counter[str] = Counter()
    for parts in ledger.parts.values():
        for part in parts:
            lines[part.application] += part.part.lines
    found = []
    for name in [*wanted, *sorted({*ledger.coverage, *lines} - set(wanted))]:
        windows = ledger.coverage.get(name, ())
        first, last = (windows[0].start, windows[-1].end) if windows else (None, None)
        holes = tuple(ledger.holes(name, first, last)) if first is not None and last is not None else ()
        late = summarise(ledger.lateness_by_application.get(name, {}))
        found.append(ApplicationStatus(name, first, ledger.cursor(name), holes, lines[name], late))
    return tuple(found)


def _pending(ledger: Ledger, builds: Mapping[dt.date, Build]) -> int:
    waiting = 0
    for day in ledger.days():
        build = builds.get(day)
        parts = (p for grain in ledger.grains(day) for p in ledger.parts[grain.key])
        waiting += sum(p.part.lines for p in parts if build is None or p.number > build.seen)
    return waiting


def _of_accounts(lake: Lake, builds: Mapping[dt.date, Build]) -> tuple[Books, Counter[str]]:
    books, rules = Books(), Counter[str]()
    for account in accounts_of(lake, builds.values()).values():
        books = books + account.books
        rules.update(account.quarantine_rules)
    return books, rules


def summarise(histogram: Mapping[int, int]) -> Lateness | None:
    """Quantiles of a histogram of lateness (upper bound in seconds -> first sightings); None where it is empty."""
    p50, p99 = quantile(histogram, 0.5), quantile(histogram, 0.99)
    if p50 is None or p99 is None:
        return None
    return Lateness(sum(histogram.values()), p50, p99, max(seconds for seconds, count in histogram.items() if count))
