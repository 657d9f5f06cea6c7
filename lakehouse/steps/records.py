"""One raw line as the clean step sees it, for those who explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from lakehouse.datasets.model import Dataset


def rows_of_line(dataset: Dataset, text: bytes, repeat: int = 1) -> pl.DataFrame:
    """The rows of the record of a line, personal data still in plain text; none for a line that is no record.

    `repeat`: where the contract numbers repeated lines, which of its likes the line is.
    A line decoded alone gives the same rows as in its block: that is what the two paths of the decoder are tested for.
    """
    from lakehouse.engines.kernel.decode import decode

    decoded = decode(text.rstrip(b"\r\n") + b"\n", 1, dataset.contract)
    repeats = np.full(len(decoded.numbers), repeat, np.int64) if dataset.contract.numbered_repeats else None
    return dataset.transform(replace(decoded.records, repeats=repeats), dataset.contract)
