"""The lines of a person in a small lake, and looking for her in all its files."""

from __future__ import annotations

from typing import Any

import polars as pl
import zstandard
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, event

from lakehouse.steps.erase import erasable, erase, forget_rows

EVE = "eve@example.com"
LANDED = CLOCK.date()
MINE = {"actor": {"email": EVE}}
BROKEN = b'{"id":{"time":"2026-11-17T01:30:00.000Z"},"actor":{"email":"' + EVE.encode() + b'"}, broken'
LINES = (
    event(1, 1), event(1, 2, **MINE), event(1, 3, events="x", **MINE), BROKEN, event(2, 4), event(2, 5, note=f"told {EVE}"),
    event(5, 6, day=BEFORE), event(5, 7, day=BEFORE, **MINE),
)  # fmt: skip
EVERY_DAY = (BEFORE, DAY, LANDED)


def erase_her(made: BuildLake, *, build: bool = True) -> Any:
    """Erase all lines with her address, then build the days and forget the rows. (report, files that were deleted)"""
    found = erasable(made.lake, made.dataset, values=[EVE])
    report = erase(made.lake, made.dataset, found.lines, reason="request 1")
    for day in report.days if build else ():
        made.build(day)
    gone = forget_rows(made.lake, made.dataset) if build else []
    return report, gone


def holding(made: BuildLake, *needles: str) -> list[str]:
    """The files below the lake, unpacked where they are packed, that hold one of the texts."""
    found = []
    for path in sorted(p for p in made.folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".zst":
            whole = b""
            while data:
                unpack = zstandard.ZstdDecompressor().decompressobj()
                whole += unpack.decompress(data)
                data = unpack.unused_data
            data = whole
        elif path.suffix == ".parquet":
            data = pl.read_parquet(path, hive_partitioning=False).write_ndjson().encode()
        if any(n.encode() in data for n in needles):
            found.append(path.relative_to(made.folder).as_posix())
    return found
