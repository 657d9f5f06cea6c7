"""Ids that came again with another time, over files that together may be far larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from lakehouse.contracts.model import Contract

_ID = "_id"


def repeated_ids(files: Sequence[str], contract: Contract) -> int:
    """How many ids of these Parquet files have more than one event time.

    The hashes of all ids are compared (eight bytes a row are held), then the times of those that come more than once, as the events of one record do,
    and in the end the ids themselves of those that seem to have several.
    """
    ids, time = list(contract.id_columns), contract.event_time
    again: pl.Series | None = None
    for held in ([], [time]):
        again = _twice(_hashed(file, ids, held, again)[_ID] for file in files)
        if again.is_empty():
            return 0
    rows = pl.concat([_hashed(file, ids, [*ids, time], again) for file in files])
    return rows.group_by(ids).agg(pl.col(time).n_unique()).filter(pl.col(time) > 1).height


def _hashed(file: str, ids: list[str], held: list[str], among: pl.Series | None) -> pl.DataFrame:
    """The hash of the id of each row of a file as `_id`, or of the rows with one of some hashes, each once, with some columns."""
    rows = pl.scan_parquet(file, hive_partitioning=False, glob=False).select(*dict.fromkeys([*ids, *held])).collect()
    rows = rows.select(rows.select(ids).hash_rows().alias(_ID), *held)
    return rows if among is None else rows.filter(pl.col(_ID).is_in(among.implode())).unique()


def _twice(hashes: Iterable[pl.Series]) -> pl.Series:
    """Those that are there more than once."""
    every = np.concatenate([np.empty(0, np.uint64), *(h.to_numpy() for h in hashes)])
    every.sort()
    return pl.Series(_ID, np.unique(every[1:][every[1:] == every[:-1]]))
