"""Landing mended lines: they supersede the lines that they were made of, which stay where they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.model import Contract
from lakehouse.errors import TerminalError, TransientError
from lakehouse.landing.commit import append
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import LineRef, Manifest
from lakehouse.landing.mended import numbers_taken, reading_of, redrives_of
from lakehouse.landing.parts import PartWriter
from lakehouse.landing.positions import Positions, read_positions
from lakehouse.landing.routing import ROUTING_VERSION, Router
from lakehouse.landing.sealed import erased_line, expired_part, refuse_sealed
from lakehouse.landing.write import new_fetch_id
from lakehouse.settings import Lake


class Origin(NamedTuple):
    """Where a line came from. `reading`: the number of the manifest that read its file, where the contract numbers repeated lines, else 0."""

    source: str
    application: str
    reading: int


def land_redrive(lake: Lake, contract: Contract, mended: Sequence[tuple[LineRef, bytes]], run_id: str | None = None) -> Manifest:
    """Land mended lines in new parts, each in the grain of its own time, and commit them with one manifest that names the lines they supersede.

    All lines must come from one source and application, because a manifest has one, and where repeats are numbered from one reading of one file.
    Mended lines are not compared with what landed before: copies are duplicates in clean. A mended line whose own time is of a sealed day lands
    unplaced. Raises `TerminalError`, and lands nothing, for an empty list, a line that is not there, is named twice, is superseded or was erased
    already (by another process in the meantime, too), a line of a sealed day, and a mended line that is empty or holds a newline, `TransientError`
    when another process mends lines of the same file at the same moment.
    """
    ledger = load_ledger(lake, contract.name)
    refs = tuple(ref for ref, _ in mended)
    origin = _origin(ledger, refs, contract)
    redrives = redrives_of(ledger, origin.reading) if origin.reading else frozenset[int]()
    started_at = lake.now()
    fetch_id = new_fetch_id(started_at, "redrive")
    positions = _positions(lake, contract, ledger, mended, numbers_taken(lake, ledger, redrives, refs))
    router = Router(contract, lake.start(contract.name, contract.history), started_at, ledger.sealed)
    writer = PartWriter(lake.store, contract.name, fetch_id, ids=not positions)
    unplaced = _write(writer, router, mended, positions)
    parts = writer.finish()
    landed_at = lake.now()

    def manifest(follows: Ledger) -> Manifest:
        _origin(follows, refs, contract)
        if origin.reading and redrives_of(follows, origin.reading) != redrives:
            raise TransientError("Another process mended lines of the same file in the meantime, and may have taken their numbers. Run it again.")
        refuse_sealed(follows, parts)
        return Manifest(
            number=follows.last_number + 1,
            dataset=contract.name,
            source=origin.source,
            application=origin.application,
            fetch_id=fetch_id,
            kind="redrive",
            purpose="redrive",
            window=None,
            covered=None,
            started_at=started_at,
            landed_at=landed_at,
            books=FetchBooks(len(mended), 0, len(mended) - unplaced, unplaced),
            parts=parts,
            supersedes=refs,
            run_id=run_id,
            routing=ROUTING_VERSION,
        )

    return append(lake, ledger, manifest)


def _write(writer: PartWriter, router: Router, mended: Sequence[tuple[LineRef, bytes]], positions: Mapping[LineRef, Positions]) -> int:
    """Hand the lines to a writer, each in its grain; how many of them are unplaced."""
    unplaced = 0
    for ref, line in mended:
        if not line.strip() or b"\n" in line:
            raise TerminalError(f"The mended line for line {ref.line} of {ref.part} is empty or holds a newline. Expected one record on one line.")
        grain, time, identity = router.route(line)
        grain = router.home(grain)
        times = [time] if time is not None and grain != router.unplaced else []
        if positions:
            writer.add_text(grain, line + b"\n", positions[ref], (times[0], times[0]) if times else None)
        else:
            writer.add(grain, [line], [identity], times)
        unplaced += grain == router.unplaced
    return unplaced


def _positions(
    lake: Lake, contract: Contract, ledger: Ledger, mended: Sequence[tuple[LineRef, bytes]], taken: dict[bytes, set[int]]
) -> dict[LineRef, Positions]:
    """Where each line stood in its source that is superseded here; nothing of a source by time.

    Where repeats are numbered, mended lines of a file that are alike are numbered among each other, over all redrives: each gets the first number
    that is not `taken`. One that is like a line that was sound is its duplicate.
    """
    found: dict[LineRef, Positions] = {}
    before: dict[str, Positions] = {}
    likes = defaultdict(set, taken)
    for ref, line in mended:
        landed = ledger.find(ref.part)
        if landed is None or not landed.part.pos:
            return {}
        if ref.part not in before:
            before[ref.part] = read_positions(lake.store, landed.part)
        number = next(n for n in count(1) if n not in likes[line])
        likes[line].add(number)
        repeats = np.array([number], np.int64) if contract.numbered_repeats else None
        found[ref] = Positions(before[ref.part].numbers[ref.line - 1 : ref.line], repeats)
    return found


def origins(ledger: Ledger, refs: Sequence[LineRef], contract: Contract) -> dict[LineRef, Origin]:
    """Where each line came from. Raises `TerminalError` for a line that may not be superseded."""
    if not refs:
        raise TerminalError("There is nothing to redrive: expected at least one mended line.")
    found: dict[LineRef, Origin] = {}
    readings: dict[str, int] = {}
    for ref in refs:
        if ref in found:
            raise TerminalError(f"Line {ref.line} of {ref.part} is mended twice. Expected each line once.")
        landed = ledger.find(ref.part)
        if landed is None:
            raise TerminalError(f"There is no part {ref.part} in raw of {ledger.dataset}. Expected a path as the quarantine tells it.")
        if not 1 <= ref.line <= landed.part.lines:
            raise TerminalError(f"{ref.part} has {landed.part.lines} lines, so there is no line {ref.line}. Lines count from 1.")
        if ref.line in ledger.superseded.get(ref.part, ()):
            raise TerminalError(f"Line {ref.line} of {ref.part} is superseded already. Mend the newer line, if it is quarantined too.")
        if gone := erased_line(ledger, ref):
            raise TerminalError(f"Line {ref.line} of {ref.part} cannot be mended any more: {gone}.")
        gone = expired_part(ledger, ref.part)
        if gone is not None:
            raise TerminalError(f"Line {ref.line} of {ref.part} cannot be mended any more: {gone}, and its day is never built again.")
        if ref.part not in readings:
            readings[ref.part] = reading_of(ledger, ref.part) if contract.numbered_repeats and landed.part.pos else 0
        found[ref] = Origin(landed.source, landed.application, readings[ref.part])
    return found


def _origin(ledger: Ledger, refs: Sequence[LineRef], contract: Contract) -> Origin:
    found = set(origins(ledger, refs, contract).values())
    if len(found) > 1:
        told = ", ".join(sorted({f"{origin.source}/{origin.application}" for origin in found}))
        raise TerminalError(f"The lines come from several sources, applications or files ({told}). Redrive those of each by themselves.")
    return found.pop()
