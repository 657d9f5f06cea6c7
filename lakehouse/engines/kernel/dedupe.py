"""Of rows with an equal key one is kept, and which one never depends on the order of landing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.contracts.model import EXTRA, Contract

Rows = npt.NDArray[np.int64]
_NO_TIME = -(2**63)
_CONTENT, _ROW = "_content_hash", "_row_index"


@dataclass(frozen=True)
class Deduplicated:
    """`kept`: one row per key, sorted by event time and key. `duplicates`: `_part` -> rows dropped.

    `key_conflicts`: keys that were met with different content.
    """

    kept: pl.DataFrame
    duplicates: dict[str, int]
    key_conflicts: int


def deduplicate(frame: pl.DataFrame, contract: Contract) -> Deduplicated:
    """Keep one row per key of the contract, and sort what is kept.

    The highest version column wins, then the smallest hash of the content, then the smallest `_extra`, whose text may tell the same in another
    order. Rows that are equal in all of that are the same row, and the place of the first in landing order is kept as provenance. The rows are
    copied once, at the end. The event time is in every key, so only rows that share theirs are compared, and only those whose key is not alone are
    looked at as a whole.
    """
    key = list(contract.key)
    order, tied = _by_time(frame, contract)
    duplicates: dict[str, int] = {}
    conflicts = 0
    if tied.any():
        places = frame.select(*key, "_part", "_line").with_row_index(_ROW).filter(tied)
        alone = ~places.select(pl.struct(key).is_duplicated()).to_series()
        if not alone.all():
            several = frame.with_row_index(_ROW).filter(_mask(places.filter(~alone), frame.height))
            winners, conflicts = _winners(several, contract)
            lost = several.join(winners, on=_ROW, how="anti")
            duplicates = dict(lost["_part"].value_counts().sort("_part").iter_rows())
            places = places.join(lost, on=_ROW, how="anti")
            order = order[~_mask(lost, frame.height)[order]]
        order[tied[order]] = places.sort([contract.event_time, *key, "_part", "_line"])[_ROW].to_numpy()
    return Deduplicated(frame.select(pl.all().gather(pl.Series(order))), duplicates, conflicts)


def _mask(rows: pl.DataFrame, height: int) -> npt.NDArray[np.bool_]:
    """Which of so many rows are named."""
    mask = np.zeros(height, bool)
    mask[rows[_ROW].to_numpy()] = True
    return mask


def _by_time(frame: pl.DataFrame, contract: Contract) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """The rows by their event time, and which of them share it with another."""
    times = frame[contract.event_time].to_physical().fill_null(_NO_TIME).to_numpy()
    order = np.argsort(times, kind="stable").astype(np.int64)
    ordered = times[order]
    same = ordered[1:] == ordered[:-1]
    tied = np.zeros(len(order), bool)
    tied[order[1:][same]] = True
    tied[order[:-1][same]] = True
    return order, tied


def _winners(several: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, int]:
    """The rows to keep (their places as `_row_index`), and how many keys have different content."""
    key = list(contract.key)
    filled = [name for name in contract.content_columns if several[name].null_count() < several.height]
    different = several.select(list(dict.fromkeys([*filled, *key]))).unique(filled).filter(pl.struct(key).is_duplicated())
    # A row whose copies are all like it needs no hash: it wins or loses by its place alone.
    compared = several.join(different.select(key).unique(), on=key, how="semi") if different.height else several.clear()
    hashes = compared.select(_ROW).with_columns(content_hash(compared, contract).alias(_CONTENT))
    conflicts = compared.select(key).with_columns(hashes[_CONTENT]).unique().group_by(key).len().filter(pl.col("len") > 1).height
    order = [*key, *([contract.version_column] if contract.version_column else []), _CONTENT, EXTRA.name, "_landed_at", "_part", "_line"]
    descending = [name == contract.version_column for name in order]
    ranked = several.join(hashes, on=_ROW, how="left").sort(order, descending=descending, nulls_last=True)
    return ranked.unique(key, keep="first", maintain_order=True).select(_ROW), conflicts


def content_hash(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """Hash (32 hex digits) of the content of each row: all columns but provenance, as JSON in the contract's order, `_extra` in canonical order."""
    frame = frame.with_columns(pl.Series(EXTRA.name, [t and _canonical_text(t) for t in frame[EXTRA.name]], dtype=pl.String))
    rows = frame.select(pl.struct(contract.content_columns).struct.json_encode()).to_series()
    return pl.Series(_CONTENT, [hashlib.blake2b(r.encode(), digest_size=16).hexdigest() for r in rows], dtype=pl.String)


def _canonical_text(text: str) -> str:
    """`_extra` with its keys and its lists in one order: producers tell the same in any."""
    return json.dumps(_sorted(json.loads(text, parse_int=str, parse_float=str)), sort_keys=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(v) for k, v in value.items()}
    return sorted((_sorted(v) for v in value), key=_text) if isinstance(value, list) else value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
