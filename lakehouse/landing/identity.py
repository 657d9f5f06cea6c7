"""The identity of a line: 16 bytes of blake2b over its bytes, with what follows the fetch (such as an etag) cut out.

It decides only whether a line was landed before. A mistake in one direction is cheap (a copy lands again and ends as a duplicate in clean), in the
other a line would be lost, so whatever cannot be cut out with certainty stays in.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt

from lakehouse.errors import LakeFormatError
from lakehouse.storage import Store

IDENTITY_BYTES = 16
_HALVES = np.dtype([("high", ">u8"), ("low", ">u8")])


def digest(line: bytes) -> bytes:
    """The 16-byte hash of a line whose masked values are cut out already."""
    return hashlib.blake2b(line, digest_size=IDENTITY_BYTES).digest()


class Mask:
    """Cuts the value of one masked field out of a line."""

    def __init__(self, name: str) -> None:
        key = re.escape(name).encode()
        self._key = re.compile(rb'"' + key + rb'"\s*:\s*')
        self._any = re.compile(rb'("' + key + rb'"\s*:\s*)"[^"\\]*(?:\\.[^"\\]*)*"')

    def cut(self, line: bytes, value: bytes) -> bytes:
        """The line without this value (verbatim JSON, as a reader of the whole line found it) behind the field's name.

        The same name deeper in the record has another value, so it stays.
        """
        for found in self._key.finditer(line):
            if line.startswith(value, found.end()):
                return line[: found.end()] + line[found.end() + len(value) :]
        return line

    def cut_blindly(self, line: bytes) -> bytes:
        """The line without the first string behind the field's name: for lines that no JSON reader takes."""
        return self._any.sub(rb"\1", line, count=1)


class KnownIds:
    """A sorted set of identities, 16 bytes each. Looks up many at once."""

    def __init__(self, data: Iterable[bytes] = ()) -> None:
        joined = b"".join(data)
        found = np.frombuffer(joined, dtype=_HALVES)
        self._high: npt.NDArray[np.uint64] = found["high"].astype(np.uint64)
        self._low: npt.NDArray[np.uint64] = found["low"].astype(np.uint64)
        order = np.lexsort((self._low, self._high))
        self._high, self._low = self._high[order], self._low[order]

    def contains(self, ids: Sequence[bytes]) -> Iterable[bool]:
        """For each identity, whether it is in the set."""
        if not len(self._high):
            return repeat(False, len(ids))
        asked = np.frombuffer(b"".join(ids), dtype=_HALVES)
        high, low = asked["high"].astype(np.uint64), asked["low"].astype(np.uint64)
        place = np.searchsorted(self._high, high, side="left")
        result = np.zeros(len(ids), dtype=bool)
        while True:  # one pass, but for two identities that share their first half
            inside = place < len(self._high)
            at = np.where(inside, place, 0)
            same = inside & (self._high[at] == high)
            result |= same & (self._low[at] == low)
            if not (same & ~result).any():
                return [bool(x) for x in result]
            place = place + 1


def encode_ids(ids: Iterable[bytes]) -> bytes:
    """The content of an identity file: sorted 16-byte hashes."""
    return b"".join(sorted(ids))


def merge_ids(store: Store, paths: Iterable[str]) -> bytes:
    """The content of one identity file for all that some files hold, each identity once. Errors are those of `read_ids`."""
    found = np.frombuffer(b"".join(_read(store, path) for path in paths), dtype=_HALVES)
    found = found[np.lexsort((found["low"], found["high"]))]
    first = np.ones(len(found), bool)
    first[1:] = found[1:] != found[:-1]
    return found[first].tobytes()


class MissingIdsError(LakeFormatError):
    """An identity file is gone. After a compaction a newer ledger names another."""


def read_ids(store: Store, paths: Iterable[str]) -> KnownIds:
    """The identities of some files, of which several parts may name the same: each is read once.

    `MissingIdsError` when one is missing, `LakeFormatError` when one is torn.
    """
    return KnownIds(_read(store, path) for path in dict.fromkeys(paths))


def _read(store: Store, path: str) -> bytes:
    try:
        data = store.read(path)
    except FileNotFoundError as error:
        raise MissingIdsError(f"{store.uri(path)} is missing, though a manifest names it. Restore it from a backup.") from error
    if len(data) % IDENTITY_BYTES:
        raise LakeFormatError(f"{store.uri(path)} has {len(data)} bytes, expected a multiple of {IDENTITY_BYTES}. Restore it from a backup.")
    return data
