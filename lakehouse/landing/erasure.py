"""Erasure: the text of lines is gone for ever, and their places stay, so that nothing else has to be numbered anew."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec
import zstandard

from lakehouse.errors import TerminalError
from lakehouse.landing.commit import append, upkeep
from lakehouse.landing.identity import digest
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import Manifest, Move, Part
from lakehouse.landing.parts import FRAME_BYTES
from lakehouse.landing.read import read_lines, read_part
from lakehouse.landing.rewrite import Rewritten, join, read_bytes, with_newer_ledgers
from lakehouse.landing.sealed import expired_part
from lakehouse.landing.write import new_fetch_id
from lakehouse.settings import Lake

Lines = Mapping[str, Collection[int]]  # part path -> numbers of its lines
TOMBSTONE = "_erased"  # the only field of what stands in the place of an erased line; its value is the id of the erasure


def land_erasure(lake: Lake, dataset: str, lines: Lines, *, who: str, reason: str, run_id: str | None = None) -> Manifest | None:
    """Erase the text of lines, by one manifest, which is durable; None where every line was erased before.

    The files that held the text are still there: see `delete_vacated`. Other parts that shared a file with an erased line are moved out of it. When a
    part is moved or erased by another process in the meantime, what was written is deleted and all is done again; `ConflictError` after some tries.
    Raises `TerminalError`, and changes nothing, for a part or line that is not there or blank, one of a sealed day, and a damaged or missing file.
    """
    return with_newer_ledgers(lake, load_ledger(lake, dataset), lambda newest: _erase(lake, newest, lines, who, reason, run_id))


def refuse_gone(ledger: Ledger, lines: Lines) -> None:
    """Raise `TerminalError` for a part or line that is not there, and for one of a sealed day."""
    for path, numbers in lines.items():
        landed = ledger.find(path)
        if landed is None:
            raise TerminalError(f"There is no part {path} in raw of {ledger.dataset}. Expected a path as explain and the quarantine tell it.")
        for number in numbers:
            if not 1 <= number <= landed.part.lines:
                raise TerminalError(f"{path} has {landed.part.lines} lines, so there is no line {number}. Lines count from 1.")
        if gone := expired_part(ledger, path):
            raise TerminalError(
                f"{path} has no text that could be erased: {gone}. What was built of it stays, because a sealed day is never built again: rows of "
                "the clean table, in which personal data are tokens, and the marts made of them."
            )


def _erase(lake: Lake, ledger: Ledger, lines: Lines, who: str, reason: str, run_id: str | None) -> Manifest | None:
    refuse_gone(ledger, lines)
    fresh = {path: left for path, numbers in lines.items() if (left := frozenset(numbers) - ledger.erased(path))}
    if not fresh:
        return None
    now = lake.now()
    fetch_id = new_fetch_id(now, "erasure")
    files = {landed.part.file for path in fresh if (landed := ledger.find(path)) is not None}
    grains = sorted({landed.part.grain for path in fresh if (landed := ledger.find(path)) is not None})
    moved = [p.part for grain in grains for p in ledger.parts[grain] if p.part.file in files]
    with Rewritten(lake) as written:
        moves = tuple(_moves(lake, written, fetch_id, moved, fresh))
        written.sync()
        erased_ids = _identities(lake, moved, fresh)

        def manifest(follows: Ledger) -> Manifest:
            written.offer(follows, moved)
            return upkeep(
                lake, follows, "erasure", fetch_id=fetch_id, started_at=now, moves=moves, who=who, reason=reason, erased_ids=erased_ids, run_id=run_id
            )

        return append(lake, ledger, manifest)


def _identities(lake: Lake, moved: Sequence[Part], fresh: Mapping[str, frozenset[int]]) -> tuple[str, ...]:
    """Of the lines that nothing else would know again: a part by time keeps its identity file."""
    parts = [part for part in moved if part.path in fresh and not part.ids]
    return tuple(sorted({digest(line).hex() for part in parts for _, line in read_lines(lake, part, sorted(fresh[part.path]))}))


def _moves(lake: Lake, written: Rewritten, fetch_id: str, moved: Sequence[Part], fresh: Mapping[str, frozenset[int]]) -> Iterator[Move]:
    """Each part of which lines are erased goes to a file of its own, what else was in its file to another."""
    for file, held in groupby(sorted(moved, key=lambda p: (p.file, p.offset)), key=lambda p: p.file):
        others: list[Part] = []
        for part in held:
            if part.path in fresh:
                yield _without(lake, written, fetch_id, part, fresh[part.path])
            else:
                others.append(part)
        if others:
            yield from _apart(lake, written, fetch_id, file, others)


def _without(lake: Lake, written: Rewritten, fetch_id: str, part: Part, erased: frozenset[int]) -> Move:
    """The part with tombstones in the places of these lines."""
    tombstone = msgspec.json.encode({TOMBSTONE: fetch_id})
    compress = zstandard.ZstdCompressor(level=3, write_checksum=True).compress
    read_bytes(lake, part)  # says so when the file is gone or damaged
    frames: list[bytes] = []
    raw_bytes, first = 0, 1
    for block in read_part(lake, part, block_bytes=FRAME_BYTES):
        texts = block.split(b"\n")
        count = len(texts) - block.endswith(b"\n")
        for number in (n for n in erased if first <= n < first + count):
            if not texts[number - first].strip():
                raise TerminalError(f"Line {number} of {part.path} is blank: it holds nothing that could be erased.")
            texts[number - first] = tombstone
        text = b"\n".join(texts)
        frames.append(compress(text))
        raw_bytes, first = raw_bytes + len(text), first + count
    data = b"".join(frames)
    stored = f"{part.path.rpartition('.jsonl')[0]}.{fetch_id}.jsonl.zst"
    written.create(stored, data)
    return Move(part.path, stored, 0, len(data), hashlib.sha256(data).hexdigest(), raw_bytes, erased=tuple(sorted(erased)))


def _apart(lake: Lake, written: Rewritten, fetch_id: str, file: str, others: Sequence[Part]) -> Iterator[Move]:
    """The parts that only shared a file with an erased line, together in another, byte for byte."""
    folder, _, name = file.rpartition("/")
    stem, _, suffix = name.rpartition(".jsonl")
    stored = f"{folder}/{stem.partition('.')[0]}.{fetch_id}.jsonl{suffix}"
    yield from join(lake, written, stored, others)
