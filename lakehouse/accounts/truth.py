"""The truth of a sample: what its generator put in, counted exactly, so that a run can be checked to the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import msgspec

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.errors import LakeFormatError

TRUTH_FILE = "truth.json"


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every generator tells of all its records together.

    `fetch`, `books`: of one reading of everything. `rules`: quarantined lines and rows by rule. `days`: kept rows by UTC day (`2026-11-20`).
    """

    fetch: FetchBooks = FetchBooks()
    books: Books = Books()
    rules: dict[str, int] = {}
    days: dict[str, int] = {}


class TruthFile(msgspec.Struct, frozen=True):
    """A truth that lies beside its sample."""

    def save(self, folder: Path) -> None:
        """Write `truth.json`, the last file of a sample: a folder without it holds none."""
        (folder / TRUTH_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `truth.json`; `LakeFormatError` when there is none or it cannot be read."""
        path = folder / TRUTH_FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError as error:
            raise LakeFormatError(f"{folder} holds no complete sample: {TRUTH_FILE} is missing. Generate it again.") from error
        except msgspec.DecodeError as error:
            raise LakeFormatError(f"{path} cannot be read: {error}. Generate the sample again.") from error


class SampleTruth(TruthFile, frozen=True):
    """What a sample of files was made from and what it holds. `defects`: how many of each kind were put in. `facts`: what its marts must say."""

    arguments: dict[str, Any]
    total: Counts
    defects: dict[str, int] = {}
    facts: dict[str, Any] = {}
