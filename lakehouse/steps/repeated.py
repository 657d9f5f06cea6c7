"""Ids that came again with another time, over files that together may be far larger than memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lakehouse.contracts.model import Contract

_ID = "_id"


def repeated_ids(files: Sequence[str], contract: Contract) -> int:
    """How many ids of these Parquet files have more than one event time.

    Held are eight bytes for each id and time: first the hashes of all ids are compared, then the ids themselves of those that seem to come again.
    """
    ids, time = list(contract.id_columns), contract.event_time
    hashes = np.concatenate([np.empty(0, np.uint64), *(_hashed(file, ids, time)[_ID].to_numpy() for file in files)])
    hashes.sort()
    again = pl.Series(_ID, np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
    if not len(again):
        return 0
    rows = pl.concat([_hashed(file, ids, time).filter(pl.col(_ID).is_in(again.implode())) for file in files])
    return rows.group_by(ids).agg(pl.col(time).n_unique()).filter(pl.col(time) > 1).height


def _hashed(file: str, ids: list[str], time: str) -> pl.DataFrame:
    """The different ids and times of a file, and the hash of each id."""
    rows = pl.scan_parquet(file, hive_partitioning=False, glob=False).select(*ids, time).unique().collect()
    return rows.with_columns(rows.select(ids).hash_rows().alias(_ID))
