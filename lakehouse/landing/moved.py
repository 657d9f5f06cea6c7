"""Parts whose bytes were moved: their path stays their name, and a manifest says which file holds them now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from lakehouse.landing.manifest import Move, Part


class Erasure(msgspec.Struct, frozen=True):
    """That the text of lines of a part is gone: the manifest that said so, when, and the numbers of the lines."""

    number: int
    at: dt.datetime
    lines: frozenset[int]


def moved_part(part: Part, move: Move) -> Part:
    """The part after a move."""
    return msgspec.structs.replace(
        part,
        stored=move.stored,
        offset=move.offset,
        size=move.size,
        sha256=move.sha256,
        raw_bytes=move.raw_bytes,
        ids=move.ids or part.ids,
    )


def own_files(part: Part) -> tuple[str, str]:
    """The files that a part lands in: its lines and its identities."""
    return part.path, part.path.rpartition(".jsonl")[0] + ".ids"


def vacated(before: Iterable[Part], after: Iterable[Part]) -> frozenset[str]:
    """The files that parts of a grain had been moved to before and that none of them is in after."""
    held = {file for p in before for file in (p.file, p.ids) if file not in own_files(p)}
    return frozenset(held - {file for p in after for file in (p.file, p.ids)} - {""})
