"""Reading raw: blocks of whole lines of a part, and single lines.

A part is named by its path for ever, but its bytes may have been moved to another file, so a path alone is looked up in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lakehouse.errors import ErasedMeanwhileError, TerminalError
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.landing.manifest import LineRef, Part
from lakehouse.landing.sealed import expired_part, gone_line
from lakehouse.settings import Lake
from lakehouse.storage import Store
from lakehouse.storage.unpack import DAMAGE, packing_of, unpack

BLOCK_BYTES = 16 << 20
_CHUNK_BYTES = 256 << 10  # small, because the text of one chunk is in memory beside the block


def read_part(lake: Lake, part: Part | str, *, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The text of a part in blocks of whole lines, each at most `block_bytes` (a longer line is a block of its own).

    `part`: as a ledger has it, or its path, which is looked up. One whose bytes were moved since is read where they are now. `.zst` and `.gz` are
    unpacked, anything else is taken as plain text. Only the last line may lack its newline. Nothing comes from an empty file. Raises `TerminalError`
    for a file that has expired, is missing, damaged or cut short (blocks before the damage may have been given), `ErasedMeanwhileError` for a part of
    which lines were erased since the ledger.
    """
    place = part if isinstance(part, Part) else _place(lake, part)
    try:
        yield from _blocks(lake.store, place, block_bytes)
    except DAMAGE as error:
        raise TerminalError(
            f"{lake.store.uri(place.file)} is damaged or cut short: {error}. Restore the file from a backup; the other parts can be read without it."
        ) from error
    except FileNotFoundError as error:  # before the first block, because an open file can be read to its end
        now = _look_again(lake, place)
        if now is None:
            raise TerminalError(_missing(lake, place)) from error
        if place.sha256 != now.sha256:
            raise ErasedMeanwhileError(
                f"Lines of {place.path} were erased while it was about to be read, so it says something else now. Run it again."
            ) from error
        yield from read_part(lake, now, block_bytes=block_bytes)


def read_line(lake: Lake, ref: LineRef, ledger: Ledger | None = None) -> bytes:
    """One verbatim line of raw, without its newline (of an erased line what stands in its place). `TerminalError` when the part has no such line.

    `ledger`: where its part is looked up; without it the newest is loaded.
    """
    landed = ledger.find(ref.part) if ledger is not None else None
    return next(read_lines(lake, landed.part if landed is not None else ref.part, [ref.line]))[1]


def line_text(lake: Lake, ledger: Ledger, ref: LineRef) -> tuple[str | None, str | None]:
    """(the text of a line for people, None); (None, why not) where it was erased or its raw has expired."""
    gone = gone_line(ledger, ref)
    return (None, gone) if gone is not None else (read_line(lake, ref, ledger).decode("utf-8", errors="backslashreplace"), None)


def read_lines(lake: Lake, part: Part | str, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(number, verbatim line without its newline) of some lines of a part, which must be sorted and count from 1; the part is read once.

    Raises `TerminalError` when the part has no such line.
    """
    wanted = iter(numbers)
    number = next(wanted, None)
    before = 0
    for block in read_part(lake, part):
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
        path = part.path if isinstance(part, Part) else part
        raise TerminalError(f"{lake.store.uri(path)} has {before} lines, so there is no line {number}. Lines count from 1.")


def _place(lake: Lake, path: str) -> Part:
    """The part of that path as the newest ledger has it; a file that no manifest names is taken as it is."""
    ledger = _ledger_of(lake, path)
    found = ledger.find(path) if ledger is not None else None
    return found.part if found is not None else Part(path, "", "", 0, 0, 0, "")


def _look_again(lake: Lake, place: Part) -> Part | None:
    """The part as the newest ledger has it, when that is elsewhere."""
    now = _place(lake, place.path)
    return now if (now.file, now.offset) != (place.file, place.offset) else None


def _ledger_of(lake: Lake, path: str) -> Ledger | None:
    folder, _, rest = path.partition("/")
    return load_ledger(lake, rest.partition("/")[0]) if folder == "raw" else None


def _missing(lake: Lake, place: Part) -> str:
    ledger = _ledger_of(lake, place.path)
    gone = expired_part(ledger, place.path) if ledger is not None and ledger.find(place.path) is not None else None
    if gone is not None:
        return f"{lake.store.uri(place.file)} cannot be read: {gone}. What was built of it stays in the tables."
    return f"{lake.store.uri(place.file)} is missing, expected a raw part. Restore the file from a backup."


def _blocks(store: Store, place: Part, block_bytes: int) -> Iterator[bytes]:
    pieces: list[bytes] = []
    size = 0
    # Where a part has its first file to itself that is read to its end, whatever the manifest says of its size.
    file = place.file
    chunks = store.range(file, place.offset, place.size, _CHUNK_BYTES) if place.stored else store.chunks(file, _CHUNK_BYTES)
    for piece in unpack(chunks, packing_of(file)):
        pieces.append(piece)
        size += len(piece)
        if size > block_bytes and b"\n" in piece:
            *blocks, rest = _cut(b"".join(pieces), block_bytes)
            yield from blocks
            pieces, size = [rest], len(rest)
    if size:
        yield from filter(None, _cut(b"".join(pieces), block_bytes))


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
