"""What the records of a sample hold: their fields as a tree, each with its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lakehouse.scaffold.names import tame

JsonKind = Literal["text", "text_or_number", "int", "float", "bool", "list", "object"]
_INT64 = range(-(2**63), 2**63)
_FIELDS = 100  # of an object whose names are rather values: ids as names


@dataclass(frozen=True)
class Seen:
    """A field, or the items of a list. `values`: those that are there and not null. `of`: how many records (or objects around it) there are.

    `fields`: of an object; `item`: of a list.
    """

    path: tuple[str, ...]
    kind: JsonKind
    values: Sequence[Any]
    of: int
    fields: tuple[Seen, ...] = ()
    item: Seen | None = None

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.path[-1]

    @property
    def everywhere(self) -> bool:
        """Whether it is nowhere absent or null."""
        return len(self.values) == self.of

    def leaves(self, *, everywhere: bool = True) -> Iterator[tuple[Seen, bool]]:
        """The fields that are no objects, those of objects included, each with whether every record has it."""
        there = everywhere and self.everywhere
        if self.kind != "object":
            yield self, there
        for below in self.fields:
            yield from below.leaves(everywhere=there)


@dataclass
class Census:
    """`fields`: what a contract can declare. `left_out`: dotted path -> why it is left to `_extra`."""

    records: int
    fields: tuple[Seen, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    def leaves(self) -> Iterator[tuple[Seen, bool]]:
        """The fields that are no objects, each with whether every record has it."""
        for seen in self.fields:
            yield from seen.leaves()


def take_census(records: Sequence[dict[str, Any]]) -> Census:
    """The fields of some records, in the order in which they were met."""
    census = Census(len(records))
    census.fields = _fields(records, (), census)
    return census


def _fields(objects: Sequence[dict[str, Any]], path: tuple[str, ...], census: Census) -> tuple[Seen, ...]:
    found: dict[str, list[Any]] = {}
    for one in objects:
        for name, value in one.items():
            found.setdefault(name, []).append(value)
    if path and len(found) > _FIELDS and len(found) * 4 > len(objects):
        census.left_out[".".join(path)] = "its names are many and rather values"
        return ()
    told = []
    for name, values in found.items():
        here = (*path, name)
        if not tame(name):
            census.left_out[".".join(here)] = "its name is empty, long, or has quotes or line breaks in it"
            continue
        seen = _seen(here, [value for value in values if value is not None], len(objects), census)
        if seen is not None:
            told.append(seen)
    return tuple(told)


def _seen(path: tuple[str, ...], values: list[Any], of: int, census: Census) -> Seen | None:
    """What a field is; None where nothing can be said of it, or what it is changes."""
    if not values:
        census.left_out[".".join(path)] = "all are null"
        return None
    kind = _kind(values)
    if kind is None:
        census.left_out[".".join(path)] = "the type changes"
        return None
    if kind == "object":
        fields = _fields(values, path, census)
        if fields:
            return Seen(path, kind, values, of, fields=fields)
    if kind == "list":
        items = [item for value in values for item in value if item is not None]
        inner = _seen((*path, "[]"), items, len(items), census) if items else None
        if inner is not None:
            return Seen(path, kind, values, of, item=inner)
    if kind not in ("object", "list"):
        return Seen(path, kind, values, of)
    inside = census.left_out.pop(".".join((*path, "[]")), None)
    census.left_out[".".join(path)] = f"of its items {inside}" if inside is not None else "nothing that can be told is in it"
    return None


def _kind(values: list[Any]) -> JsonKind | None:
    types = {type(value) for value in values}
    if types == {str}:
        return "text"
    if types == {bool}:
        return "bool"
    if types == {int}:
        return "int" if all(value in _INT64 for value in values) else None
    if types <= {int, float}:
        return "float"
    if types <= {int, float, str}:
        return "text_or_number"
    if types == {list}:
        return "list"
    return "object" if types == {dict} else None
