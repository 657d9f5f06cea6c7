"""The hash of an activity's events: the same events told with another order of parameters or of keys have the same hash.

It is built from the leaves upwards, so that it can be computed by columns and so that nothing has to be sorted or written out as text:

* a text is BLAKE2b-128 of its UTF-8, unless it is an int64 as one would write it, which is mixed as a number: the API writes int64 both ways, and
  they are most of the distinct texts; any other number counts as its text; true, false and null are constants;
* an object is the sum over its members of mix(value + hash of the name), null members left out;
* a list is the sum over its items of mix(item + position), and the lists that have no order (parameters) the sum of their items alone.

Sums and mixes are of two lanes of 64 bits, which never meet; mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014). Fields that the contract
does not name count like any other. It is no signature, for whoever wants two events with one hash can compute them: it tells copies from others among
events of one time and id, which stand beside it in the key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.contracts.hashing import MIX_FIRST, MIX_SECOND, Lanes, hex_digits, mix
from lakehouse.contracts.model import JsonBool, JsonList, JsonObject, JsonText, JsonType
from lakehouse.contracts.types import whole
from lakehouse.datasets.model import Records

Hash = tuple[int, int]
Extras = Mapping[int, Any]  # index of a value -> its fields that the contract does not name

_UNORDERED = ("parameters", "parameter")
_BITS = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_SHORT = 256  # letters or bytes of what is remembered
_FEW = 512  # texts: below that, asking what they are costs more than hashing them
_INT = re.compile(r"-?[1-9][0-9]*|0", re.ASCII)
_INT64, _LONGEST_INT = range(-(2**63), 2**63), 20


def _lanes(digest: bytes) -> Hash:
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _constant(label: bytes) -> Hash:
    return _lanes(hashlib.blake2b(label, digest_size=16, person=b"constant").digest())


_NULL, _NUMBER, _OBJECT, _LIST = (_constant(label) for label in (b"null", b"number", b"object", b"list"))
_MULTISET, _POSITION = _constant(b"multiset"), _constant(b"position")
_BOOLS = {False: _constant(b"false"), True: _constant(b"true")}


def events_hashes(records: Records, events: JsonType) -> pl.Series:
    """Hash (32 hex digits) of the events of each record. `events` is the declared type of the field."""
    extras = {index: extra["events"] for index, extra in records.extra.items() if "events" in extra}
    return hex_digits(_values(whole(records.table["events"]), events, extras, unordered=False))


def value_hash(value: Any, *, unordered: bool = False) -> Hash:
    """The hash of one parsed JSON value, numbers as their text. `unordered`: the items of a list have no order."""
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _BOOLS[value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _mixed(_sum(_OBJECT, *(_member(name, value_hash(v, unordered=name in _UNORDERED)) for name, v in value.items() if v is not None)))
    items = [value_hash(v) for v in value]
    if unordered:
        return _mixed(_sum(_MULTISET, *items))
    return _mixed(_sum(_LIST, *(_mixed(_sum(item, _mixed(_position(i)))) for i, item in enumerate(items))))


def _text(value: str) -> Hash:
    return _short_text(value) if len(value) <= _SHORT else _lanes(_digest(value))


@lru_cache(maxsize=1 << 14)
def _short_text(value: str) -> Hash:
    if len(value) <= _LONGEST_INT and _INT.fullmatch(value) and int(value) in _INT64:
        return _mixed(_sum(_NUMBER, (int(value) & _BITS,) * 2))
    return _lanes(_digest(value))


def _digest(value: str) -> bytes:
    return hashlib.blake2b(value.encode(), digest_size=16).digest()


def _sum(*hashes: Hash) -> Hash:
    return sum(h[0] for h in hashes) & _BITS, sum(h[1] for h in hashes) & _BITS


def _mixed(value: Hash) -> Hash:
    return _mix_lane(value[0]), _mix_lane(value[1])


def _mix_lane(lane: int) -> int:
    lane = ((lane ^ lane >> 30) * MIX_FIRST) & _BITS
    lane = ((lane ^ lane >> 27) * MIX_SECOND) & _BITS
    return lane ^ lane >> 31


def _position(index: int) -> Hash:
    return (_POSITION[0] + index * _STEP) & _BITS, (_POSITION[1] + index * _STEP) & _BITS


@lru_cache(maxsize=1024)
def _name(name: str) -> Hash:
    return _lanes(hashlib.blake2b(name.encode(), digest_size=16, person=b"name").digest())


def _member(name: str, value: Hash) -> Hash:
    return _mixed(_sum(value, _name(name)))


def _unknown_member(name: str, raw: bytes) -> Hash:
    return _short_member(name, raw) if len(raw) <= _SHORT else _long_member(name, raw)


def _long_member(name: str, raw: bytes) -> Hash:
    return _member(name, value_hash(json.loads(raw, parse_int=str, parse_float=str), unordered=name in _UNORDERED))


_short_member = lru_cache(maxsize=1 << 14)(_long_member)


def _values(values: Any, kind: JsonType, extras: Extras, *, unordered: bool) -> Lanes:
    """The hash of each value of an Arrow array."""
    match kind:
        case JsonText():
            table, codes = _dictionary(values)
            table[-1] = _NULL
            told: Lanes = table.take(codes, axis=0)  # ten times as fast as an index
            return told
        case JsonBool():
            codes = pc.fill_null(values.cast(pa.int8()), 2).to_numpy(zero_copy_only=False)
            bools: Lanes = np.array([_BOOLS[False], _BOOLS[True], _NULL], np.uint64).take(codes, axis=0)
            return bools
        case JsonList(item):
            return _nulled(_lists(values, item, extras, unordered=unordered), values)
        case JsonObject():
            return _nulled(_objects(values, kind, extras), values)
        case _:
            raise TypeError(f"the events of the contract must not hold {type(kind).__name__}: the text of its values is not kept")


def _dictionary(values: Any) -> tuple[Lanes, npt.NDArray[np.int32]]:
    """(hashes of the distinct texts and, last, a place for that of null; which of them each value is)."""
    coded = values.dictionary_encode()
    count = len(coded.dictionary)
    codes: npt.NDArray[np.int32] = pc.fill_null(coded.indices, count).to_numpy(zero_copy_only=False)
    table = np.zeros((count + 1, 2), np.uint64)
    if count <= _FEW:
        table[:-1] = np.array([_text(t) for t in coded.dictionary.to_pylist()], np.uint64).reshape(-1, 2)
        return table, codes
    distinct = pl.Series(coded.dictionary, dtype=pl.String)
    numbers = distinct.cast(pl.Int64, strict=False)
    is_number = (numbers.cast(pl.String) == distinct).fill_null(False).to_numpy()
    table[:-1][is_number] = mix(numbers.filter(is_number).to_numpy().view(np.uint64)[:, None] + np.array(_NUMBER, np.uint64))
    table[:-1][~is_number] = np.frombuffer(b"".join([_digest(t) for t in distinct.filter(~is_number)]), "<u8").reshape(-1, 2)
    return table, codes


def _nulled(hashes: Lanes, values: Any) -> Lanes:
    if values.null_count:
        hashes[pc.is_null(values).to_numpy(zero_copy_only=False)] = _NULL
    return hashes


def _lists(values: Any, item: JsonType, extras: Extras, *, unordered: bool) -> Lanes:
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    inside = {int(ends[i] - lengths[i]) + place: extra for i, items in extras.items() for place, extra in enumerate(items) if extra}
    hashes = _values(values.flatten(), item, inside, unordered=False)
    if not unordered:
        positions = np.arange(len(hashes)) - np.repeat(ends - lengths, lengths)
        known = np.array([_mixed(_position(i)) for i in range(int(lengths.max(initial=0)))], np.uint64).reshape(-1, 2)
        hashes = mix(hashes + known.take(positions, axis=0))
    sums = np.concatenate([np.zeros((1, 2), np.uint64), np.cumsum(hashes, axis=0, dtype=np.uint64)])
    return mix(sums.take(ends, axis=0) - sums.take(ends - lengths, axis=0) + np.array(_MULTISET if unordered else _LIST, np.uint64))


def _objects(values: Any, kind: JsonObject, extras: Extras) -> Lanes:
    total = np.empty((len(values), 2), np.uint64)
    total[:] = _OBJECT
    for field, column in zip(kind.fields, values.flatten(), strict=True):
        if column.null_count == len(column):
            continue
        if isinstance(field.type, JsonText):  # mixed once per distinct text; null adds nothing
            table, codes = _dictionary(column)
            table[:-1] = mix(table[:-1] + np.array(_name(field.name), np.uint64))
            total += table.take(codes, axis=0)
            continue
        there = pc.is_valid(column).to_numpy(zero_copy_only=False)
        below = _below(extras, field.name, there)
        inside = _values(column.drop_null() if column.null_count else column, field.type, below, unordered=field.name in _UNORDERED)
        inside = mix(inside + np.array(_name(field.name), np.uint64))
        total += inside if not column.null_count else _spread(inside, there)
    for index, extra in extras.items():
        unknown = [_unknown_member(name, raw) for name, raw in extra.items() if isinstance(raw, bytes)]
        total[index] += np.array(_sum(*unknown), np.uint64)
    return mix(total)


def _spread(hashes: Lanes, there: npt.NDArray[np.bool_]) -> Lanes:
    """The hashes in the places that are marked, nothing in the others."""
    places = np.where(there, np.cumsum(there), 0)
    return np.concatenate([np.zeros((1, 2), np.uint64), hashes]).take(places, axis=0)


def _below(extras: Extras, name: str, there: npt.NDArray[np.bool_]) -> Extras:
    """What the values of a field have that the contract does not name, by their place among those that are there."""
    found = {index: extra[name] for index, extra in extras.items() if name in extra and not isinstance(extra[name], bytes)}
    if not found:
        return found
    places = np.cumsum(there) - 1
    return {int(places[index]): extra for index, extra in found.items()}
