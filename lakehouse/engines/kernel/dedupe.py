"""Of rows with an equal key one is kept, and which one never depends on the order of landing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from lakehouse.contracts.model import EXTRA, Contract

_CONTENT = "_content_hash"


@dataclass(frozen=True)
class Deduplicated:
    """`kept`: one row per key. `duplicates`: `_part` -> rows dropped. `key_conflicts`: keys that were met with different content."""

    kept: pl.DataFrame
    duplicates: dict[str, int]
    key_conflicts: int


def deduplicate(frame: pl.DataFrame, contract: Contract) -> Deduplicated:
    """Keep one row per key of the contract.

    The highest version column wins, then the smallest hash of the content, then the smallest `_extra`, whose text may tell the same in another
    order. Rows that are equal in all of that are the same row, and the place of the first in landing order is kept as provenance. Only rows
    whose key is not alone are hashed.
    """
    if frame.height == 0:
        return Deduplicated(frame, {}, 0)
    key = list(contract.key)
    alone = frame.select(pl.struct(key).is_duplicated().not_()).to_series()
    if alone.all():
        return Deduplicated(frame, {}, 0)
    several = frame.filter(~alone)
    several = several.with_columns(content_hash(several, contract).alias(_CONTENT))
    conflicts = several.group_by(key).agg(pl.col(_CONTENT).n_unique().alias("n")).filter(pl.col("n") > 1).height
    order = [*key, *([contract.version_column] if contract.version_column else []), _CONTENT, EXTRA.name, "_landed_at", "_part", "_line"]
    descending = [name == contract.version_column for name in order]
    ranked = several.sort(order, descending=descending, nulls_last=True)
    winners = ranked.unique(key, keep="first", maintain_order=True)
    lost = ranked["_part"].value_counts().join(winners["_part"].value_counts(), on="_part", how="left", suffix="_kept")
    duplicates = {part: count - (kept or 0) for part, count, kept in lost.select("_part", "count", "count_kept").iter_rows() if count - (kept or 0)}
    return Deduplicated(pl.concat([frame.filter(alone), winners.drop(_CONTENT)]), duplicates, conflicts)


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
