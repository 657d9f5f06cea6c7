"""JSON records of the lake that say which format they are of."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from lakehouse.errors import LakeFormatError

T = TypeVar("T")


def decode_record(data: bytes, kind: type[T], *, where: str, known: int, remedy: str) -> T:
    """The record in `data`. Raises `LakeFormatError`, naming the file (`where`), for a format above `known`, and with `remedy` for a damaged one."""
    try:
        found = msgspec.json.decode(data)
        version = found.get("format") if isinstance(found, dict) else None
        if isinstance(version, int) and version > known:
            raise LakeFormatError(f"{where} says format {version}, this software knows up to {known}. Install a newer lakehouse.")
        return msgspec.convert(found, kind, strict=False)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise LakeFormatError(f"{where} cannot be read: {error}. {remedy}") from error
