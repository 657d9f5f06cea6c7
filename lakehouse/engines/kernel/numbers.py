"""Numbers in fields that take them as their own text, put into quotes, so that the reader of blocks can read them: it reads a number into no text.

Some producers write a field as a number, others (and every CSV) as a text. Without this a block of the former would be read record by record. It
changes the copy that is read, never the line: what is unknown is cut from the line itself. A number that is not plain, or has many digits, becomes
what no reader of JSON takes, or stays as it is: the reader gives up on it, and the slow path judges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import polars as pl

from lakehouse.contracts.model import JsonList, JsonObject, JsonText, JsonType

_HEAD = 1 << 16
_PLAIN = r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?"


def has_numbers(text: bytes, record: JsonObject) -> bool:
    """Whether the beginning of a block has a number in such a field."""
    pattern = _pattern(record)
    return pattern is not None and re.search(pattern.encode(), text[:_HEAD]) is not None


def quote_numbers(text: bytes, record: JsonObject) -> bytes:
    """The block with the numbers of such fields in quotes; the block itself where it is not UTF-8.

    A key stands where an unescaped quote begins a text that a colon follows, which no text has inside. A field is found by its name alone, so names
    that the record has for other types, too, are left out; where an unknown field has such a name, only the type that is inferred for it changes.
    """
    pattern = _pattern(record)
    if pattern is None:
        return text
    try:
        found = pl.Series([text.decode()])
    except UnicodeDecodeError:
        return text
    quoted: str = found.str.replace_all(pattern, '$1"$2"')[0]
    return quoted.encode()


@lru_cache(maxsize=16)
def _pattern(record: JsonObject) -> str | None:
    fields = list(fields_of(record))
    others = {name for name, kind in fields if not (isinstance(kind, JsonText) and kind.numbers)}
    names = sorted({name for name, _ in fields} - others)
    if not names:
        return None
    return r'([^\\]"(?:' + "|".join(map(re.escape, names)) + r')"[ \t]*:[ \t]*)(' + _PLAIN + ")"


def fields_of(kind: JsonType) -> Iterator[tuple[str, JsonType]]:
    """Every declared field, at any depth: its name and type."""
    while isinstance(kind, JsonList):
        kind = kind.item
    if isinstance(kind, JsonObject):
        for field in kind.fields:
            yield field.name, field.type
            yield from fields_of(field.type)
