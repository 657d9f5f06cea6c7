"""The text of `_extra`: raw values in a JSON object of their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any


def extra_text(extra: Any) -> bytes:
    """JSON text of a tree of raw values (bytes), the values as they stood."""
    if isinstance(extra, bytes):
        return extra
    if isinstance(extra, Mapping):
        return b"{" + b",".join([_name(k) + (v if isinstance(v, bytes) else extra_text(v)) for k, v in extra.items()]) + b"}"
    return b"[" + b",".join(extra_text(v) for v in extra) + b"]"


@lru_cache(maxsize=4096)
def _name(name: str) -> bytes:
    return json.dumps(name, ensure_ascii=False).encode() + b":"
