"""Ids that came again with another time, over files that together may be far larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from lakehouse.contracts.model import Contract
from lakehouse.tables.committed import naming_damage, scan_committed

_ID = "_id"
_TOGETHER = (
    8  # files that are read at once: they hold at most some ten thousand rows each, and opening many small ones takes longer than reading them
)


def repeated_ids(files: Sequence[str], contract: Contract) -> int:
    """How many ids of these Parquet files have more than one event time.

    The hashes of all ids are compared (eight bytes a row are held), then the times of those that come more than once, as the events of one record do,
    and in the end the ids themselves of those that seem to have several.
    """
    ids, time = list(contract.id_columns), contract.event_time
    again: pl.Series | None = None
    groups = [files[at : at + _TOGETHER] for at in range(0, len(files), _TOGETHER)]
    for held in ([], [time]):
        again = _twice(_hashed(group, ids, held, again)[_ID] for group in groups)
        if again.is_empty():
            return 0
    rows = pl.concat([_hashed(group, ids, [*ids, time], again) for group in groups])
    return rows.group_by(ids).agg(pl.col(time).n_unique()).filter(pl.col(time) > 1).height


def _hashed(files: Sequence[str], ids: list[str], held: list[str], among: pl.Series | None) -> pl.DataFrame:
    """The hash of the id of each row of some files as `_id`, or of the rows with one of some hashes, each once, with some columns."""
    with naming_damage(files):
        every = scan_committed(files, hive_partitioning=False, extra_columns="ignore", missing_columns="insert")
        rows = every.select(*dict.fromkeys([*ids, *held])).collect()
    rows = rows.select(rows.select(ids).hash_rows().alias(_ID), *held)
    return rows if among is None else rows.filter(pl.col(_ID).is_in(among.implode())).unique()


def _twice(hashes: Iterable[pl.Series]) -> pl.Series:
    """Those that are there more than once."""
    every = np.concatenate([np.empty(0, np.uint64), *(h.to_numpy() for h in hashes)])
    every.sort()
    return pl.Series(_ID, np.unique(every[1:][every[1:] == every[:-1]]))
