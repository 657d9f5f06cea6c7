"""The records of marts: versions, and what a build reports."""

from __future__ import annotations

import datetime as dt

import msgspec

from lakehouse.errors import AuditError
from lakehouse.landing.manifest import Window
from lakehouse.marts.dbt import ModelResult, TestResult

VERSION_FORMAT = 1
DateRange = tuple[dt.date, dt.date]  # first and last, inclusive


class BuiltDay(msgspec.Struct, frozen=True):
    """A clean day that marts were built from: the fingerprint of its build, the rows kept in it, and its Parquet files, relative to the lake."""

    fingerprint: int
    kept: int
    files: tuple[str, ...]


class VersionRecord(msgspec.Struct, frozen=True):
    """One published version of the marts of a dataset. The highest number is current.

    `days`: the clean days that it was built from. `clean_version`: the version of the clean table that was read last; days that were not built anew
    may be of earlier ones. `coverage`: application -> stretches read, as they were. `as_of`: last date that marts of reach `all` look at. `models`:
    the marts that were built anew with the mart dates that were (none for those built as a whole). `rows`: rows of every table. `recipe`: hash of
    what makes the marts of the dataset, and of `variables`: what dbt was told of the lake's settings. `file`: the DuckDB file, relative to the
    lake. `reason`: why it was built. `dimensions`: name -> digest of the version that was read.
    """

    number: int
    dataset: str
    built_at: dt.datetime
    clean_version: int
    days: dict[dt.date, BuiltDay]
    coverage: dict[str, tuple[Window, ...]]
    as_of: dt.date | None
    models: dict[str, tuple[DateRange, ...]]
    rows: dict[str, int]
    recipe: str
    variables: dict[str, str | None]
    file: str
    reason: str
    seconds: float
    software: dict[str, str]
    dimensions: dict[str, str] = {}
    format: int = VERSION_FORMAT

    @property
    def files(self) -> tuple[str, ...]:
        """The Parquet files of clean that it was built from, relative to the lake."""
        return tuple(file for built in self.days.values() for file in built.files)


class MartsReport(msgspec.Struct, frozen=True):
    """What a build did. `version`: the current one afterwards (None: nothing was ever published). `skipped`: nothing differed, dbt was not started.

    `reason`: why it was built, or why not. `days`: the clean days that were built anew. `rebuilt`: mart -> mart dates (empty for marts built as a
    whole). `rows`: rows of each mart of `rebuilt` afterwards.
    """

    dataset: str
    version: int | None
    skipped: bool
    reason: str
    days: tuple[dt.date, ...] = ()
    rebuilt: dict[str, tuple[dt.date, ...]] = {}
    tests: tuple[TestResult, ...] = ()
    rows: dict[str, int] = {}
    as_of: dt.date | None = None
    seconds: float = 0.0


class MartsRefusedError(AuditError):
    """A model or a test was red: nothing was published. `tests` and `models` say which; the build's folder is kept for a look."""

    def __init__(self, message: str, *, tests: tuple[TestResult, ...], models: tuple[ModelResult, ...]) -> None:
        super().__init__(message)
        self.tests = tests
        self.models = models
