"""Unpacking gz and zst as they come, without holding them whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import zstandard
from isal import isal_zlib

Packing = Literal["gz", "zst"]
DAMAGE: tuple[type[Exception], ...] = (zstandard.ZstdError, isal_zlib.IsalError, EOFError)  # type: ignore[assignment]  # the stub of isal has an instance
_GZIP_WINDOW = 31  # zlib's way to say: with the header and check sum of gzip


def packing_of(name: str) -> Packing | None:
    """How a file of that name is packed; None for plain text."""
    return "gz" if name.endswith(".gz") else "zst" if name.endswith(".zst") else None


def unpack(chunks: Iterable[bytes], packing: Packing | None) -> Iterator[bytes]:
    """The text of a packed file, piece by piece; chunks of plain text as they are.

    A file may be several frames (zstd) or members (gzip) one after the other: each needs an unpacker of its own. Raises one of `DAMAGE` for a file
    that is damaged or cut short; text before the damage may have been given.
    """
    if packing is None:
        yield from chunks
        return
    unpacker: Any = None
    for chunk in chunks:
        rest = chunk
        while rest:
            if unpacker is None:
                unpacker = zstandard.ZstdDecompressor().decompressobj() if packing == "zst" else isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
            text = unpacker.decompress(rest)
            if text:
                yield text
            rest = unpacker.unused_data if unpacker.eof else b""
            unpacker = None if unpacker.eof else unpacker
    if unpacker is not None:
        raise EOFError("it ends in the middle of a compressed frame")
