"""Columns for the fields of a sample: names, types, what may be null, what is personal, and which of them is the id."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from lakehouse.contracts.model import Column, ColumnType, DecimalType, ListType, StructType
from lakehouse.contracts.times import parse_times
from lakehouse.scaffold.census import Census, Seen
from lakehouse.scaffold.names import column_name, words
from lakehouse.scaffold.times import EPOCHS, EventTime, formats_of, timely

NOTHING = frozenset({"-", "NA", "N/A", "n/a", "NULL", "Null", "null", "None", "none", "NaN", "nan", "\\N", "?"})
MONEY = DecimalType(18, 2)
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[A-Za-z]{2,}")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_SHAPES: tuple[tuple[ColumnType, re.Pattern[str]], ...] = (
    ("int64", re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")),
    ("bool", re.compile(r"true|false", re.IGNORECASE)),
    (MONEY, re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{2}")),
    ("float64", re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")),
)
_JSON: dict[str, ColumnType] = {"text": "string", "text_or_number": "string", "int": "int64", "float": "float64", "bool": "bool"}
_IDS = {"id", "uuid", "guid", "key", "identifier", "qualifier", "number", "no", "nr", "code", "reference", "ref"}

_TWENTY_YEARS = 7305  # days


@dataclass(frozen=True)
class Planned:
    """A column and the field it is made of. `format`: of its times. `values`: those of the field that are something, as what the type says."""

    column: Column
    seen: Seen
    values: Sequence[Any]
    format: str | None = None


@dataclass
class Plan:
    """`columns`: in the order of the fields, the event time first. `key`: the column of the id; None where there is none.

    `nothing`: texts that stand for no value. `left_out`: dotted path -> why it is left to `_extra`.
    """

    columns: list[Planned] = field(default_factory=list)
    key: Planned | None = None
    nothing: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def plan_columns(census: Census, time: EventTime, *, strings: bool) -> Plan:
    """The columns of a clean table. `strings`: the values are texts that may mean something else (CSV, access logs)."""
    plan = Plan(left_out=dict(census.left_out))
    taken: list[str] = []
    nothing: set[str] = set()
    for seen, everywhere in census.leaves():
        dotted = ".".join(seen.path)
        if seen.path == time.path:
            column = Column("event_time", "timestamp", f"When it happened: `{dotted}` of the record.", dotted, nullable=False)
            plan.columns.insert(0, Planned(column, seen, seen.values, time.format))
        elif (why := _no_column(seen, strings=strings)) is not None:
            plan.left_out[dotted] = why
        else:
            planned, empty = _planned(seen, column_name(seen.path, taken), everywhere, strings=strings)
            plan.columns.append(planned)
            nothing |= empty
            taken.append(planned.column.name)
    plan.nothing = sorted(nothing)
    plan.key = _key(plan.columns[1:], census.records)
    return plan


def _no_column(seen: Seen, *, strings: bool) -> str | None:
    """Why a field becomes no column; None where it does."""
    if any("." in name for name in seen.path) and not (strings or len(seen.path) == 1):
        return "a name with a dot in it cannot be told from a path"
    if seen.kind != "list":
        return None
    if any(EMAIL.search(text) for text in _all_texts(seen)):
        return "a list with e-mail addresses: tokens are made in columns of text only"
    return "names in it cannot be those of a struct" if _list_type(seen) is None else None


def _all_texts(seen: Seen) -> Iterator[str]:
    if seen.kind in ("text", "text_or_number"):
        yield from (value for value in seen.values if isinstance(value, str))
    for below in (*seen.fields, *((seen.item,) if seen.item is not None else ())):
        yield from _all_texts(below)


def _list_type(seen: Seen) -> ColumnType | None:
    """The type of a list or of what is in one; None where a table could not hold it."""
    if seen.kind == "list":
        item = _list_type(seen.item) if seen.item is not None else None
        return ListType(item) if item is not None else None
    if seen.kind != "object":
        return _JSON[seen.kind]
    inner = [(below.name, _list_type(below)) for below in seen.fields]
    sound = [(name, kind) for name, kind in inner if kind is not None and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)]
    alike = len({name.casefold() for name, _ in sound}) < len(sound)
    return StructType(tuple(sound)) if len(sound) == len(inner) and not alike else None


def _planned(seen: Seen, name: str, everywhere: bool, *, strings: bool) -> tuple[Planned, set[str]]:
    """The column of a field, and the words for nothing that were met in it."""
    texts = [value for value in seen.values if value != ""]
    words_for_nothing: set[str] = set()
    kind, fmt = _typed(seen, texts, strings=strings)
    if kind == "string" and strings:
        core = [text for text in texts if text not in NOTHING]
        better, fmt = _typed(seen, core, strings=True)
        if better != "string":
            kind, words_for_nothing, texts = better, set(texts) - set(core), core
        else:
            fmt = None
    dotted = ".".join(seen.path)
    nullable = not (everywhere and len(texts) == len(seen.values))
    pii = _pii(texts) if kind == "string" else None
    told = f"`{dotted}` of the record." if pii is None else f"`{dotted}` of the record; e-mail addresses are tokens."
    return Planned(Column(name, kind, told, dotted, nullable=nullable, pii=pii), seen, texts, fmt), words_for_nothing


def _typed(seen: Seen, texts: Sequence[Any], *, strings: bool) -> tuple[ColumnType, str | None]:
    """The type of a field, and the format of its times."""
    if seen.kind == "list":
        return _list_type(seen) or "string", None
    if not texts or seen.kind in ("bool", "float", "text_or_number"):
        return _JSON[seen.kind], None
    times = _times(seen, texts, strings=strings)
    if times is not None:
        return times
    if strings:
        return next((kind for kind, shape in _SHAPES if all(shape.fullmatch(text) for text in texts)), "string"), None
    return _JSON[seen.kind], None


def _times(seen: Seen, texts: Sequence[Any], *, strings: bool) -> tuple[ColumnType, str] | None:
    """Date or timestamp, where every text is one and is so in one way only."""
    told = [str(value) for value in texts]
    formats = formats_of(Seen(seen.path, seen.kind, told, seen.of))
    if not timely(seen.name):
        formats = [fmt for fmt in formats if not fmt.startswith("epoch") and fmt != "%Y%m%d"]
    if not strings:
        formats = [fmt for fmt in formats if fmt in ("rfc3339", "%Y-%m-%d", *EPOCHS)]
    sound = [fmt for fmt in formats if parse_times(pl.Series(told), fmt).null_count() == 0]
    if len(sound) != 1:
        return None
    return ("date" if sound[0] == "%Y-%m-%d" else "timestamp"), sound[0]


def _pii(texts: Sequence[Any]) -> Any:
    """`email` where all are addresses, `identity` where some are."""
    found = [bool(EMAIL.search(str(text))) for text in texts]
    return ("email" if all(found) else "identity") if any(found) else None


def _key(columns: Sequence[Planned], records: int) -> Planned | None:
    """The column that is an id: never empty, no two alike, and called or written like one."""
    fit = [(rank, place) for place, one in enumerate(columns) if (rank := _id_rank(one, records)) is not None]
    return columns[min(fit)[1]] if fit else None


def _id_rank(one: Planned, records: int) -> int | None:
    """The smaller, the likelier; None for what is no id."""
    column = one.column
    if column.nullable or column.pii is not None or column.type not in ("string", "int64") or one.format is not None:
        return None
    told = words(one.seen.name)
    written = all(isinstance(value, str) and UUID.fullmatch(value) for value in one.values)
    if not (written or (told and told[-1] in _IDS)) or len(set(one.values)) != records:
        return None
    if told in (["id"], ["uuid"], ["guid"], ["event", "id"]):
        return 0
    return 1 if written else 2


def days_back(time: EventTime, today: dt.date) -> int:
    """For how many days before today a lake takes events: twenty years, or a year more than the sample is old, in whole years."""
    wanted = (today - time.first.date()).days + 366
    return -(-wanted // 365) * 365 if wanted > _TWENTY_YEARS else _TWENTY_YEARS
