"""Erasing lines of raw, and with them all that was made of them: which lines, the manifest, what must be built again, what must go from disk."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset, FileSource
from lakehouse.errors import ConfigurationError, LakehouseError
from lakehouse.landing.erasure import land_erasure, refuse_gone
from lakehouse.landing.identity import digest
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import LineRef, Manifest
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.vacated import delete_vacated
from lakehouse.settings import Lake
from lakehouse.sources.files import FileReader, in_inbox
from lakehouse.steps.build import stale_days
from lakehouse.steps.search import find_lines
from lakehouse.storage import Entry
from lakehouse.tables.forgotten import forget


@dataclass(frozen=True)
class ErasedPart:
    """How many lines of a part are erased. `day`: of the grain that holds it."""

    day: dt.date
    part: str
    lines: int


@dataclass(frozen=True)
class HoldingFile:
    """A file of the inbox that still holds erased lines: where, how many. None: it cannot be read, so nobody knows."""

    path: str
    lines: int | None


@dataclass(frozen=True)
class Erasable:
    """What an erasure would erase: part path -> numbers of its lines. `expired_days`: days that hold nothing to be searched any more."""

    lines: Mapping[str, frozenset[int]]
    parts: tuple[ErasedPart, ...]
    expired_days: int

    @property
    def count(self) -> int:
        """How many lines."""
        return sum(p.lines for p in self.parts)


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure came to. `manifest`: None where there was no line to erase.

    `days`: those that a build must look at again, of this erasure and of one before it that no build has seen. `files`, `freed`: files of raw that
    were deleted and their bytes, with what an earlier run that was killed had left. `unnamed`: files of raw that no manifest names, of processes that
    were killed or are at work; they may hold the text too, and nobody knows yet whether they are needed.
    """

    manifest: Manifest | None
    parts: tuple[ErasedPart, ...]
    days: tuple[dt.date, ...]
    files: int
    freed: int
    unnamed: int

    @property
    def lines(self) -> int:
        """How many lines."""
        return sum(p.lines for p in self.parts)


def erasable(
    lake: Lake, dataset: Dataset, refs: Sequence[LineRef] = (), values: Sequence[str] = (), progress: Callable[[int, int], None] | None = None
) -> Erasable:
    """The lines that are named, and all lines of raw that hold one of the values (see `search.Sought`); those that were erased before are left out.

    `progress(done, parts)`. Raises `TerminalError` for a line that is not there or of a sealed day.
    """
    ledger = load_ledger(lake, dataset.name)
    named: dict[str, set[int]] = {}
    for ref in refs:
        named.setdefault(ref.part, set()).add(ref.line)
    refuse_gone(ledger, named)
    found = {path: frozenset(numbers) - ledger.erased(path) for path, numbers in named.items()}
    for path, numbers in (find_lines(lake, ledger, values, progress) if values else {}).items():
        found[path] = found.get(path, frozenset()) | numbers
    lines = {path: numbers for path, numbers in sorted(found.items()) if numbers}
    return Erasable(lines, _parts(ledger, {path: len(numbers) for path, numbers in lines.items()}), len(ledger.sealed))


def erase(lake: Lake, dataset: Dataset, lines: Mapping[str, frozenset[int]], *, reason: str, run_id: str | None = None) -> ErasureReport:
    """Erase these lines by one manifest and delete the files that held them. Days are rebuilt by the caller, who then calls `forget_rows`.

    Who asks is the user of the system. Safe to run again after a crash, also with no lines: what the other run left is deleted, and the days that no
    build has seen since are named. Errors are those of `land_erasure`, and `ConfigurationError` for an empty reason.
    """
    if not reason.strip():
        raise ConfigurationError("A reason is required, it is kept in the manifest of the erasure: --reason 'request 4711'.")
    manifest = land_erasure(lake, dataset.name, lines, who=getpass.getuser(), reason=reason.strip(), run_id=run_id) if lines else None
    ledger = load_ledger(lake, dataset.name)
    gone = delete_vacated(lake, ledger)
    touched = {_day(ledger, path) for path in ledger.erasures}
    days = tuple(stale.day for stale in stale_days(lake, dataset) if stale.day in touched)
    erased = {move.part: len(move.erased) for move in manifest.moves if move.erased} if manifest is not None else {}
    unnamed = len(raw_orphans(lake, dataset.name, older_than=dt.timedelta()))
    return ErasureReport(manifest, _parts(ledger, erased), days, len(gone), sum(e.size for e in gone), unnamed)


def forget_rows(lake: Lake, dataset: Dataset) -> list[Entry]:
    """Delete what earlier builds had made of erased lines, where the committed build of the day has seen the erasure. Returns what was deleted."""
    return forget(lake, dataset.contract, load_ledger(lake, dataset.name))


def inbox_holding(lake: Lake, dataset: Dataset) -> list[HoldingFile]:
    """The files of the inbox that hold lines which were erased, in its order. All of them are read, where lines of a file were erased at all.

    What was read from elsewhere, and the files of dimensions, are not looked at.
    """
    erased = load_ledger(lake, dataset.name).erased_ids
    if not erased or not isinstance(dataset.source, FileSource):
        return []
    found = []
    for file in (file for file in in_inbox(lake, dataset).files if file.feed in dataset.source.feeds):
        try:
            texts = (line for batch in FileReader(file, dataset.contract) for line in batch.text.split(b"\n"))
            lines = sum(digest(line).hex() in erased for line in texts)
        except (LakehouseError, OSError):
            found.append(HoldingFile(file.url, None))
        else:
            found += [HoldingFile(file.url, lines)] if lines else []
    return found


def _parts(ledger: Ledger, counts: Mapping[str, int]) -> tuple[ErasedPart, ...]:
    return tuple(sorted((ErasedPart(_day(ledger, path), path, count) for path, count in counts.items()), key=lambda p: (p.day, p.part)))


def _day(ledger: Ledger, path: str) -> dt.date:
    landed = ledger.find(path)
    if landed is None:
        raise LookupError(f"no manifest of {ledger.dataset} names {path}")
    return Grain.parse(landed.part.grain).date
