"""A lake of one dataset of files, filled through the real rooms; and what its marts say of the rows behind them."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb
import polars as pl

import lakehouse
from lakehouse.accounts.books import Books, total
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.dedupe import content_hash
from lakehouse.landing.ledger import load_ledger
from lakehouse.marts.explain import predicate
from lakehouse.marts.publish import current_version, published_path
from lakehouse.marts.records import MartsReport
from lakehouse.marts.specs import MartSpec, mart_specs
from lakehouse.operations.reconciliation import reconcile
from lakehouse.settings import DatasetSettings, Lake, LakeSettings, open_lake
from lakehouse.steps.build import build_days, stale_days
from lakehouse.steps.ingest import READ_ALREADY, IngestReport, ingest
from lakehouse.steps.publish import publish_marts
from lakehouse.tables.views import clean_version, committed_accounts, register_views

REAL = Path(lakehouse.__file__).parents[2] / "shared" / "realdata"
KEY = "a key for tests that is long enough"


@dataclass(frozen=True)
class DatasetLake:
    """A lake with a fixed clock, and the dataset in it."""

    lake: Lake
    dataset: Dataset

    @classmethod
    def of(cls, name: str, folder: Path, start: dt.date, clock: dt.datetime) -> Self:
        """An empty one, or the one that is there."""
        settings = LakeSettings(clock=clock, datasets={name: DatasetSettings(start=start)})
        return cls(open_lake(folder).with_settings(settings), find_dataset(name))

    @property
    def folder(self) -> Path:
        assert self.lake.store.root is not None
        return self.lake.store.root

    def ingest(self, *paths: Path) -> IngestReport:
        """Land files and folders; all must be readable."""
        report = ingest(self.lake, self.dataset, [str(path) for path in paths])
        report.raise_for_errors()
        return report

    def build(self) -> Books:
        """Build what is stale; the books of those days."""
        with build_days(self.lake, self.dataset, [stale.day for stale in stale_days(self.lake, self.dataset)]) as builds:
            return total(build().books for build in builds)

    def publish(self) -> MartsReport:
        return publish_marts(self.lake, self.dataset)

    def fill(self, sample: Path) -> Self:
        """A sample as it comes: the first files, built; the late ones, built."""
        for part in ("first", "late"):
            self.ingest(sample / part)
            self.build()
        return self

    def fill_in_any_order(self, files: Sequence[Path], seed: int, *, largest: int = 5) -> Self:
        """The files in groups of any size up to the largest and in any order, built now and then and at the end."""
        rng = random.Random(seed)  # noqa: S311  an order
        left = rng.sample(files, len(files))
        while left:
            size = rng.randint(1, largest)
            self.ingest(*left[:size])
            left = left[size:]
            if rng.random() < 0.3:
                self.build()
        self.build()
        return self

    def rows(self) -> pl.DataFrame:
        """The clean table."""
        return pl.read_parquet(list(clean_version(self.lake, self.dataset.contract).files), hive_partitioning=False)

    def content(self) -> list[str]:
        """The content of the clean table without provenance, comparable."""
        return sorted(content_hash(self.rows(), self.dataset.contract))

    def content_of_many(self) -> tuple[int, int]:
        """How many rows the clean table has, and a number made of their content without provenance in any order: for tables of millions of rows."""
        rows = self.rows().select(self.dataset.contract.content_columns)
        return rows.height, int(rows.hash_rows(seed=1).sum())

    def books(self) -> Books:
        """The books of all committed builds."""
        return total(a.books for a in committed_accounts(self.lake, self.dataset.contract).values())

    def rules(self) -> dict[str, int]:
        """Refused lines and rows by rule."""
        found: Counter[str] = Counter()
        for account in committed_accounts(self.lake, self.dataset.contract).values():
            found.update(account.quarantine_rules)
        return dict(found)

    def filtered(self) -> dict[str, int]:
        """Rows that were left out, by rule."""
        found: Counter[str] = Counter()
        for account in committed_accounts(self.lake, self.dataset.contract).values():
            for rules in account.filtered_rules.values():
                found.update(rules)
        return dict(found)

    def marts(self) -> duckdb.DuckDBPyConnection:
        """The published file."""
        path = published_path(self.lake, self.dataset)
        assert path is not None
        return duckdb.connect(str(path), read_only=True)

    @contextmanager
    def views(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Clean, quarantine and the account as views of the schema `lake`, and the published marts as `marts`."""
        path = published_path(self.lake, self.dataset)
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"ATTACH '{path}' AS marts (READ_ONLY)")
            register_views(con, self.lake, self.dataset.contract, "lake")
            yield con


def assert_explained(spec: MartSpec, held: Any, marts: duckdb.DuckDBPyConnection, views: duckdb.DuckDBPyConnection, some: str = "") -> None:
    """Each row of a mart is explained by as many clean and quarantined rows as it counts. `held`: has the `lake` and the `dataset`. `some`: SQL
    that leaves only some rows of the mart."""
    record = current_version(held.lake, held.dataset)
    assert record is not None
    found = marts.execute(f"SELECT * FROM {spec.name} {some}")
    names = [column[0] for column in found.description]
    for values in found.fetchall():
        row = dict(zip(names, values, strict=True))
        for template, rows, counts in (
            (spec.explain, "count(*) FROM lake.clean", spec.explain_counts),
            (spec.explain_quarantine, 'count(DISTINCT (part, line, "row")) FROM lake.quarantine', spec.explain_quarantine_counts),
        ):
            if template is not None:
                condition = predicate(spec, template, row, record)
                count = views.execute(f"SELECT {rows} WHERE {condition}").fetchall()[0][0]
                assert counts is None or count == row[counts], condition


def assert_closed_and_settled(held: DatasetLake, *paths: Path) -> None:
    """The books of a published lake close from its files to its marts, and the same files again land, build and publish nothing."""
    told = reconcile(held.lake, held.dataset)
    assert told.closes, list(map(str, told.differences))
    assert (told.fetch.difference(), told.pending, told.books.balanced()) == (0, 0, True)
    assert told.fetch.placed + told.fetch.unplaced == told.books.lines > 0
    assert {mart.mart for mart in told.marts} == {spec.name for spec in mart_specs(held.dataset.name) if spec.accounts}
    before = (load_ledger(held.lake, held.dataset.name).last_number, current_version(held.lake, held.dataset))
    assert {outcome.skipped for outcome in held.ingest(*paths).outcomes} == {READ_ALREADY}
    assert stale_days(held.lake, held.dataset) == []
    assert held.publish().skipped
    assert (load_ledger(held.lake, held.dataset.name).last_number, current_version(held.lake, held.dataset)) == before


def only(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """The one row that a query gives, by column."""
    found = con.execute(sql)
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    assert len(rows) == 1, rows
    return dict(zip(names, rows[0], strict=True))


def files_of(*folders: Path) -> list[Path]:
    """All files below folders, sorted."""
    return sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())
