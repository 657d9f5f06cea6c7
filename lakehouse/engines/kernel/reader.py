"""The inferring reader of blocks, told of no more declared fields than a block has: each one costs time for every object that lacks it.

It is told of those that the beginning of the first block had, and of those that turned up since. What it is not told of it infers. Where a declared
field is among that, its type may be another one, so the block is read again with that field told: the table is the same, whatever blocks came before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from lakehouse.contracts.model import JsonList, JsonObject, JsonType
from lakehouse.contracts.types import json_arrow_type, whole
from lakehouse.engines.kernel.lines import MAX_DEPTH

Path = tuple[str, ...]
Paths = frozenset[Path]
_READER_BLOCK = 1 << 21
_HEAD = 1 << 16


@dataclass
class _Seen:
    """The declared fields that blocks have had so far. Threads may lose each other's: they turn up again."""

    paths: Paths = frozenset()


@lru_cache(maxsize=16)
def _seen(record: JsonObject) -> _Seen:  # noqa: ARG001  one for each
    return _Seen()


def read_block(text: bytes, record: JsonObject, *, longest: int) -> pa.Table | None:
    """The table of a block of whole lines, or None where the reader gives up on it (it names no line). `longest`: the bytes of its longest line.

    A declared field has its declared type, or is not there. Beside them stand the fields that are not declared, with types that were inferred.
    """
    seen = _seen(record)
    told = seen.paths or _of_head(text, record)
    while True:
        table = _read(text, _schema(record, told), max(_READER_BLOCK, longest + 2))
        more = frozenset(_untold(table.schema, record, told)) if table is not None else frozenset()
        if not more:
            seen.paths |= told
            return table
        told |= more


def _read(text: bytes, schema: pa.Schema, block_bytes: int) -> pa.Table | None:
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
    try:
        source: Any = pa.BufferReader(text)
        table = pj.read_json(source, pj.ReadOptions(block_size=block_bytes, use_threads=False), options).combine_chunks()
        if max(map(_levels, table.schema.types)) >= MAX_DEPTH:
            return None
        table.validate()  # of lists that hold nothing but several nulls the reader makes arrays that are too short
    except pa.ArrowInvalid:
        return None
    return table


def _levels(kind: pa.DataType) -> int:
    """How many objects and lists stand in each other in a value of that type."""
    deepest, types = 0, [(kind, 1)]
    while types:
        one, level = types.pop()
        if pa.types.is_nested(one):
            deepest = max(deepest, level)
            types += [(one.field(i).type, level + 1) for i in range(one.num_fields)]
    return deepest


def _of_head(text: bytes, record: JsonObject) -> Paths:
    """The declared fields in the first lines of a block; none where they cannot be read."""
    head = text[: text.rfind(b"\n", 0, _HEAD) + 1]
    table = _read(head, _schema(record, frozenset()), len(head) + 2) if head else None
    return frozenset(_filled(table, record)) if table is not None else frozenset()


def _filled(table: pa.Table, record: JsonObject) -> Iterator[Path]:
    for field in record.fields:
        yield from _filled_inside(whole(table[field.name]), field.type, (field.name,))


def _filled_inside(values: Any, kind: JsonType, path: Path) -> Iterator[Path]:
    if values.null_count == len(values):
        return
    yield path
    if isinstance(kind, JsonList):
        kind, values = kind.item, values.flatten()
    if isinstance(kind, JsonObject):
        for field in kind.fields:
            yield from _filled_inside(values.field(field.name), field.type, (*path, field.name))


@lru_cache(maxsize=64)
def _schema(record: JsonObject, told: Paths) -> pa.Schema:
    return pa.schema(_fields(record, told, ()))


def _fields(kind: JsonObject, told: Paths, path: Path) -> list[tuple[str, pa.DataType]]:
    """The fields of an object that the reader is told: those in `told`, or, where none of them is, all that are declared."""
    fields = [f for f in kind.fields if (*path, f.name) in told] or kind.fields
    return [(f.name, _type(f.type, told, (*path, f.name))) for f in fields]


def _type(kind: JsonType, told: Paths, path: Path) -> pa.DataType:
    if isinstance(kind, JsonList):
        return pa.list_(_type(kind.item, told, path))
    return pa.struct(_fields(kind, told, path)) if isinstance(kind, JsonObject) else json_arrow_type(kind)


def _untold(found: pa.Schema, record: JsonObject, told: Paths) -> Iterator[Path]:
    """The declared fields of a table that the reader was not told of."""
    yield from _untold_inside(pa.struct(list(found)), record, _type(record, told, ()), ())


def _untold_inside(found: Any, kind: JsonType, told: Any, path: Path) -> Iterator[Path]:
    """`found`, `told`: the types that came and that the reader was told."""
    while isinstance(kind, JsonList):
        found, kind, told = found.value_type, kind.item, told.value_type
    if not isinstance(kind, JsonObject):
        return
    for field in kind.fields:
        there, known = found.get_field_index(field.name), told.get_field_index(field.name)
        if there >= 0 and known < 0:
            yield (*path, field.name)
        elif there >= 0:
            yield from _untold_inside(found.field(there).type, field.type, told.field(known).type, (*path, field.name))
