"""The books of a lake against the truth of the sample that it was fed with: every term, tolerance zero."""

from __future__ import annotations

import datetime as dt
import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lakehouse.accounts.books import Books
from lakehouse.accounts.truth import Counts
from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake
from lakehouse.tables.views import committed_accounts


@dataclass(frozen=True)
class TruthTerm:
    """One count as the generator and as the lake tell it."""

    name: str
    truth: int
    lake: int

    @property
    def agrees(self) -> bool:
        """Whether they are equal."""
        return self.truth == self.lake


class _TruthFile(msgspec.Struct):
    total: Counts


def compare(lake: Lake, dataset: Dataset, truth: Path, *, visible_until: dt.datetime | None = None) -> list[TruthTerm]:
    """Every term of the truth beside what the lake says.

    `truth`: a generator's `truth.json`. `visible_until`: count only what the source shows by then (the sample must lie beside the file).
    The generator counts one reading of everything; what the lake's overlaps and sweeps read again is in no other term and is not compared.
    """
    counts = _counts(dataset, truth, visible_until)
    return list(_terms(lake, dataset, counts))


def _counts(dataset: Dataset, truth: Path, visible_until: dt.datetime | None) -> Counts:
    if visible_until is not None:
        found: Any = generator_of(dataset).truth_at(truth.parent, visible_until)
        return msgspec.convert(msgspec.to_builtins(found.total, str_keys=True), Counts, strict=False)
    try:
        return msgspec.json.decode(truth.read_bytes(), type=_TruthFile).total
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{truth} is no truth of a generator: {error}. Expected the truth.json that `lakehouse simulate` writes.") from error


def generator_of(dataset: Dataset) -> Any:
    """The module that makes samples of a dataset. `ConfigurationError` when it has none."""
    name = f"lakehouse.datasets.{dataset.name}.generator"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):  # it is there, and what it imports is not
            raise
        raise ConfigurationError(f"The dataset {dataset.name} has no sample generator.") from error


def _terms(lake: Lake, dataset: Dataset, counts: Counts) -> Iterator[TruthTerm]:
    accounts = committed_accounts(lake, dataset.contract)
    fetch = load_ledger(lake, dataset.name).books
    yield TruthTerm("fetch: placed", counts.fetch.placed, fetch.placed)
    yield TruthTerm("fetch: unplaced", counts.fetch.unplaced, fetch.unplaced)
    books, rules, days = Books(), Counter[str](), Counter[str]()
    for (_, grain), account in accounts.items():
        books = books + account.books
        rules.update(account.quarantine_rules)
        days[grain.date.isoformat()] += account.books.kept
    for term in Books.__struct_fields__:
        yield TruthTerm(f"{'lines' if term in _LINE_TERMS else 'rows'}: {term}", getattr(counts.books, term), getattr(books, term))
    yield from _by("quarantined", counts.rules, rules)
    yield from _by("kept on", counts.days, days)


_LINE_TERMS = frozenset({"lines", "blank", "erased", "superseded", "unreadable", "records"})


def _by(name: str, truth: Mapping[str, int], lake: Mapping[str, int]) -> Iterator[TruthTerm]:
    for key in sorted({k for k, n in (*truth.items(), *lake.items()) if n}):
        yield TruthTerm(f"{name} {key}", truth.get(key, 0), lake.get(key, 0))
