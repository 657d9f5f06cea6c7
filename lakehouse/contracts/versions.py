"""Versions of a producer's records: each change of their layout is one pure function beside the contract, and all of them lead to the newest.

A transform calls `upgrade` first and knows only the newest layout after it. The record of a contract names the fields of every version; the column
that tells of which version a record was is the contract's `version_column`, so that of one event told in two versions the newer telling is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

UNKNOWN_VERSION = "unknown_version"  # the rule that quarantines a record of a version that nobody has taught us
Upgrade = Callable[[pl.DataFrame], pl.DataFrame]
_PLACE = "_place"


def upgrade(records: pl.DataFrame, versions: pl.Series, upgrades: Sequence[Upgrade]) -> tuple[pl.DataFrame, pl.Series]:
    """The records in the newest layout, in their order; and which of them are of an unknown version (they stay as they are).

    `records`: the fields of the records, a row each. `versions` (integers): the version of each; null for one that has none, which stays as it is.
    `upgrades[n - 1]` makes a record of version n + 1 of one of version n: a frame in, a frame of the same columns, types and rows out. Raises
    `TypeError` for one that does otherwise.
    """
    newest = len(upgrades) + 1
    unknown = (~versions.is_between(1, newest)).fill_null(value=False)
    if not (versions < newest).any():
        return records, unknown
    placed = records.with_row_index(_PLACE)
    lifted = placed.clear()
    for version, step in enumerate(upgrades, 1):
        lifted = _step(pl.concat([lifted, placed.filter(versions == version)]), step, version)
    others = placed.filter(((versions >= newest) | (versions < 1)).fill_null(value=True))
    return pl.concat([others, lifted]).sort(_PLACE).drop(_PLACE), unknown


def _step(placed: pl.DataFrame, step: Upgrade, version: int) -> pl.DataFrame:
    before = placed.drop(_PLACE)
    after = step(before)
    if after.schema != before.schema or after.height != before.height:
        raise TypeError(
            f"The upgrade from version {version} broke its promise: expected {before.height} rows of {dict(before.schema)}, "
            f"got {after.height} of {dict(after.schema)}."
        )
    return after.insert_column(0, placed[_PLACE])
