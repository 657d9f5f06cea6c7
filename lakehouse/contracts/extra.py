"""`_extra`: raw values in a JSON object of their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import polars as pl

from lakehouse.contracts.model import EXTRA


def extra_text(extra: Any) -> bytes:
    """JSON text of a tree of raw values (bytes), the values as they stood."""
    if isinstance(extra, bytes):
        return extra
    if isinstance(extra, Mapping):
        return b"{" + b",".join([_name(k) + (v if isinstance(v, bytes) else extra_text(v)) for k, v in extra.items()]) + b"}"
    return b"[" + b",".join(extra_text(v) for v in extra) + b"]"


def extra_column(extra: Mapping[int, Any], owner: pl.Series) -> pl.Series:
    """`_extra` per row: the unknown fields (`extra`, by the place of a record) of the record that the row is of (`owner`)."""
    texts = {record: extra_text(found).decode() for record, found in extra.items()}
    if not texts:
        return pl.Series(EXTRA.name, [None], dtype=pl.String).new_from_index(0, len(owner))
    known = pl.DataFrame({owner.name: pl.Series(list(texts), dtype=owner.dtype), EXTRA.name: pl.Series(list(texts.values()), dtype=pl.String)})
    return owner.to_frame().join(known, on=owner.name, how="left", maintain_order="left")[EXTRA.name]


@lru_cache(maxsize=4096)
def _name(name: str) -> bytes:
    return json.dumps(name, ensure_ascii=False).encode() + b":"
