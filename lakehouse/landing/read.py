"""Reading raw: blocks of whole lines of a part, and single lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lakehouse.errors import TerminalError
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.sealed import expired_part
from lakehouse.settings import Lake
from lakehouse.storage.unpack import DAMAGE, packing_of, unpack

BLOCK_BYTES = 16 << 20
_CHUNK_BYTES = 256 << 10  # small, because the text of one chunk is in memory beside the block


def read_part(lake: Lake, path: str, *, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The text of a part in blocks of whole lines, each at most `block_bytes` (a longer line is a block of its own).

    `.zst` and `.gz` are unpacked, anything else is taken as plain text. Only the last line may lack its newline. Nothing comes from an empty file.
    Raises `TerminalError` for a file that has expired, is missing, damaged or cut short; blocks before the damage may have been given.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in unpack(lake.store.chunks(path, _CHUNK_BYTES), packing_of(path)):
            pieces.append(piece)
            size += len(piece)
            if size > block_bytes and b"\n" in piece:
                *blocks, rest = _cut(b"".join(pieces), block_bytes)
                yield from blocks
                pieces, size = [rest], len(rest)
    except DAMAGE as error:
        raise TerminalError(
            f"{lake.store.uri(path)} is damaged or cut short: {error}. Restore the file from a backup; the other parts can be read without it."
        ) from error
    except FileNotFoundError as error:
        raise TerminalError(_missing(lake, path)) from error
    if size:
        yield from filter(None, _cut(b"".join(pieces), block_bytes))


def read_line(lake: Lake, ref: LineRef) -> bytes:
    """One verbatim line of raw, without its newline. Raises `TerminalError` when the part has no such line."""
    return next(read_lines(lake, ref.part, [ref.line]))[1]


def line_text(lake: Lake, ledger: Ledger, ref: LineRef) -> tuple[str | None, str | None]:
    """(the text of a line for people, None); (None, why not) where its raw has expired."""
    gone = expired_part(ledger, ref.part)
    return (None, gone) if gone is not None else (read_line(lake, ref).decode("utf-8", errors="backslashreplace"), None)


def read_lines(lake: Lake, path: str, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(number, verbatim line without its newline) of some lines of a part, which must be sorted and count from 1; the part is read once.

    Raises `TerminalError` when the part has no such line.
    """
    wanted = iter(numbers)
    number = next(wanted, None)
    before = 0
    for block in read_part(lake, path):
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        lines: list[bytes] | None = None
        while number is not None and before < number <= before + count:
            lines = lines or block.split(b"\n")
            yield number, lines[number - before - 1]
            number = next(wanted, None)
        if number is None:
            return
        before += count
    if number is not None:
        raise TerminalError(f"{lake.store.uri(path)} has {before} lines, so there is no line {number}. Lines count from 1.")


def _missing(lake: Lake, path: str) -> str:
    folder, _, rest = path.partition("/")
    ledger = load_ledger(lake, rest.partition("/")[0]) if folder == "raw" else None
    gone = expired_part(ledger, path) if ledger is not None and ledger.find(path) is not None else None
    if gone is not None:
        return f"{lake.store.uri(path)} cannot be read: {gone}. What was built of it stays in the tables."
    return f"{lake.store.uri(path)} is missing, expected a raw part. Restore the file from a backup."


def _cut(text: bytes, block_bytes: int) -> Iterator[bytes]:
    """Blocks of whole lines, then what is left: at most a block, or the beginning of a longer line (maybe empty)."""
    at = 0
    while len(text) - at > block_bytes:
        end = text.rfind(b"\n", at, at + block_bytes) + 1 or text.find(b"\n", at + block_bytes) + 1
        if not end:
            break
        yield text[at:end]
        at = end
    yield text[at:]
