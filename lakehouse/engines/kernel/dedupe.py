"""Of rows with an equal key one is kept, and which one never depends on the order of landing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from lakehouse.contracts.model import EXTRA, Contract
from lakehouse.engines.kernel.absent import narrow, with_all_columns

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
    copied once, at the end; only those whose key is not alone are compared. Columns without a value may be left out; `kept` has them.
    """
    key = list(contract.key)
    frame = narrow(frame, keep=key)
    places = frame.select(*key, "_part", "_line").with_row_index(_ROW)
    alone = frame.select(pl.struct(key).is_duplicated().not_()).to_series() if frame.height else pl.Series([], dtype=pl.Boolean)
    duplicates: dict[str, int] = {}
    conflicts = 0
    if not alone.all():
        several = frame.with_row_index(_ROW).filter(~alone)
        winners, conflicts = _winners(several, contract)
        lost = several.select(_ROW, "_part").join(winners, on=_ROW, how="anti")
        duplicates = dict(lost["_part"].value_counts().sort("_part").iter_rows())
        places = pl.concat([places.filter(alone), places.join(winners, on=_ROW, how="semi")])
    order = places.sort([contract.event_time, *key, "_part", "_line"])[_ROW]
    return Deduplicated(with_all_columns(frame[order], contract), duplicates, conflicts)


def _winners(several: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, int]:
    """The rows to keep (their places as `_row_index`), and how many keys have different content."""
    key = list(contract.key)
    different = several.unique([n for n in contract.content_columns if n in several.columns]).filter(pl.struct(key).is_duplicated())
    # A row whose copies are all like it needs no hash: it wins or loses by its place alone.
    compared = several.join(different.select(key).unique(), on=key, how="semi") if different.height else several.clear()
    hashes = compared.select(_ROW).with_columns(content_hash(with_all_columns(compared, contract), contract).alias(_CONTENT))
    conflicts = compared.select(key).with_columns(hashes[_CONTENT]).unique().group_by(key).len().filter(pl.col("len") > 1).height
    order = [*key, *([contract.version_column] if contract.version_column else []), _CONTENT, EXTRA.name, "_landed_at", "_part", "_line"]
    order = [name for name in order if name == _CONTENT or name in several.columns]
    descending = [name == contract.version_column for name in order]
    facts = several.select(_ROW, *(name for name in order if name != _CONTENT))
    ranked = facts.join(hashes, on=_ROW, how="left").sort(order, descending=descending, nulls_last=True)
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
