"""What is in a lake whose parts are moved and erased: their text, their files, and the files that the ledger names."""

from __future__ import annotations

import datetime as dt
import json

import zstandard

from lakehouse.landing.erasure import land_erasure
from lakehouse.landing.read import read_part
from lakehouse.landing.state import Ledger

DAY = dt.date(2026, 11, 18)
NINE, TEN, UNPLACED = "2026-11-18T09", "2026-11-18T10", "unplaced-2026-11-18"


def texts(lake, ledger: Ledger) -> dict[str, bytes]:
    """Path of a part -> its text."""
    return {p.part.path: b"".join(read_part(lake, p.part)) for parts in ledger.parts.values() for p in parts}


def split_texts(lake, ledger: Ledger) -> dict[str, list[bytes]]:
    """Path of a part -> its lines."""
    return {path: text.splitlines() for path, text in texts(lake, ledger).items()}


def raw(lake) -> set[str]:
    """Every file of raw but the manifests."""
    return {e.path for e in lake.store.entries("raw/clicks") if "/_fetches/" not in e.path}


def named(ledger: Ledger) -> set[str]:
    """The files of raw that the ledger names."""
    return {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}


def erase(lake, lines, **more):
    return land_erasure(lake, "clicks", lines, who="ada", reason="request 1", **more)


def everything(lake) -> bytes:
    """All bytes of the lake, unpacked where they are packed."""
    found = b""
    for entry in lake.store.entries(""):
        data = lake.store.read(entry.path)
        while data and entry.path.endswith(".zst"):
            unpack = zstandard.ZstdDecompressor().decompressobj()
            found += unpack.decompress(data)
            data = unpack.unused_data
        found += data
    return found


def tombstones(lines: list[bytes]) -> list[int]:
    return [number for number, text in enumerate(lines, 1) if json.loads(text).keys() == {"_erased"}]
