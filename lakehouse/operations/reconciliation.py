"""Do the layers tell the same story? Sums of the raw manifests against the committed builds against the tables against the marts.

Every number is counted twice from different places: what the log of ingestion says was landed and what the books of the builds account for;
what the books say was kept and how many rows the table's files hold; what a mart says it was made of and the files it was made of.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.state import Ledger
from lakehouse.marts.publish import current_version
from lakehouse.marts.specs import MartSpec, mart_specs
from lakehouse.settings import Lake
from lakehouse.steps.published import open_published
from lakehouse.tables.builds import accounts_of
from lakehouse.tables.committed import naming_damage, scan_committed
from lakehouse.tables.ops import fetches_table
from lakehouse.tables.views import CleanVersion, clean_version

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Difference:
    """Two counts that should be equal and are not. `day` is None where it is not of one day."""

    what: str
    day: dt.date | None
    expected: int
    found: int

    def __str__(self) -> str:
        day = f"{self.day}: " if self.day else ""
        return f"{day}{self.what}: {self.expected:,} against {self.found:,} ({self.found - self.expected:+,})"


@dataclass(frozen=True)
class DayBooks:
    """One day: lines landed in its grains, those no committed build has read yet, the books of its build, and the rows its files really hold."""

    day: dt.date
    landed: int
    pending: int
    books: Books
    clean_rows: int
    quarantine_rows: int
    complete: bool
    built: bool


@dataclass(frozen=True)
class MartAccount:
    """A mart that accounts for rows: the sum of its `_source_rows`, the rows that its predicate leaves out, the clean rows it was built from."""

    mart: str
    source_rows: int
    excluded: int
    clean_rows: int


@dataclass(frozen=True)
class Reconciliation:
    """What was compared, and every difference. The books close when there is none."""

    dataset: str
    fetches: int
    fetch: FetchBooks
    days: tuple[DayBooks, ...]
    marts: tuple[MartAccount, ...]
    differences: tuple[Difference, ...]

    @property
    def closes(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def books(self) -> Books:
        """The sum over the days."""
        return sum((d.books for d in self.days), Books())

    @property
    def pending(self) -> int:
        """Landed lines that no committed build has read yet; no difference, but work that waits."""
        return sum(d.pending for d in self.days)


def reconcile(lake: Lake, dataset: Dataset, days: Sequence[dt.date] | None = None) -> Reconciliation:
    """Compare the layers of a dataset. `days` limits the day books; fetches and marts are always compared whole.

    Work may go on meanwhile: clean is looked at first, so what lands after that is pending, and fetches that the log did not tell of are left out.
    """
    version = clean_version(lake, dataset.contract)
    ledger = load_ledger(lake, dataset.name)
    fetches = [fetch for fetch in _rows(pl.from_arrow(fetches_table(lake, dataset.name))) if int(fetch["number"]) <= ledger.last_number]
    found = tuple(_day_books(lake, ledger, version, days))
    marts = tuple(mart_accounts(lake, dataset))
    differences = (*_fetch_differences(ledger, fetches), *(d for day in found for d in _day_differences(day)), *_mart_differences(marts))
    return Reconciliation(dataset.name, len(fetches), _fetch_sum(fetches), found, marts, differences)


def _fetch_sum(fetches: Sequence[Mapping[str, Any]]) -> FetchBooks:
    return FetchBooks(**{term: sum(int(f[term]) for f in fetches) for term in FetchBooks.__struct_fields__})


def _fetch_differences(ledger: Ledger, fetches: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    landed: Counter[int] = Counter()
    for parts in ledger.parts.values():
        for part in parts:
            landed[part.number] += part.part.lines
    for fetch in fetches:
        number, books = int(fetch["number"]), _fetch_sum([fetch])
        if books.difference():
            yield Difference(f"fetch {number}: read against re-read + placed + unplaced", None, books.read, books.read - books.difference())
        if landed[number] != books.placed + books.unplaced:
            yield Difference(f"fetch {number}: placed + unplaced against the lines of its parts", None, books.placed + books.unplaced, landed[number])


def _day_books(lake: Lake, ledger: Ledger, version: CleanVersion, days: Sequence[dt.date] | None) -> Iterator[DayBooks]:
    books, aside = _accounted(lake, version)
    for day in sorted({*ledger.days(), *version.builds, *version.by_day}):
        if days is not None and day not in days:
            continue
        build = version.builds.get(day)
        parts = [p for grain in ledger.grains(day) for p in ledger.parts[grain.key]]
        yield DayBooks(
            day=day,
            landed=sum(p.part.lines for p in parts),
            pending=sum(p.part.lines for p in parts if build is None or p.number > build.seen),
            books=books.get(day, Books()),
            clean_rows=count_rows(version.by_day.get(day, ())),
            quarantine_rows=count_rows(aside.get(day, [])),
            complete=build is not None and build.complete,
            built=build is not None,
        )


def _accounted(lake: Lake, version: CleanVersion) -> tuple[dict[dt.date, Books], dict[dt.date, list[str]]]:
    """By day: the sum of the books of the committed accounts, and their quarantine files."""
    books: dict[dt.date, Books] = {}
    aside: dict[dt.date, list[str]] = {}
    for (day, _), account in accounts_of(lake, version.builds.values()).items():
        books[day] = books.get(day, Books()) + account.books
        if account.quarantine is not None:
            aside.setdefault(day, []).append(lake.store.uri(account.quarantine.path))
    return books, aside


def _day_differences(day: DayBooks) -> Iterator[Difference]:
    lines, rows = day.books.differences()
    b = day.books
    if lines:
        yield Difference("lines against blank + erased + superseded + unreadable + records", day.day, b.lines, b.lines - lines)
    if rows:
        yield Difference("rows against quarantined + filtered + held + duplicate + kept", day.day, b.rows, b.rows - rows)
    if day.landed != b.lines + day.pending:
        yield Difference("lines landed against lines in the books + pending", day.day, day.landed, b.lines + day.pending)
    if b.kept != day.clean_rows:
        yield Difference("rows kept in the books against rows in the clean table", day.day, b.kept, day.clean_rows)
    aside = b.unreadable + b.quarantined + b.held
    if aside != day.quarantine_rows:
        yield Difference("unreadable + quarantined + held against rows in quarantine", day.day, aside, day.quarantine_rows)


def _mart_differences(marts: Sequence[MartAccount]) -> Iterator[Difference]:
    for mart in marts:
        if mart.source_rows + mart.excluded != mart.clean_rows:
            yield Difference(
                f"mart {mart.mart}: rows of its clean version against _source_rows + excluded",
                None,
                mart.clean_rows,
                mart.source_rows + mart.excluded,
            )


def count_rows(files: Sequence[str]) -> int:
    """Rows that Parquet files really hold, from their footers."""
    if not files:
        return 0
    with naming_damage(files):
        return int(scan_committed(files).select(pl.len()).collect().item())


def mart_accounts(lake: Lake, dataset: Dataset) -> list[MartAccount]:
    """The accounts of the published marts; none where nothing is published."""
    version = current_version(lake, dataset)
    if version is None:
        return []
    kept = sum(day.kept for day in version.days.values())
    with open_published(lake, dataset, version) as con:
        return [_mart_account(con, spec, kept) for spec in mart_specs(dataset.name) if spec.accounts and spec.name in version.rows]


def _mart_account(con: duckdb.DuckDBPyConnection, spec: MartSpec, kept: int) -> MartAccount:
    told = con.execute(f"SELECT coalesce(sum(_source_rows), 0)::BIGINT FROM marts.{spec.name}").fetchall()[0][0]
    excluded = 0
    if spec.source_predicate is not None:
        excluded = con.execute(f"SELECT count(*) FROM clean WHERE NOT coalesce({spec.source_predicate}, false)").fetchall()[0][0]
    return MartAccount(spec.name, int(told), int(excluded), kept)


def _rows(frame: pl.DataFrame | pl.Series) -> list[dict[str, Any]]:
    assert isinstance(frame, pl.DataFrame)  # noqa: S101  from_arrow of a table
    return frame.to_dicts()
