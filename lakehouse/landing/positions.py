"""Where the lines of a part stood in their source: the file beside a part of a source by position.

Its content is one zstd frame: for every line of the part the line of the source at which its record began (from 1; of a JSON document the number of
the record) as the difference to the line before, then, where the contract numbers repeated lines, for every line which of the identical
lines of its file it is. All are int64, little-endian; the number of lines, which stands in the manifest, tells which of the two it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import zstandard

from lakehouse.errors import LakeFormatError
from lakehouse.landing.manifest import Part
from lakehouse.storage import Store

_INT = np.dtype("<i8")


@dataclass(frozen=True)
class Positions:
    """Of some lines, in their order: `numbers`, where each stood in its source; `repeats`, None where they are not numbered."""

    numbers: npt.NDArray[np.int64]
    repeats: npt.NDArray[np.int64] | None = None


def encode_positions(pieces: Sequence[Positions]) -> bytes:
    """The content of a `.pos` file, of the lines of all pieces one after the other; either all pieces are numbered or none is."""
    numbers = np.concatenate([p.numbers for p in pieces])
    columns = [np.diff(numbers, prepend=0), *(p.repeats for p in pieces if p.repeats is not None)]
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(np.concatenate(columns).astype(_INT).tobytes())


def read_positions(store: Store, part: Part) -> Positions:
    """The positions of the lines of a part that has some (`part.pos`). `LakeFormatError` when the file is missing or damaged."""
    where, remedy = store.uri(part.pos), "Restore it from a backup."
    try:
        values = np.frombuffer(zstandard.ZstdDecompressor().decompress(store.read(part.pos)), _INT).astype(np.int64)
    except FileNotFoundError as error:
        raise LakeFormatError(f"{where} is missing, though a manifest names it. {remedy}") from error
    except (zstandard.ZstdError, ValueError) as error:
        raise LakeFormatError(f"{where} is damaged: {error}. {remedy}") from error
    if len(values) not in (part.lines, 2 * part.lines):
        raise LakeFormatError(f"{where} holds {len(values)} numbers, expected one or two for each of {part.lines} lines. {remedy}")
    return Positions(np.cumsum(values[: part.lines]), values[part.lines :] if len(values) > part.lines else None)
