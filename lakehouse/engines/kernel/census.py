"""Census: which fields were really there, how often, of which kind. It feeds the schema registry."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lakehouse.contracts.model import JsonBool, JsonFloat, JsonInt, JsonList, JsonObject, JsonText, JsonType
from lakehouse.contracts.types import whole
from lakehouse.datasets.model import Records

Census = Counter[tuple[str, str, bool]]  # (path, kind, declared)


def take_census(records: Records, record: JsonObject) -> Census:
    """Counts of the fields of a block that were there and not null, by path (`events[].name`), JSON kind and whether the contract names them."""
    found: Census = Counter()
    for field in record.fields:
        _count(whole(records.table[field.name]), field.type, field.name, found)
    tops = Counter((name, value[0]) for extra in records.extra.values() for name, value in extra.items() if isinstance(value, bytes))
    for (name, sign), count in tops.items():  # most unknown fields: counted at once, by what their text begins with
        found[name, _kind(sign), False] += count
    for extra in records.extra.values():
        for name, value in extra.items():
            if not isinstance(value, bytes):
                _count_extra(value, name, found)
    return found


def _count(values: Any, kind: JsonType, path: str, found: Census) -> None:
    there = len(values) - values.null_count
    if not there:
        return
    found[path, _KINDS[type(kind)], True] += there
    if isinstance(kind, JsonList):
        _count_inside(values.flatten(), kind.item, f"{path}[]", found)
    elif isinstance(kind, JsonObject):
        _count_inside(values, kind, path, found)


def _count_inside(values: Any, kind: JsonType, path: str, found: Census) -> None:
    if isinstance(kind, JsonObject):
        for field, inside in zip(kind.fields, values.flatten(), strict=True):
            _count(inside, field.type, f"{path}.{field.name}", found)


_KINDS: dict[type, str] = {JsonText: "string", JsonInt: "number", JsonFloat: "number", JsonBool: "boolean", JsonList: "array", JsonObject: "object"}


_SIGNS = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}
_KINDS_BY_SIGN = {ord(sign): kind for sign, kind in _SIGNS.items()}


def _count_extra(extra: Any, path: str, found: Census) -> None:
    if isinstance(extra, bytes):
        found[path, json_kind(extra), False] += 1
    elif isinstance(extra, list):
        for one in extra:
            _count_extra(one, f"{path}[]", found)
    else:
        for name, value in extra.items():
            _count_extra(value, f"{path}.{name}", found)


def json_kind(raw: bytes) -> str:
    """The JSON kind of a raw value."""
    return _kind(raw[0])


def _kind(sign: int) -> str:
    return _KINDS_BY_SIGN.get(sign, "number")
