"""Mended lines of sources by position: which file each came from, and which numbers its likes have taken already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from lakehouse.landing.ledger import Ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.positions import read_positions
from lakehouse.landing.read import read_part
from lakehouse.settings import Lake


def reading_of(ledger: Ledger, path: str) -> int:
    """The number of the manifest that read the file which a part is of; of a redrive's part that of the lines it mended, however often."""
    mended = {number: part for part, numbers in ledger.superseded_by.items() for number in numbers}
    while (landed := ledger.find(path)) is not None and landed.number in mended:
        path = mended[landed.number]
    if landed is None:
        raise LookupError(f"no manifest of {ledger.dataset} names {path}")
    return landed.number


def redrives_of(ledger: Ledger, reading: int) -> frozenset[int]:
    """The numbers of the redrives of a file that this manifest read, those of mended lines too."""
    found, fresh = {reading}, {reading}
    while fresh:
        parts = {p.part.path for landed in ledger.parts.values() for p in landed if p.number in fresh}
        fresh = {number for path in parts for number in ledger.superseded_by.get(path, ())} - found
        found |= fresh
    return frozenset(found - {reading})


def numbers_taken(lake: Lake, ledger: Ledger, redrives: Collection[int], leaving: Collection[LineRef]) -> dict[bytes, set[int]]:
    """Line -> the numbers that it has among the mended lines of its file; those that are superseded, are `leaving` or have no text take none."""
    taken: dict[bytes, set[int]] = defaultdict(set)
    for landed in (p for parts in ledger.parts.values() for p in parts if p.number in redrives):
        path = landed.part.path
        if ledger.seal_of(path) is not None:
            continue
        repeats = read_positions(lake.store, landed.part).repeats
        if repeats is None:
            continue
        gone = ledger.superseded.get(path, frozenset[int]()) | ledger.erased(path) | {ref.line for ref in leaving if ref.part == path}
        lines = b"".join(read_part(lake, landed.part)).split(b"\n")
        for number, (line, repeat) in enumerate(zip(lines, repeats.tolist(), strict=False), 1):
            if number not in gone:
                taken[line].add(repeat)
    return taken
