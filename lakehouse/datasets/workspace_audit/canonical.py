"""The canonical form of an activity's events: the same event told with other parameter or key order has the same hash."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import orjson

_LISTS = ("parameters", "parameter")


class _Envelope(msgspec.Struct):
    events: Any = None


_DECODER = msgspec.json.Decoder(_Envelope)


def events_hash(line: bytes) -> str:
    """Hash (32 hex digits) of the events of a record: object keys sorted, parameters sorted by name, at every depth."""
    events = _DECODER.decode(line).events
    return hashlib.blake2b(orjson.dumps(_canonical(events), option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _by_name(v) if k in _LISTS and isinstance(v, list) else _canonical(v) for k, v in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return [_canonical(v) for v in value]
    return value


def _by_name(items: list[Any]) -> list[Any]:
    return sorted((_canonical(i) for i in items), key=_order)


def _order(item: Any) -> tuple[str, bytes]:
    name = item.get("name") if isinstance(item, dict) else None
    return str(name), orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
