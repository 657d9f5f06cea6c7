"""Landing mended lines: they supersede the lines that they were made of, which stay where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.model import Contract
from lakehouse.errors import TerminalError
from lakehouse.landing.commit import append
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import LineRef, Manifest
from lakehouse.landing.parts import PartWriter
from lakehouse.landing.positions import Positions, read_positions
from lakehouse.landing.routing import ROUTING_VERSION, Router
from lakehouse.landing.sealed import erased_line, expired_part, refuse_sealed
from lakehouse.landing.write import new_fetch_id
from lakehouse.settings import Lake


def land_redrive(lake: Lake, contract: Contract, mended: Sequence[tuple[LineRef, bytes]], run_id: str | None = None) -> Manifest:
    """Land mended lines in new parts, each in the grain of its own time, and commit them with one manifest that names the lines they supersede.

    All lines must come from one source and application, because a manifest has one. Mended lines are not compared with what landed before: copies are
    duplicates in clean. Raises `TerminalError`, and lands nothing, for an empty list, a line that is not there, is named twice, is superseded or
    was erased already (by another process in the meantime, too), a line of a sealed day, and a mended line that is empty or holds a newline. A mended
    line whose own time is of a sealed day lands unplaced.
    """
    ledger = load_ledger(lake, contract.name)
    refs = tuple(ref for ref, _ in mended)
    source, application = _origin(ledger, refs)
    started_at = lake.now()
    fetch_id = new_fetch_id(started_at, "redrive")
    positions = _positions(lake, contract, ledger, mended)
    writer = PartWriter(lake.store, contract.name, fetch_id, ids=not positions)
    router = Router(contract, lake.start(contract.name, contract.history), started_at, ledger.sealed)
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
    parts = writer.finish()
    landed_at = lake.now()

    def manifest(follows: Ledger) -> Manifest:
        _origin(follows, refs)
        refuse_sealed(follows, parts)
        return Manifest(
            number=follows.last_number + 1,
            dataset=contract.name,
            source=source,
            application=application,
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


def _positions(lake: Lake, contract: Contract, ledger: Ledger, mended: Sequence[tuple[LineRef, bytes]]) -> dict[LineRef, Positions]:
    """Where each line stood in its source that is superseded here; nothing of a source by time.

    Where repeats are numbered, mended lines that are alike are numbered among each other: one that is like a line that was sound is its duplicate.
    """
    found: dict[LineRef, Positions] = {}
    before: dict[str, Positions] = {}
    likes: Counter[bytes] = Counter()
    for ref, line in mended:
        landed = ledger.find(ref.part)
        if landed is None or not landed.part.pos:
            return {}
        if ref.part not in before:
            before[ref.part] = read_positions(lake.store, landed.part)
        likes[line] += 1
        repeats = np.array([likes[line]], np.int64) if contract.numbered_repeats else None
        found[ref] = Positions(before[ref.part].numbers[ref.line - 1 : ref.line], repeats)
    return found


def origins(ledger: Ledger, refs: Sequence[LineRef]) -> dict[LineRef, tuple[str, str]]:
    """(source, application) that each line came from. Raises `TerminalError` for a line that may not be superseded."""
    if not refs:
        raise TerminalError("There is nothing to redrive: expected at least one mended line.")
    found: dict[LineRef, tuple[str, str]] = {}
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
        found[ref] = (landed.source, landed.application)
    return found


def _origin(ledger: Ledger, refs: Sequence[LineRef]) -> tuple[str, str]:
    found = set(origins(ledger, refs).values())
    if len(found) > 1:
        told = ", ".join(sorted(f"{source}/{application}" for source, application in found))
        raise TerminalError(f"The lines come from several sources or applications ({told}). Redrive those of each by themselves.")
    return found.pop()
