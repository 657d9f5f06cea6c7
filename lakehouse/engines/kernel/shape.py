"""One record against the JSON that the contract declares: what is declared, what is extra (with its raw text), and what conflicts.

This is the judge of the slow path; the fast path asks it only for the extra fields of the records that have some.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from lakehouse.contracts.model import JsonBool, JsonFloat, JsonInt, JsonList, JsonObject, JsonText, JsonType

Paths = Mapping[str, Any]  # a tree of field names: only these are looked into
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_INT64 = range(-(2**63), 2**63)


class Conflict(Exception):  # noqa: N818  a verdict, not an error
    """A declared field holds another type, or a required one is missing. `rule` and `field` go to the quarantine."""

    def __init__(self, rule: str, field: str) -> None:
        super().__init__(f"{rule} at {field}")
        self.rule = rule
        self.field = field


class _Number(str):
    """The text of a JSON number."""

    __slots__ = ()


class DuplicateKey(Exception):  # noqa: N818
    """An object of the line names one key twice."""


def parse(line: bytes) -> Any:
    """The JSON value of a line, numbers as their text. Raises `DuplicateKey`."""
    return json.loads(line, object_pairs_hook=_unique, parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKey
    return found


def conform(value: Any, kind: JsonType, path: str = "") -> tuple[Any, set[str]]:
    """The declared part of a parsed value, typed, and the paths whose value went to `_extra` for its type. Raises `Conflict`."""
    if value is None:
        return None, set()
    match kind:
        case JsonObject():
            return _conform_object(value, kind, path)
        case JsonList(item):
            if not isinstance(value, list):
                raise Conflict("changed_type", path)
            moved: set[str] = set()
            items = []
            for one in value:
                declared, more = conform(one, item, f"{path}[]")
                if declared is None and isinstance(item, JsonObject) and (missing := _first_required(item)):
                    raise Conflict("missing_required", f"{path}[].{missing}")
                items.append(declared)
                moved |= more
            return items, moved
        case _:
            return _scalar(value, kind, path), set()


def _first_required(kind: JsonObject) -> str | None:
    return next((f.name for f in kind.fields if f.required), None)


def _conform_object(value: Any, kind: JsonObject, path: str) -> tuple[dict[str, Any], set[str]]:
    if not isinstance(value, dict):
        raise Conflict("changed_type", path)
    declared: dict[str, Any] = {}
    moved: set[str] = set()
    for field in kind.fields:
        where = f"{path}.{field.name}" if path else field.name
        try:
            declared[field.name], more = conform(value.get(field.name), field.type, where)
            moved |= more
        except Conflict as conflict:
            # What lacks a required field is not of another type: it is refused, as on the fast path.
            if conflict.rule != "changed_type" or field.on_conflict != "extra" or field.required:
                raise
            declared[field.name] = None
            moved.add(where)
        if field.required and declared[field.name] is None:
            raise Conflict("missing_required", where)
    return declared, moved


def _scalar(value: Any, kind: JsonType, path: str) -> Any:
    if isinstance(value, _Number):
        return _number(value, kind, path)
    expected = bool if isinstance(kind, JsonBool) else str if isinstance(kind, JsonText) else None
    if expected is None or not isinstance(value, expected):
        raise Conflict("changed_type", path)
    return value


def _number(value: _Number, kind: JsonType, path: str) -> Any:
    if isinstance(kind, JsonText) and kind.numbers:
        return str(value)
    if isinstance(kind, JsonInt) and value.lstrip("-").isdigit() and int(value) in _INT64:
        return int(value)
    if isinstance(kind, JsonFloat) and math.isfinite(float(value)):
        return float(value)
    raise Conflict("changed_type", path)


def cut_extra(raw: bytes | msgspec.Raw, kind: JsonObject, *, moved: frozenset[str] = frozenset(), path: str = "") -> dict[str, Any]:
    """The fields of an object that the contract does not name, by name, nested as they stand, with their raw text (bytes).

    `moved`: paths of declared fields whose value is of another type. A null is nothing. A list of objects becomes a list as long as the original,
    `{}` where an item has nothing extra.
    """
    found: dict[str, Any] = {}
    for name, value in sorted(_OBJECT.decode(raw).items()):
        text = bytes(value)
        if text == b"null":
            continue
        field = kind.field(name)
        where = f"{path}.{name}" if path else name
        if field is None or where in moved:
            found[name] = text
        elif below := _cut_below(text, field.type, moved, where):
            found[name] = below
    return found


def _cut_below(text: bytes, kind: JsonType, moved: frozenset[str], where: str) -> Any:
    if isinstance(kind, JsonObject):
        return cut_extra(text, kind, moved=moved, path=where)
    item = kind.item if isinstance(kind, JsonList) else None
    if not isinstance(item, JsonObject):
        return None
    items = [cut_extra(raw, item, moved=moved, path=f"{where}[]") if bytes(raw) != b"null" else {} for raw in _LIST.decode(text)]
    return items if any(items) else None


def cut_known_extra(raw: bytes | msgspec.Raw, tree: Paths) -> dict[str, Any]:
    """What `cut_extra` finds, where the names that lead to unknown fields are known, in order (None: the field itself is)."""
    fields = _OBJECT.decode(raw)
    found: dict[str, Any] = {}
    for name, below in tree.items():
        value = fields.get(name)
        if value is None or (text := bytes(value)) == b"null":
            continue
        inside = text if below is None else _cut_known_below(text, below)
        if inside:
            found[name] = inside
    return found


def _cut_known_below(text: bytes, tree: Paths) -> Any:
    if not text.startswith(b"["):
        return cut_known_extra(text, tree)
    items = [cut_known_extra(raw, tree) if bytes(raw) != b"null" else {} for raw in _LIST.decode(text)]
    return items if any(items) else None
