"""Which lines hold the declared types: a typed reader over single lines, to tell those apart that make a reader of blocks give up."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from lakehouse.contracts.model import Contract, JsonBool, JsonFloat, JsonInt, JsonList, JsonObject, JsonText, JsonType
from lakehouse.engines.kernel.lines import Lines

_SCALARS: dict[type, Any] = {JsonText: str, JsonInt: int, JsonFloat: float, JsonBool: bool}


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
