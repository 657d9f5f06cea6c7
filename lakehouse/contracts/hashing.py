"""A hash over the columns of a row that stays the same on every machine and with every version of our libraries (those of Polars do not)."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Lanes = npt.NDArray[np.uint64]  # shape (n, 2)

MIX_FIRST, MIX_SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_HEX_DIGITS = 32


def row_hashes(frame: pl.DataFrame) -> pl.Series:
    """32 hex digits per row over the names and values of all columns, whatever their order.

    Columns are strings, whole numbers, booleans or times (which count as microseconds). An absent value is a value of its own. It is the sum, over
    the columns, of the mixed hashes of their values: a text is BLAKE2b-128, computed once for each distinct one, a number is mixed as it is. It is
    no signature: it tells records apart that nobody made to collide.
    """
    total = np.zeros((frame.height, 2), np.uint64)
    for name in frame.columns:
        total += mix(_values(frame[name]) + _lanes([f"column {name}"]))
    return hex_digits(mix(total))


def _values(column: pl.Series) -> Lanes:
    if column.dtype == pl.String:
        coded = column.to_arrow().dictionary_encode()
        table = np.concatenate([_lanes(pl.Series(coded.dictionary).to_list()), _lanes(["no text"])])
        return table.take(coded.indices.fill_null(len(coded.dictionary)).to_numpy(), axis=0)
    numbers = column.dt.epoch("us") if column.dtype.is_temporal() else column
    found: Lanes = np.repeat(numbers.cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)[:, None], 2, axis=1) + _lanes(["number"])
    found[numbers.is_null().to_numpy()] = _lanes(["no number"])
    return found


def _lanes(texts: list[str]) -> Lanes:
    return np.frombuffer(b"".join([hashlib.blake2b(t.encode(), digest_size=16).digest() for t in texts]), "<u8").reshape(-1, 2)


def mix(lanes: Lanes) -> Lanes:
    """SplitMix64's finalizer (Steele, Lea, Flood 2014), in place."""
    for shift, factor in ((30, MIX_FIRST), (27, MIX_SECOND)):
        lanes ^= lanes >> np.uint64(shift)
        lanes *= np.uint64(factor)
    lanes ^= lanes >> np.uint64(31)
    return lanes


def hex_digits(hashes: Lanes) -> pl.Series:
    """32 hex digits for each hash."""
    digits = np.ascontiguousarray(hashes).astype("<u8", copy=False).tobytes().hex().encode()
    ends = pa.py_buffer((np.arange(len(hashes) + 1, dtype=np.int64) * _HEX_DIGITS).data)
    return pl.Series("hash", pa.LargeStringArray.from_buffers(len(hashes), ends, pa.py_buffer(digits)))
