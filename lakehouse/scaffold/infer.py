"""All that a sample says about a new dataset, in the words of the house."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.contracts.model import (
    Column,
    JsonBool,
    JsonField,
    JsonFloat,
    JsonInt,
    JsonList,
    JsonObject,
    JsonText,
    JsonType,
    RecordTime,
)
from lakehouse.datasets.model import Feed
from lakehouse.datasets.sample_files import Sketch
from lakehouse.scaffold.census import Seen, take_census
from lakehouse.scaffold.columns import days_back, plan_columns
from lakehouse.scaffold.drawing import sketch_fields
from lakehouse.scaffold.names import check_name, column_name
from lakehouse.scaffold.read import Sample, read_sample
from lakehouse.scaffold.times import EventTime, find_time


@dataclass(frozen=True)
class Inferred:
    """What is known of a dataset after a look at a sample.

    `id`: the column that tells rows apart. `repeat`: where there is no id, the column that numbers identical lines; None where there is one.
    `formats`: column -> format of its times. `nothing`: texts that stand for no value. `history`: days before a lake was made of which it
    takes events. `left_out`: dotted path -> why it is left to `_extra`.
    """

    name: str
    sample: Sample
    time: EventTime
    record: JsonObject
    columns: tuple[Column, ...]
    id: str
    repeat: str | None
    formats: dict[str, str]
    nothing: tuple[str, ...]
    history: int
    left_out: dict[str, str]
    sketch: Sketch

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The kinds of its files."""
        return self.sample.feeds

    @property
    def record_time(self) -> RecordTime:
        """Where the time of the event stands."""
        return RecordTime(self.time.dotted, self.time.format)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that make two rows the same event."""
        return ("event_time", self.id) if self.repeat is None else ("event_time", self.id, self.repeat)


def infer(name: str, paths: Sequence[Path], *, time: str | None = None, today: dt.date) -> Inferred:
    """What a sample says. `time`: `FIELD` or `FIELD:FORMAT` of the event's time, where a person says so.

    Raises `ConfigurationError` for a name that cannot be one, an empty or unreadable sample, and records whose time cannot be told.
    """
    check_name(name)
    sample = read_sample(paths)
    census = take_census(sample.records)
    found = find_time(census, time)
    plan = plan_columns(census, found, strings=sample.strings)
    columns = [one.column for one in plan.columns]
    taken = [column.name for column in columns]
    if plan.key is not None:
        own, repeat = plan.key.column.name, None
    else:
        own, repeat = column_name(("event", "id"), taken), column_name(("repeat",), taken)
        columns[1:1] = [
            Column(own, "string", "Made by us, as the records have no id: hash of the line, 32 hex digits.", nullable=False),
            Column(repeat, "int64", "Which of the identical lines of its file it is, from 1.", nullable=False, minimum=1),
        ]
    formats = {one.column.name: one.format for one in plan.columns if one.format is not None and one.column.type == "timestamp"}
    fields = sketch_fields(census.fields, plan)
    return Inferred(
        name=name,
        sample=sample,
        time=found,
        record=JsonObject(_declared(census.fields, plan.left_out, found.path)),
        columns=tuple(columns),
        id=own,
        repeat=repeat,
        formats={column: fmt for column, fmt in formats.items() if fmt != "rfc3339"},
        nothing=tuple(plan.nothing),
        history=days_back(found, today),
        left_out=plan.left_out,
        sketch=Sketch(fields, found.dotted, sample.feeds[0].format, sample.suffix),
    )


def _declared(fields: Sequence[Seen], left_out: dict[str, str], time: tuple[str, ...]) -> tuple[JsonField, ...]:
    """The fields that the contract names. `time`: where the time of the event is."""
    found = []
    for seen in fields:
        if ".".join(seen.path) not in left_out:
            kind = _type(seen, left_out, time)
            if not isinstance(kind, JsonObject) or kind.fields:
                found.append(JsonField(seen.name, kind, required=seen.everywhere and "[]" not in seen.path))
    return tuple(found)


def _type(seen: Seen, left_out: dict[str, str], time: tuple[str, ...]) -> JsonType:
    if seen.path == time and seen.kind == "float":
        return JsonText(numbers=True)  # seconds with a fraction, read as they are written, as lines are routed
    match seen.kind:
        case "int":
            return JsonInt()
        case "float":
            return JsonFloat()
        case "bool":
            return JsonBool()
        case "list":
            return JsonList(_type(seen.item, left_out, time)) if seen.item is not None else JsonList(JsonText())
        case "object":
            return JsonObject(_declared(seen.fields, left_out, time))
        case _:
            return JsonText(numbers=seen.kind == "text_or_number")
