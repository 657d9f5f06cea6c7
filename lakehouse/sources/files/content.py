"""The text of a file: streamed, unpacked, hashed on its way, and known to have stayed the same while it was read."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from itertools import chain

from lakehouse.errors import TerminalError, TransientError
from lakehouse.sources.files.inbox import FoundFile
from lakehouse.storage import StoreError, said
from lakehouse.storage.unpack import DAMAGE, Packing, packing_of, unpack

BLOCK_BYTES = 4 << 20
LONGEST_LINE = 64 << 20
_CHUNK_BYTES = 256 << 10
_MAGIC: dict[Packing, bytes] = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd"}
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Content:
    """One file, to be read once. `sha256` and `size` are of the file as it lies there, and true when it was read to its end."""

    def __init__(self, file: FoundFile) -> None:
        self.file = file
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash of what was read so far, hexadecimal."""
        return self._hash.hexdigest()

    def texts(self) -> Iterator[bytes]:
        """The text in pieces, unpacked, without a byte-order mark at its beginning.

        Raises `TerminalError` for a file that is damaged, cut short, not packed as its name says, or in UTF-16; `TransientError` for one that
        changes while it is read, is gone, or may not be read.
        """
        try:
            chunks = self._chunks()
            first = next(chunks, b"")
            yield from self._marked(unpack(chain([first], chunks) if first else (), self._packing(first)))
        except DAMAGE as error:
            raise self.refused(f"is damaged or cut short: {error}. Put a whole file in its place") from error

    def blocks(self, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The text in blocks of about so many bytes, each ended by a newline but perhaps the last."""
        pieces: list[bytes] = []
        size = 0
        for text in self.texts():
            pieces.append(text)
            size += len(text)
            if size >= block_bytes and b"\n" in text:
                whole, newline, rest = b"".join(pieces).rpartition(b"\n")
                yield whole + newline
                pieces, size = [rest], len(rest)
            elif size > block_bytes + LONGEST_LINE:
                raise self.refused(f"has a line of more than {LONGEST_LINE >> 20} MiB, so it is no text of lines")
        if size:
            yield b"".join(pieces)

    def drain(self) -> str:
        """Read the file as it lies there, for its hash only."""
        for _ in self._chunks():
            pass
        return self.sha256

    def refused(self, why: str) -> TerminalError:
        """The error for a file that cannot be read. `why` goes on after the name of the file."""
        return TerminalError(f"{self.file.url} {why}. Nothing of it landed.")

    def _chunks(self) -> Iterator[bytes]:
        file, nothing = self.file, "Nothing of it landed"
        try:
            for chunk in file.store.chunks(file.path, _CHUNK_BYTES):
                self._hash.update(chunk)
                self.size += len(chunk)
                yield chunk
            now = file.store.entry(file.path)
        except FileNotFoundError as error:
            raise TransientError(f"{file.url} is gone: it was there when the folder was listed. {nothing}.") from error
        except StoreError as error:
            raise TransientError(f"{file.url} cannot be read: {said(error)}. {nothing}; look at rights and credentials.") from error
        if self.size != file.size or (now.size, self._stamp(now.modified)) != (file.size, self._stamp(file.modified)):
            raise TransientError(f"{file.url} changed while it was read, so it is still being written. {nothing}; the next look reads it.")

    def _stamp(self, modified: dt.datetime) -> dt.datetime:
        """When the file was written last, as far as it can be compared: some object stores list milliseconds, and tell seconds of one file."""
        return modified if self.file.store.root is not None else modified.replace(microsecond=0)

    def _packing(self, first: bytes) -> Packing | None:
        """How the file is packed, by its first bytes. A name that says so of a file that is not is a file that was cut or mistaken."""
        found = next((packing for packing, magic in _MAGIC.items() if first.startswith(magic)), None)
        named = packing_of(self.file.path)
        if named is not None and found != named:
            raise self.refused(f"is named .{named} but does not begin as such a file does. Put a whole file in its place, or name it as it is")
        return found

    def _marked(self, texts: Iterator[bytes]) -> Iterator[bytes]:
        head = b""
        for text in texts:
            head += text
            if len(head) >= len(_BOM):
                break
        if head.startswith(_WIDE):
            raise self.refused("is UTF-16, expected UTF-8. Write it as UTF-8")
        if head := head.removeprefix(_BOM):
            yield head
        yield from texts
