"""One raw line as the clean step sees it, for those who explain."""

from __future__ import annotations

import polars as pl

from lakehouse.datasets.model import Dataset


def rows_of_line(dataset: Dataset, text: bytes) -> pl.DataFrame:
    """The rows of the record of a line, personal data still in plain text; none for a line that is no record.

    A line decoded alone gives the same rows as in its block: that is what the two paths of the decoder are tested for.
    """
    from lakehouse.engines.kernel.decode import decode

    decoded = decode(text.rstrip(b"\r\n") + b"\n", 1, dataset.contract)
    return dataset.transform(decoded.records, dataset.contract)
