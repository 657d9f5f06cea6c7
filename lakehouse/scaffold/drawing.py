"""What a generator draws for each field of a sample: ranges and small vocabularies, never a value that could be somebody's."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lakehouse.contracts.model import DecimalType
from lakehouse.datasets.sketch import Choice, Email, Field, Flag, Group, Kind, Moment, Real, Serial, Several, Text, Whole
from lakehouse.scaffold.census import Seen
from lakehouse.scaffold.columns import EMAIL, UUID, Plan, Planned
from lakehouse.scaffold.names import personal, words

_INT64 = 2**63 - 1
_HUGE = 1e12
_MOST_VALUES, _OFTEN = 12, 5  # a vocabulary: at most so many values, each met so often
_WORD = re.compile(r"[A-Za-z][A-Za-z _/&-]{0,29}")


def sketch_fields(fields: Sequence[Seen], plan: Plan) -> tuple[Field, ...]:
    """The fields of a made-up record, in the order of the real ones. What became no column is not drawn."""
    planned = {one.seen.path: one for one in plan.columns}
    return _fields(fields, planned, plan.key)


def _fields(fields: Sequence[Seen], planned: Mapping[tuple[str, ...], Planned], key: Planned | None) -> tuple[Field, ...]:
    found = []
    for seen in fields:
        if seen.kind == "object":
            inner = _fields(seen.fields, planned, key)
            if inner:
                leads = any(path[: len(seen.path)] == seen.path and not one.column.nullable for path, one in planned.items())
                found.append(Field(seen.name, Group(inner), 0.0 if leads else _absent(len(seen.values), seen.of)))
        elif seen.path in planned:
            one = planned[seen.path]
            kind = _serial(one) if one is key else _kind(one)
            found.append(Field(seen.name, kind, _absent(len(one.values), seen.of) if one.column.nullable and one is not key else 0.0))
    return tuple(found)


def _absent(there: int, of: int) -> float:
    """The share of records in which it is null; it is null now and then where it may be."""
    return 0.0 if there == of else min(0.95, max(0.01, round(1 - there / of, 2)))


def _serial(one: Planned) -> Serial:
    if one.column.type == "int64":
        return Serial()
    return Serial(uuid=True) if all(UUID.fullmatch(str(value)) for value in one.values) else Serial("-".join(words(one.seen.name)) or "id")


def _kind(one: Planned) -> Kind:
    if one.format is not None:
        return Moment(one.format)
    if isinstance(one.column.type, DecimalType):
        return _real([float(value) for value in one.values], one.column.type.scale)
    match one.column.type:
        case "int64":
            return _whole([int(value) for value in one.values])
        case "float64":
            return _real([float(value) for value in one.values])
        case "bool":
            return Flag()
        case "string":
            return _text(one.seen, one.values)
        case _:
            return _listed(one.seen)


def _listed(seen: Seen) -> Kind:
    """The kind of a list, or of what is in one."""
    match seen.kind:
        case "list":
            most = max((len(value) for value in seen.values), default=0)
            return Several(_listed(seen.item), min(5, max(1, most))) if seen.item is not None else Several(Flag())
        case "object":
            return Group(tuple(Field(below.name, _listed(below), _absent(len(below.values), below.of)) for below in seen.fields))
        case "int":
            return _whole(seen.values)
        case "float":
            return _real([float(value) for value in seen.values])
        case "bool":
            return Flag()
        case _:
            return _text(seen, seen.values)


def _text(seen: Seen, values: Sequence[Any]) -> Kind:
    counted = Counter(str(value) for value in values)
    if any(EMAIL.search(text) for text in counted):
        return Email(_about(len(counted)))
    common = 0 < len(counted) <= _MOST_VALUES and min(counted.values()) >= _OFTEN
    if common and not any(personal(name) for name in seen.path) and all(_WORD.fullmatch(text) for text in counted):
        return Choice(tuple(text for text, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))))
    named = [name for name in seen.path if name != "[]"]
    return Text("-".join(words(named[-1])) or "text", _about(len(counted)))


def _about(distinct: int) -> int:
    return min(1_000, max(2, distinct))


def _whole(values: Sequence[int]) -> Whole:
    return Whole(max(-_INT64, _outward(min(values), up=False)), min(_INT64, _outward(max(values), up=True)))


def _real(values: Sequence[float], digits: int = 2) -> Real:
    low, high = (min(_HUGE, max(-_HUGE, end)) for end in (min(values), max(values)))
    return Real(float(_outward(math.floor(low), up=False)), float(_outward(math.ceil(high), up=True)), digits)


def _outward(number: int, *, up: bool) -> int:
    """The next number of one digit and noughts: an end of a range that is nobody's value."""
    step: int = 10 ** (len(str(abs(number))) - 1)
    return -(-number // step) * step if up else number // step * step
