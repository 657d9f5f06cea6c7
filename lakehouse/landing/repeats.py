"""Which of the identical lines of a file each line is: the first, the second, and so on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from lakehouse.landing.batches import Ints, LineBatch, lines_of

# Two hashes of 64 bits: among 100 million lines of one file two different ones are taken for the same with a chance of 1e-23. Lines crafted to
# collide count as repeats: they are kept all the same, under another number.
_SEEDS = (0, 1)
_KEY = "V16"


class Repeats:
    """Numbers the lines of one file, batch by batch. Some 100 bytes are held for each different line, 16 where the file is one batch."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._first: np.ndarray | None = None  # the hashes of the first batch, as long as it is the only one

    def number(self, batch: LineBatch) -> Ints:
        """Which of the identical lines of the file each line of the batch is, from 1."""
        hashes = _hashes(batch)
        numbers = np.ones(len(hashes), np.int64)
        if self._first is None and not self._counts and pl.Series(hashes[:, 0]).n_unique() == len(hashes):
            self._first = hashes
            return numbers
        counts = self._counts
        if self._first is not None:
            counts.update(dict.fromkeys(_keys(self._first), 1))
            self._first = None
        keys = _keys(hashes)
        met = dict.fromkeys(keys, 1)
        if len(met) == len(keys) and counts.keys().isdisjoint(met):  # nearly every batch
            counts.update(met)
            return numbers
        for place, key in enumerate(keys):
            numbers[place] = counts[key] = counts.get(key, 0) + 1
        return numbers


def _hashes(batch: LineBatch) -> np.ndarray:
    """Of each line, a row of two numbers."""
    lines: Any = pl.from_arrow(lines_of(batch))
    return np.column_stack([lines.hash(seed).to_numpy() for seed in _SEEDS])


def _keys(hashes: np.ndarray) -> list[bytes]:
    keys: list[bytes] = hashes.view(_KEY).ravel().tolist()
    return keys
