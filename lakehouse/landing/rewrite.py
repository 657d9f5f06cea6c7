"""Writing bytes of raw anew, elsewhere: what compaction and erasure share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TypeVar

from lakehouse.contracts.grain import Grain
from lakehouse.errors import ConflictError, ErasedMeanwhileError, TerminalError
from lakehouse.landing.identity import MissingIdsError
from lakehouse.landing.ledger import Ledger, refresh
from lakehouse.landing.manifest import Move, Part
from lakehouse.landing.sealed import expired
from lakehouse.settings import Lake
from lakehouse.storage.failpoints import fail_point

T = TypeVar("T")
_TRIES = 5


class Rewritten:
    """Files under way to a manifest that names them. Where none may name them they are deleted at the end; a killed process leaves orphans."""

    def __init__(self, lake: Lake) -> None:
        self._store = lake.store
        self._paths: list[str] = []
        self._offered = False

    def __enter__(self) -> Rewritten:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not self._offered:
            for path in self._paths:
                self._store.delete(path)

    def create(self, path: str, data: bytes) -> None:
        """Write a file. `TerminalError` when it is there already."""
        if not self._store.create(path, data):
            raise TerminalError(f"{self._store.uri(path)} is there already, though its name is random. Run it again.")
        self._paths.append(path)

    def sync(self) -> None:
        """Make all of them durable: the manifest may follow."""
        self._store.sync(self._paths)
        fail_point("landing.after_rewritten")

    def offer(self, ledger: Ledger, parts: Iterable[Part]) -> None:
        """A manifest that names the files is about to be written after this ledger: from then on they stay, whatever happens.

        Raises `ConflictError` when a part is no more where it was, says something else, or its day was sealed: what was written of it is of no use.
        """
        self._offered = False
        for part in parts:
            _refuse_moved(ledger, part)
        self._offered = True


def _refuse_moved(ledger: Ledger, part: Part) -> None:
    day = Grain.parse(part.grain).date
    if day in ledger.sealed:
        raise ConflictError(f"{part.path} was about to be written anew, but {expired(day, ledger.sealed[day])} in the meantime. Try again.")
    found = ledger.find(part.path)
    now = found.part if found is not None else None
    if now is None or (now.file, now.offset, now.sha256) != (part.file, part.offset, part.sha256):
        raise ConflictError(f"{part.path} was moved or erased by somebody else while it was about to be written anew. Try again.")


def join(lake: Lake, written: Rewritten, stored: str, parts: Sequence[Part], ids: str = "") -> Iterator[Move]:
    """Write the bytes of parts one after the other into a file, and tell where each is then. `ids`: the identity file of those that have one.

    Errors are those of `read_bytes` and `Rewritten.create`.
    """
    pieces = [read_bytes(lake, part) for part in parts]
    written.create(stored, b"".join(pieces))
    offset = 0
    for part, data in zip(parts, pieces, strict=True):
        yield Move(part.path, stored, offset, part.size, part.sha256, part.raw_bytes, ids if part.ids else "")
        offset += len(data)


def with_newer_ledgers(lake: Lake, ledger: Ledger, attempt: Callable[[Ledger], T]) -> T:
    """What `attempt` gives, tried again with a newer ledger when another process was faster.

    `ConflictError` after some tries, `TerminalError` when a file of raw is missing that nobody has moved.
    """
    for _ in range(_TRIES):
        try:
            return attempt(ledger)
        except (ConflictError, ErasedMeanwhileError, MissingIdsError, FileNotFoundError) as error:
            seen, ledger = ledger.last_number, refresh(lake, ledger)
            if ledger.last_number > seen:
                continue
            if isinstance(error, FileNotFoundError):
                raise TerminalError(f"{error.args[0]} is missing, expected a raw part. Restore the file from a backup.") from error
            raise
    raise ConflictError(f"Others moved or erased parts of {ledger.dataset} {_TRIES} times while they were about to be written anew. Try again.")


def read_bytes(lake: Lake, part: Part) -> bytes:
    """The stored bytes of a part, which must be those that its manifest tells of.

    `FileNotFoundError` when the file is gone: a newer ledger says where they are now. `TerminalError` when it is damaged.
    """
    store = lake.store
    try:
        data = b"".join(store.range(part.file, part.offset, part.size)) if part.stored else store.read(part.file)
    except FileNotFoundError as error:
        raise FileNotFoundError(store.uri(part.file)) from error
    except EOFError as error:
        raise TerminalError(f"{store.uri(part.file)} is cut short: {error}. Restore the file from a backup.") from error
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise TerminalError(
            f"{store.uri(part.file)} is damaged: what it holds of {part.path} is not what its manifest tells of (sha256 {part.sha256}). "
            "It was left as it is. Restore the file from a backup."
        )
    return data
