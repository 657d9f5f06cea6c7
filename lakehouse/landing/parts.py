"""Writing parts: lines go to their grain, are compressed as they come, and leave memory as soon as they are many."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import zstandard

from lakehouse.contracts.grain import Grain
from lakehouse.errors import TerminalError
from lakehouse.landing.identity import encode_ids
from lakehouse.landing.manifest import Part
from lakehouse.landing.positions import Positions, encode_positions
from lakehouse.storage import Store
from lakehouse.storage.failpoints import fail_point

# Text becomes a zstd frame of its own at this size: below it the ratio suffers, above it 744 hours of one file would not fit into memory.
FRAME_BYTES = 1 << 20
# What all grains of one fetch may hold together: text not yet compressed, and frames not yet written. The largest gives way.
TEXT_LIMIT = 16 << 20
FRAMES_LIMIT = 24 << 20
_NEWLINE = 10


@dataclass
class _Draft:
    """A part under way."""

    texts: list[bytes | memoryview] = field(default_factory=list)  # of whole lines, each ended by a newline
    text: int = 0
    frames: list[bytes] = field(default_factory=list)
    packed: int = 0
    lines: int = 0  # counted in the text of the frames, never told by who adds them: the manifest is held against it
    raw: int = 0
    ids: list[bytes] = field(default_factory=list)
    positions: list[Positions] = field(default_factory=list)
    first: dt.datetime | None = None
    last: dt.datetime | None = None


class PartWriter:
    """The parts of one fetch. `add` lines, then `finish`.

    A grain gets `<fetch_id>.jsonl.zst`, and `<fetch_id>.2.jsonl.zst` and so on when it is large. What is written is no part of raw until a
    manifest names it. With `ids` false (sources by position) no identity file is written. Lines that come with positions have them in `.pos` beside
    their part.
    """

    def __init__(self, store: Store, dataset: str, fetch_id: str, *, ids: bool) -> None:
        self._store, self._dataset, self._fetch_id, self._ids = store, dataset, fetch_id, ids
        self._drafts: dict[str, _Draft] = {}
        self._text = self._packed = 0
        self._compress = zstandard.ZstdCompressor(level=3 if ids else 1, write_checksum=True).compress  # rows of a file are much alike
        self.parts: list[Part] = []

    def add(self, grain: str, lines: Sequence[bytes], ids: Sequence[bytes], times: Sequence[dt.datetime]) -> None:
        """Lines of one grain in order, without newlines; their identities; the times of those that have one."""
        if any(b"\n" in line for line in lines):
            raise TerminalError(f"{self._dataset}: the source gave a line with a newline inside. Expected one record per line, verbatim.")
        draft = self._drafts.setdefault(grain, _Draft())
        if self._ids:
            draft.ids.extend(ids)
        self._grow(draft, b"\n".join([*lines, b""]), (min(times), max(times)) if times else None)

    def add_text(self, grain: str, text: bytes | memoryview, positions: Positions, times: tuple[dt.datetime, dt.datetime] | None) -> None:
        """The same for many lines at once: each ended by a newline, where they stood in their source, and the first and last time."""
        draft = self._drafts.setdefault(grain, _Draft())
        draft.positions.append(positions)
        self._grow(draft, text, times)

    def _grow(self, draft: _Draft, text: bytes | memoryview, times: tuple[dt.datetime, dt.datetime] | None) -> None:
        draft.texts.append(text)
        draft.text += len(text)
        self._text += len(text)
        if times is not None:
            low, high = times
            draft.first = low if draft.first is None else min(low, draft.first)
            draft.last = high if draft.last is None else max(high, draft.last)
        if draft.text >= FRAME_BYTES:
            self._pack(draft)
        self._relieve()

    def finish(self) -> tuple[Part, ...]:
        """Write what is left and make every file durable. The parts by path; the manifest that names them may follow."""
        for grain in sorted(self._drafts):
            self._write(grain)
        self.parts.sort(key=lambda part: part.path)
        self._store.sync(path for part in self.parts for path in (part.path, part.ids, part.pos) if path)
        fail_point("landing.after_parts_synced")
        return tuple(self.parts)

    def _relieve(self) -> None:
        while self._text > TEXT_LIMIT:
            self._pack(max(self._drafts.values(), key=lambda draft: draft.text))
        while self._packed > FRAMES_LIMIT:
            self._write(max(self._drafts, key=lambda grain: self._drafts[grain].packed))

    def _pack(self, draft: _Draft) -> None:
        text = b"".join(draft.texts)
        frame = self._compress(text)
        draft.frames.append(frame)
        draft.lines += int(np.count_nonzero(np.frombuffer(text, np.uint8) == _NEWLINE))
        draft.raw += len(text)
        draft.packed += len(frame)
        self._packed += len(frame)
        self._text -= draft.text
        draft.texts, draft.text = [], 0

    def _write(self, grain: str) -> None:
        draft = self._drafts.pop(grain)
        if draft.texts:
            self._pack(draft)
        self._packed -= draft.packed
        stem = self._stem(grain)
        data = b"".join(draft.frames)
        ids = f"{stem}.ids" if self._ids else ""
        self._create(f"{stem}.jsonl.zst", data)
        fail_point("landing.after_part")
        if ids:
            self._create(ids, encode_ids(draft.ids))
            fail_point("landing.after_ids")
        pos = f"{stem}.pos" if draft.positions else ""
        if pos:
            self._create(pos, encode_positions(draft.positions))
            fail_point("landing.after_pos")
        self.parts.append(
            Part(
                path=f"{stem}.jsonl.zst",
                ids=ids,
                grain=grain,
                lines=draft.lines,
                size=len(data),
                raw_bytes=draft.raw,
                sha256=hashlib.sha256(data).hexdigest(),
                min_time=draft.first,
                max_time=draft.last,
                pos=pos,
            )
        )

    def _stem(self, grain: str) -> str:
        earlier = sum(part.grain == grain for part in self.parts)
        place = f"raw/{self._dataset}/{Grain.parse(grain).raw_folder}/{self._fetch_id}"
        return f"{place}.{earlier + 1}" if earlier else place

    def _create(self, path: str, data: bytes) -> None:
        if not self._store.create(path, data):
            raise TerminalError(f"{self._store.uri(path)} is there already, though fetch ids are random. Run the fetch again.")
