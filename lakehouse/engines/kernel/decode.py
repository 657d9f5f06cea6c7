"""Text to records: a fast path over whole blocks, and a slow path for what does not parse; tests hold that they say the same.

The fast path lets one inferring reader find every declared and every unknown field in one pass. It is taken only where each row is proved to
be one line. A block that fails is judged line by line, the bad lines are put aside, and the rest is tried again, in ever smaller pieces where
the type of a field conflicts; the smallest pieces are read by the plain judge in `shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from lakehouse.contracts.model import Contract
from lakehouse.contracts.types import decode_schema
from lakehouse.datasets.model import Records
from lakehouse.engines.kernel import shape, unknown
from lakehouse.engines.kernel.lines import MAX_DEPTH, Lines, plain_objects, suspicious, too_deep
from lakehouse.engines.kernel.numbers import has_numbers, quote_numbers
from lakehouse.engines.kernel.reader import read_block
from lakehouse.engines.kernel.typed import conforming, misfits

_SMALLEST = 32  # lines that the judge reads one by one rather than halving them again
_UNSPLIT = b'{"_raw":'


@dataclass(frozen=True)
class Fault:
    """A line that is no record (`is_record` False: unreadable), or a record that cannot be rows."""

    number: int
    rule: str
    field: str | None
    detail: str | None
    is_record: bool


@dataclass(frozen=True)
class Decoded:
    """The records of a block. `numbers[i]` is the line number of record i of `records`, in any order; `blank`: the numbers of blank lines."""

    records: Records
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    faults: tuple[Fault, ...]
    lines: int
    blank: np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class _Pieces:
    """What the pieces of a block have come to so far."""

    tables: list[pa.Table] = field(default_factory=list)
    lines: list[Lines] = field(default_factory=list)
    extra: list[dict[int, dict[str, Any]]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def decode(block: bytes, first_number: int, contract: Contract, *, skip: frozenset[int] = frozenset(), fast: bool = True) -> Decoded:
    """The records of a block of whole lines, of which the first has the number `first_number`.

    `skip`: numbers of lines that were erased or that a later fetch superseded: they are not looked at (nor counted). `fast=False` leaves out the fast
    path, for tests.
    """
    lines = Lines.split(block, first_number)
    if skip:
        lines = lines.take(~np.isin(lines.numbers, np.fromiter(skip, np.int64)))
    blank = lines.blank()
    full = lines.take(~blank) if blank.any() else lines
    pieces = _Pieces()
    full = _without_unsplit(full, contract, pieces)
    if len(full) and not (fast and _try_fast(full, contract, pieces, judged=False)):
        _put_aside(full, contract, pieces, fast=fast)
    return _assemble(pieces, contract, lines=len(lines), blank=lines.numbers[blank])


def _without_unsplit(lines: Lines, contract: Contract, pieces: _Pieces) -> Lines:
    """Put aside the lines that landed as `{"_raw": text}` because their source could not split them into a record."""
    unsplit = lines.beginning(_UNSPLIT)
    if not unsplit.any() or contract.record.field("_raw") is not None:
        return lines
    unsplit[unsplit] = [_is_unsplit(lines.text(i)) for i in np.flatnonzero(unsplit).tolist()]
    told = "the source could not split it into a record"
    pieces.faults += [Fault(number, "unsplittable", None, told, is_record=False) for number in lines.numbers[unsplit].tolist()]
    return lines.take(~unsplit)


def _is_unsplit(text: bytes) -> bool:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return len(value) == 1 and isinstance(value["_raw"], str)


def _assemble(pieces: _Pieces, contract: Contract, *, lines: int, blank: np.ndarray[Any, np.dtype[np.int64]]) -> Decoded:
    schema = decode_schema(contract)
    table = pieces.tables[0] if len(pieces.tables) == 1 else pa.concat_tables([schema.empty_table(), *pieces.tables]).combine_chunks()
    extra: dict[int, dict[str, Any]] = {}
    starts = np.cumsum([0, *(len(p) for p in pieces.lines)])
    for start, one in zip(starts[:-1], pieces.extra, strict=True):
        extra |= {int(start) + index: value for index, value in one.items()}
    numbers = np.concatenate([p.numbers for p in pieces.lines]) if pieces.lines else np.empty(0, np.int64)

    def line(index: int) -> bytes:
        piece = int(np.searchsorted(starts, index, side="right")) - 1
        return pieces.lines[piece].text(index - int(starts[piece]))

    return Decoded(Records(table, line, extra), numbers, tuple(pieces.faults), lines, blank)


def _put_aside(lines: Lines, contract: Contract, pieces: _Pieces, *, fast: bool) -> None:
    """Read a block that cannot be read whole: the lines that look bad, then those that conflict with the contract, are judged, and if the others
    still cannot be read, all are.
    """
    if fast:
        odd = suspicious(lines)
        odd[~odd] = misfits(lines.take(~odd), contract.record)
        if odd.any() and _try_without(odd, lines, contract, pieces):
            return
        odd[~odd] = ~conforming(lines.take(~odd), contract)
        if odd.any() and _try_without(odd, lines, contract, pieces):
            return
    _judge(lines, contract, pieces, fast=fast)


def _try_without(odd: npt.NDArray[np.bool_], lines: Lines, contract: Contract, pieces: _Pieces) -> bool:
    """Read a block without some of its lines, and judge those; False, and nothing is read, where the others cannot be read whole either."""
    if odd.all() or not _try_fast(lines.take(~odd), contract, pieces, judged=False):
        return False
    _judge(lines.take(odd), contract, pieces, fast=True)
    return True


def _judge(lines: Lines, contract: Contract, pieces: _Pieces, *, fast: bool) -> None:
    """Put the lines aside that are no JSON object, and read the rest."""
    good = np.ones(len(lines), bool)
    for index in range(len(lines)):
        fault = _unreadable(lines.text(index), int(lines.numbers[index]))
        if fault is not None:
            good[index] = False
            pieces.faults.append(fault)
    _read(lines.take(good), contract, pieces, fast=fast)


def _unreadable(text: bytes, number: int) -> Fault | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Fault(number, "unreadable_json", None, _where(error), is_record=False)
    if too_deep(text):
        return Fault(number, "unreadable_json", None, f"nested deeper than {MAX_DEPTH} levels", is_record=False)
    if not isinstance(value, dict):
        return Fault(number, "not_an_object", None, f"expected a JSON object, got {_kind(value)}", is_record=False)
    return None


def _where(error: orjson.JSONDecodeError) -> str:
    # The message of the parser names no content of the line, its `doc` would: keep the first only.
    return f"{error.msg.split(':')[0]} (column {error.colno})"


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "an object")


def _read(lines: Lines, contract: Contract, pieces: _Pieces, *, fast: bool) -> None:
    """Read lines that are JSON objects: whole, else without those that conflict with the contract, else in halves."""
    if not len(lines):
        return
    if fast and _try_fast(lines, contract, pieces, judged=True):
        return
    if not fast or len(lines) <= _SMALLEST:
        _read_one_by_one(lines, contract, pieces)
        return
    fits = conforming(lines, contract)
    if not fits.all() and _try_fast(lines.take(fits), contract, pieces, judged=True):
        _read_one_by_one(lines.take(~fits), contract, pieces)
        return
    middle = len(lines) // 2
    every = np.arange(len(lines))
    _read(lines.take(every[:middle]), contract, pieces, fast=True)
    _read(lines.take(every[middle:]), contract, pieces, fast=True)


def _try_fast(lines: Lines, contract: Contract, pieces: _Pieces, *, judged: bool) -> bool:
    if not len(lines):
        return True
    text, longest = lines.joined(), int((lines.ends - lines.starts).max())
    if not judged and not plain_objects(lines, text):
        return False
    table = None if has_numbers(text, contract.record) else read_block(text, contract.record, longest=longest)
    if table is None and (quoted := quote_numbers(text, contract.record)) != text:
        table = read_block(quoted, contract.record, longest=2 * longest)
    if table is None or table.num_rows != len(lines) or unknown.has_infinite(table):
        return False
    tree, holders = unknown.unknown_fields(table, contract.record)
    declared = unknown.declared_part(table, contract.record)
    missing = unknown.missing_required(declared, contract.record)
    extra = {i: shape.cut_known_extra(lines.text(i), tree) for i in holders.tolist()}
    _add(pieces, declared, lines, extra, {i: ("missing_required", path) for i, path in missing.items()})
    return True


def _read_one_by_one(lines: Lines, contract: Contract, pieces: _Pieces) -> None:
    objects: list[dict[str, Any]] = []
    good = np.zeros(len(lines), bool)
    extra: dict[int, dict[str, Any]] = {}
    for index in range(len(lines)):
        text, number = lines.text(index), int(lines.numbers[index])
        try:
            declared, moved = shape.conform(shape.parse(text), contract.record)
        except shape.DuplicateKey:
            pieces.faults.append(Fault(number, "unreadable_json", None, "an object names one key twice", is_record=False))
            continue
        except shape.Conflict as conflict:
            pieces.faults.append(Fault(number, conflict.rule, conflict.field, None, is_record=True))
            continue
        found = shape.cut_extra(text, contract.record, moved=frozenset(moved))
        if found:
            extra[len(objects)] = found
        objects.append(declared)
        good[index] = True
    _add(pieces, pa.Table.from_pylist(objects, schema=decode_schema(contract)), lines.take(good), extra, {})


def _add(pieces: _Pieces, table: pa.Table, lines: Lines, extra: dict[int, dict[str, Any]], faulty: dict[int, tuple[str, str]]) -> None:
    """Add the records of a piece, those with a fault put aside."""
    if faulty:
        for index in sorted(faulty):
            rule, path = faulty[index]
            pieces.faults.append(Fault(int(lines.numbers[index]), rule, path, None, is_record=True))
        keep = np.ones(len(lines), bool)
        keep[list(faulty)] = False
        places: Sequence[int] = (np.cumsum(keep) - 1).tolist()
        extra = {places[i]: value for i, value in extra.items() if keep[i]}
        table, lines = table.filter(pa.array(keep)), lines.take(keep)
    pieces.tables.append(table)
    pieces.lines.append(lines)
    pieces.extra.append(extra)
