"""Which lines hold the declared types, to tell those apart that make a reader of blocks give up: by their text, or by a reader of single lines."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from lakehouse.contracts.model import Contract, JsonBool, JsonFloat, JsonInt, JsonList, JsonObject, JsonText, JsonType
from lakehouse.engines.kernel.lines import Lines
from lakehouse.engines.kernel.numbers import fields_of

_SCALARS: dict[type, Any] = {JsonText: str, JsonInt: int, JsonFloat: float, JsonBool: bool}


_OTHERWISE: dict[type, str] = {
    JsonInt: r"""["tf\[{]|-?[0-9]+[.eE]|-?[0-9]{19}""",
    JsonFloat: r"""["tf\[{]""",
    JsonBool: r"[^tfn \t]",
    JsonList: r"[^\[n \t]",
    JsonObject: r"[^{n \t]",
}
_NO_TEXT, _NO_TEXT_OR_NUMBER = r"""[^"n \t]""", r"""[^"n0-9 \t-]"""  # how a value of another type than the declared one begins


def misfits(lines: Lines, record: JsonObject) -> npt.NDArray[np.bool_]:
    """Which lines (UTF-8) seem to hold a declared field of another type. A guess by the names of fields, in both directions, at a tenth of what it
    costs to read the lines one by one.
    """
    pattern = _misfit(record)
    if pattern is None:
        return np.zeros(len(lines), bool)
    return lines.texts().str.contains(pattern).fill_null(value=False).to_numpy()


@lru_cache(maxsize=16)
def _misfit(record: JsonObject) -> str | None:
    """A field of a name that the record has for one type only, and behind it what no value of that type begins with."""
    named: dict[str, set[str]] = {}
    for name, kind in fields_of(record):
        named.setdefault(name, set()).add(_otherwise(kind))
    by_begin: dict[str, list[str]] = {}
    for name, begins in named.items():
        if len(begins) == 1:
            by_begin.setdefault(begins.pop(), []).append(re.escape(name))
    return "|".join(rf"""[{{,][ \t]*"(?:{"|".join(names)})"[ \t]*:[ \t]*(?:{begin})""" for begin, names in by_begin.items()) or None


def _otherwise(kind: JsonType) -> str:
    if isinstance(kind, JsonText):
        return _NO_TEXT_OR_NUMBER if kind.numbers else _NO_TEXT
    return _OTHERWISE[type(kind)]


def conforming(lines: Lines, contract: Contract) -> npt.NDArray[np.bool_]:
    """Which lines have no declared field of another type, or a number in a text that takes it."""
    decoder = _decoder(contract.record)
    fits = np.ones(len(lines), bool)
    for index in range(len(lines)):
        try:
            decoder.decode(lines.text(index))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            fits[index] = False
    return fits


@lru_cache(maxsize=16)
def _decoder(record: JsonObject) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_type_of(record, "record"))


def _type_of(kind: JsonType, name: str) -> Any:
    match kind:
        case JsonObject(fields):
            members = [(f"f{i}", _type_of(f.type, f"{name}_{i}"), None) for i, f in enumerate(fields)]
            names = {f"f{i}": f.name for i, f in enumerate(fields)}
            return msgspec.defstruct(name, members, rename=names, gc=False) | None
        case JsonList(item):
            return list[_type_of(item, name)] | None  # type: ignore[misc]
        case JsonText(numbers=True):
            return str | int | float | None
        case _:
            return _SCALARS[type(kind)] | None
