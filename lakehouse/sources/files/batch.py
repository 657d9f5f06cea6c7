"""Lines of a file as they land, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

RAW_TEXT = 1 << 16  # characters of a document or line that cannot be split, at most


@dataclass(frozen=True)
class Batch:
    """`text`: lines, each ended by a newline; line i is `text[offsets[i] : offsets[i + 1]]`. `numbers[i]`: where it began in the file, from 1.

    `columns`: where the format has columns, those that were asked for, as text (null in lines that have none); else None.
    """

    text: bytes
    offsets: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    columns: pl.DataFrame | None = None


def of_lines(lines: Sequence[bytes], numbers: Sequence[int], columns: pl.DataFrame | None = None) -> Batch:
    """A batch of lines without their newlines."""
    ends = np.cumsum(np.fromiter((len(line) + 1 for line in lines), np.int64, len(lines)))
    return Batch(b"".join(line + b"\n" for line in lines), np.concatenate([[0], ends]), np.array(numbers, np.int64), columns)


def raw_line(text: bytes) -> bytes:
    """The line for text that cannot be split into a record: `{"_raw": text}`. A byte that is no UTF-8 stands in it as `\\xNN`."""
    return msgspec.json.encode({"_raw": text.decode("utf-8", "backslashreplace")})
