"""Blocks of text as lines, and what must be true of them before a JSON reader that works on blocks can be trusted with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

# Readers that recurse per level die of a stack overflow on hostile nesting (pyarrow does, at some 10^5 levels). Real records have about ten.
MAX_DEPTH = 100
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
# What is shorter cannot be nested that deep, and what is nested past MAX_DEPTH shows in the type that the reader finds.
_LONG = 1 << 12
_NEWLINE, _RETURN, _OPEN, _CLOSE, _SPACE, _ASCII = 10, 13, 123, 125, 32, 127


@dataclass(frozen=True)
class Lines:
    """Lines of a block of text: `block[starts[i]:ends[i]]` is line i without its newline (and carriage return).

    `numbers[i]` is its number in the part, from 1.
    """

    block: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]

    @classmethod
    def split(cls, block: bytes, first_number: int) -> Lines:
        """All lines of a block. A last line without a newline is a line."""
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == _NEWLINE).astype(np.int64)
        if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
            ends = np.append(ends, len(data))
        starts = np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1] + 1])
        numbers = np.arange(first_number, first_number + len(ends), dtype=np.int64)
        returns = (ends > starts) & (data[np.maximum(ends - 1, 0)] == _RETURN) if len(data) else np.zeros(len(ends), bool)
        return cls(block, starts, ends - returns, numbers)

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, index: int) -> bytes:
        """The bytes of a line."""
        return self.block[self.starts[index] : self.ends[index]]

    def beginning(self, text: bytes) -> npt.NDArray[np.bool_]:
        """Which lines begin with a text."""
        data = np.frombuffer(self.block, np.uint8)
        places = np.flatnonzero(self.ends - self.starts >= len(text))
        for offset, byte in enumerate(text):
            places = places[data[self.starts[places] + offset] == byte]
        found = np.zeros(len(self), bool)
        found[places] = True
        return found

    def take(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Lines:
        """Some of the lines, over the same block."""
        return Lines(self.block, self.starts[keep], self.ends[keep], self.numbers[keep])

    def blank(self) -> npt.NDArray[np.bool_]:
        """Which lines hold nothing but white space."""
        blank: npt.NDArray[np.bool_] = self.ends == self.starts
        if len(self.block):
            data = np.frombuffer(self.block, np.uint8)
            first = data[np.minimum(self.starts, len(data) - 1)]
            for index in np.flatnonzero(~blank & (first <= _SPACE)):
                blank[index] = not self.text(int(index)).strip()
        return blank

    def joined(self) -> bytes:
        """The lines as one text, each ended by a newline. The block itself where nothing was left out."""
        if not len(self):
            return b""
        gaps = np.flatnonzero(self.starts[1:] != self.ends[:-1] + 1)  # lines without one between them are copied together
        starts, ends = self.starts[np.append(0, gaps + 1)].tolist(), self.ends[np.append(gaps, len(self) - 1)].tolist()
        if not len(gaps) and starts[0] == 0 and ends[0] >= len(self.block) - 1:
            return self.block
        return b"".join(self.block[s:e] + b"\n" for s, e in zip(starts, ends, strict=True))

    def texts(self) -> pl.Series:
        """The lines, which must be UTF-8, each with its newline."""
        joined = self.joined()
        ends = np.minimum(np.append(0, np.cumsum(self.ends - self.starts + 1)), len(joined))
        return pl.Series("line", pa.LargeStringArray.from_buffers(len(self), pa.py_buffer(ends.data), pa.py_buffer(joined)))


def plain_objects(lines: Lines, text: bytes) -> bool:
    """Whether the lines may be given to a reader of blocks: cheap, and False when in doubt. `text`: the lines joined.

    Each line begins with `{` and ends with `}`, the text is UTF-8, and no line is long enough to be nested so deep that a reader that recurses dies
    of it. A reader that takes only JSON then finds at least one object in each line, and none that goes on in the next: between the braces of two
    lines there is a newline, which JSON has in no text, and no comma. So where it finds as many records as there are lines, each line is one.
    """
    data = np.frombuffer(lines.block, np.uint8)
    if not bool(np.all(data[lines.starts] == _OPEN) and np.all(data[lines.ends - 1] == _CLOSE)):
        return False
    return _is_utf8(text) and not _deep(lines)


def suspicious(lines: Lines) -> npt.NDArray[np.bool_]:
    """Which lines their bytes alone speak against: no braces at the ends, not as many that close as open, a control character, or no UTF-8.

    A guess, in both directions.
    """
    data = np.frombuffer(lines.block, np.uint8)
    odd: npt.NDArray[np.bool_] = (data[lines.starts] != _OPEN) | (data[lines.ends - 1] != _CLOSE)
    odd |= _count(data == _OPEN, lines) != _count(data == _CLOSE, lines)
    odd |= _count(data < _SPACE, lines) > 0
    if not lines.block.isascii():
        wide = np.flatnonzero(_count(data > _ASCII, lines))
        odd[[i for i in wide.tolist() if not _is_utf8(lines.text(i))]] = True
    return odd


def _count(hits: npt.NDArray[np.bool_], lines: Lines) -> npt.NDArray[np.int64]:
    """How many of the bytes that were hit are in each line. Few are: to look for their places takes a tenth of adding up all bytes."""
    places = np.flatnonzero(hits)
    return np.searchsorted(places, lines.ends) - np.searchsorted(places, lines.starts)


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _deep(lines: Lines) -> bool:
    return any(too_deep(lines.text(int(index))) for index in np.flatnonzero(lines.ends - lines.starts > _LONG))


def too_deep(text: bytes) -> bool:
    """Whether the brackets of a line are nested past `MAX_DEPTH`."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    for byte in _STRING.sub(b"", text):
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    return deepest > MAX_DEPTH
