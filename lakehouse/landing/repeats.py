"""Which of the identical lines of a file each line is: the first, the second, and so on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from lakehouse.landing.batches import Ints, LineBatch, lines_of

# Two hashes of 64 bits: among 100 million lines of one file two different ones are taken for the same with a chance of 1e-23.
_SEEDS = (0, 1)
_KEY = "V16"


class Repeats:
    """Numbers the lines of one file, batch by batch. Some 100 bytes are held for each different line."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}

    def number(self, batch: LineBatch) -> Ints:
        """The how-manieth identical line of the file each line of the batch is, from 1."""
        keys, counts = _keys(batch), self._counts
        numbers = np.ones(len(keys), np.int64)
        met = dict.fromkeys(keys, 1)
        if len(met) == len(keys) and counts.keys().isdisjoint(met):  # nearly every batch
            counts.update(met)
            return numbers
        for place, key in enumerate(keys):
            numbers[place] = counts[key] = counts.get(key, 0) + 1
        return numbers


def _keys(batch: LineBatch) -> list[bytes]:
    lines: Any = pl.from_arrow(lines_of(batch))
    hashes = np.column_stack([lines.hash(seed).to_numpy() for seed in _SEEDS])
    keys: list[bytes] = hashes.view(_KEY).ravel().tolist()
    return keys
