"""The identity of a row that has no id: a hash of its texts, as they stand in the file.

Each distinct text of a column is hashed once (BLAKE2b-128 with the column's place), and the hashes of a row are chained, place by place, by the
finalizer of SplitMix64 (Steele, Lea, Flood 2014) in two lanes of 64 bits that never meet. It is no signature: it tells copies from others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_DIGITS = 32


def row_hashes(columns: Sequence[pl.Series]) -> pl.Series:
    """Hash (32 hex digits) of each row of some columns of strings; a null is hashed like the empty text that CSV writes for it."""
    lanes = np.zeros((len(columns[0]), 2), np.uint64)
    for place, texts in enumerate(columns):
        lanes = _mixed(lanes + _hashes(texts.fill_null(""), place))
    return _hex(lanes)


def _hashes(texts: pl.Series, place: int) -> npt.NDArray[np.uint64]:
    coded: Any = texts.to_arrow().dictionary_encode()
    person = str(place).encode()
    digests = b"".join(hashlib.blake2b(t.encode(), digest_size=16, person=person).digest() for t in coded.dictionary.to_pylist())
    found: npt.NDArray[np.uint64] = np.frombuffer(digests, "<u8").reshape(-1, 2)[coded.indices.to_numpy()]
    return found


def _mixed(lanes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    lanes = (lanes ^ lanes >> np.uint64(30)) * _FIRST
    lanes = (lanes ^ lanes >> np.uint64(27)) * _SECOND
    return lanes ^ lanes >> np.uint64(31)


def _hex(lanes: npt.NDArray[np.uint64]) -> pl.Series:
    text = lanes.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(len(lanes) + 1, dtype=np.int64) * _DIGITS
    buffers: Any = [pa.py_buffer(offsets.tobytes()), pa.py_buffer(text)]
    return pl.Series(pa.LargeStringArray.from_buffers(len(lanes), buffers[0], buffers[1]), dtype=pl.String)
