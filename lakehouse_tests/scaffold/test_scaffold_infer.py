"""What a sample says: the time of the event, the types of columns, the id, what is personal; and what is written tells of nobody."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.contracts.model import DecimalType, JsonFloat, JsonInt, JsonText, ListType, StructType
from lakehouse.errors import ConfigurationError
from lakehouse.scaffold.infer import Inferred, infer
from lakehouse.scaffold.render import render

TODAY = dt.date(2026, 11, 20)


def of_json(folder: Path, *records: dict[str, Any], time: str | None = None) -> Inferred:
    path = folder / "sample.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return infer("doors", [path], time=time, today=TODAY)


def of_csv(folder: Path, *rows: str, time: str | None = None) -> Inferred:
    path = folder / "sample.csv"
    path.write_text("\n".join(rows) + "\n")
    return infer("doors", [path], time=time, today=TODAY)


@pytest.mark.parametrize(
    ("values", "fmt"),
    [
        (("2026-11-01T10:00:00Z", "2026-11-02T10:00:00+01:00"), "rfc3339"),
        (("2026-11-01 10:00:00", "2026-11-02 10:00:00"), "rfc3339"),
        (("1793527200000", "1793613600000"), "epoch_ms"),
        (("1793527200", "1793613600"), "epoch_s"),
        (("1793527200.25", "1793613600"), "epoch_float"),
        (("1793527200000000", "1793613600000000"), "epoch_us"),
        (("1793527200000000000", "1793613600000000000"), "epoch_ns"),
        (("2026-11-01", "2026-11-02"), "%Y-%m-%d"),
        (("01.11.2026 10:00", "02.11.2026 10:00"), "%d.%m.%Y %H:%M"),
        (("13/11/2026 10:00:00", "02/11/2026 10:00:00"), "%d/%m/%Y %H:%M:%S"),
        (("Sun, 01 Nov 2026 10:00:00 +0000", "Mon, 02 Nov 2026 10:00:00 +0000"), "%a, %d %b %Y %H:%M:%S %z"),
    ],
)
def test_the_format_of_times_is_told_by_their_values(values: tuple[str, ...], fmt: str, tmp_path: Path) -> None:
    found = of_csv(tmp_path, "number;when", *(f"{n};{value}" for n, value in enumerate(values, 1)))
    assert (found.time.dotted, found.time.format) == ("when", fmt)
    assert found.time.first.date() == dt.date(2026, 11, 2 if fmt.startswith("%d/") else 1)
    assert found.columns[0].name == "event_time"


def test_of_several_times_the_name_decides_and_a_nested_one_is_found(tmp_path: Path) -> None:
    when = "2026-11-01T10:00:00Z"
    assert of_json(tmp_path, {"updated_at": when, "event": {"time": when}}).time.dotted == "event.time"
    assert of_json(tmp_path, {"session_start": when, "click_timestamp": when}).time.dotted == "click_timestamp"
    assert of_json(tmp_path, {"ts": "not yet", "seen": when}, {"ts": when, "seen": when}).time.dotted == "seen"


def test_what_cannot_be_decided_is_asked_with_what_there_is(tmp_path: Path) -> None:
    when = "2026-11-01T10:00:00Z"
    with pytest.raises(ConfigurationError, match=r"(?s)Say which.*--time time .*--time timestamp "):
        of_json(tmp_path, {"time": when, "timestamp": when})
    with pytest.raises(ConfigurationError, match=r"(?s)--time day:%d/%m/%Y .*--time day:%m/%d/%Y "):
        of_csv(tmp_path, "day,x", "01/02/2026,1", "03/04/2026,2")
    with pytest.raises(ConfigurationError, match=r"no place.*Its fields: a, b"):
        of_json(tmp_path, {"a": 1, "b": "x"})
    with pytest.raises(ConfigurationError, match=r"(?s)here and there:.*--time a "):
        of_json(tmp_path, {"a": when}, {"b": 1}, {"b": 2})


def test_seconds_with_a_fraction_are_read_as_they_are_written(tmp_path: Path) -> None:
    found = of_json(tmp_path, {"ts": 1793527200.25, "load": 0.5}, {"ts": 1793527201, "load": 1.5})
    assert (found.time.dotted, found.time.format) == ("ts", "epoch_float")
    assert [(field.name, field.type) for field in found.record.fields] == [("ts", JsonText(numbers=True)), ("load", JsonFloat())]


def test_long_numbers_are_times_only_where_they_are_called_so(tmp_path: Path) -> None:
    flake, when = 1_793_527_200_000_000_000, "2026-11-01T10:00:00Z"
    assert of_json(tmp_path, {"id": flake, "seen": when}).time.dotted == "seen"
    assert of_json(tmp_path, {"id": flake, "ts": flake}).time.dotted == "ts"
    with pytest.raises(ConfigurationError, match="no place"):
        of_json(tmp_path, {"id": flake})
    assert of_json(tmp_path, {"id": flake}, time="id:epoch_ns").time.first.date() == dt.date(2026, 11, 1)


def test_a_person_may_say_which_time_it_is(tmp_path: Path) -> None:
    rows = ("day,at", "01/02/2026,2026-11-01T10:00:00Z", "03/04/2026,2026-11-01T10:00:00Z")
    assert of_csv(tmp_path, *rows, time="day:%d/%m/%Y").time.first == dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    assert of_csv(tmp_path, *rows, time="at").time.format == "rfc3339"
    with pytest.raises(ConfigurationError, match="Say which"):
        of_csv(tmp_path, *rows, time="day")
    with pytest.raises(ConfigurationError, match="names no field"):
        of_csv(tmp_path, *rows, time="when")
    with pytest.raises(ConfigurationError, match=r"No value of day is a time.*99/99/9999"):
        of_csv(tmp_path, *rows, time="day:%Y")


def test_the_texts_of_csv_are_typed_by_their_values(tmp_path: Path) -> None:
    found = of_csv(
        tmp_path,
        "at,whole,zip,money,share,flag,day,sent,note,gap",
        "2026-11-01T10:00:00Z,1,01234,12.50,0.5,true,2026-11-01,2026-11-01 10:00:00,a,7",
        "2026-11-02T10:00:00Z,-20,11234,-3.00,12,FALSE,2026-11-02,2026-11-02 10:00:00,,NA",
    )
    told = {column.name: (column.type, column.nullable) for column in found.columns}
    assert told == {
        "event_time": ("timestamp", False), "event_id": ("string", False), "repeat": ("int64", False), "whole": ("int64", False),
        "zip": ("string", False), "money": (DecimalType(18, 2), False), "share": ("float64", False), "flag": ("bool", False),
        "day": ("date", False), "sent": ("timestamp", False), "note": ("string", True), "gap": ("int64", True),
    }  # fmt: skip
    assert found.nothing == ("NA",)
    assert found.key == ("event_time", "event_id", "repeat")


def test_json_keeps_its_types_and_its_shape(tmp_path: Path) -> None:
    item = {"name": "x", "value": 1.5}
    first = {"at": 1793527200000, "who": {"Id": 7}, "tags": ["a"], "items": [item], "mixed": 1, "odd": 1, "none": None, "zip": "12"}
    found = of_json(tmp_path, first, {**first, "at": 1793527200001, "who": {"Id": 8}, "tags": [], "mixed": "b", "odd": [1]})
    told = {column.name: column.type for column in found.columns}
    assert told == {
        "event_time": "timestamp", "who_id": "int64", "tags": ListType("string"), "mixed": "string", "zip": "string",
        "items": ListType(StructType((("name", "string"), ("value", "float64")))),
    }  # fmt: skip
    assert found.left_out == {"odd": "the type changes", "none": "all are null"}
    fields = {field.name: field for field in found.record.fields}
    assert fields["mixed"].type == JsonText(numbers=True)
    assert fields["at"].type == JsonInt()
    assert fields["who"].required
    assert found.key == ("event_time", "who_id")


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        (("a", "b", "c"), "id"),
        (("a", "b", "b"), None),
        (("a", "b", None), None),
        ((1, 2, 3), "id"),
        (("ada@example.com", "bob@example.com", "eve@example.com"), None),
    ],
)
def test_an_id_is_unique_and_always_there(ids: tuple[Any, ...], key: str | None, tmp_path: Path) -> None:
    found = of_json(tmp_path, *({"at": f"2026-11-01T10:00:0{n}Z", "id": value} for n, value in enumerate(ids)))
    assert (found.id if found.repeat is None else None) == key
    assert found.id in [column.name for column in found.columns]


def test_old_records_are_not_before_the_start_of_a_lake(tmp_path: Path) -> None:
    assert of_json(tmp_path, {"at": "2015-01-01T00:00:00Z"}).history == 7305
    history = of_json(tmp_path, {"at": "1999-01-01T00:00:00Z"}).history
    assert TODAY - dt.timedelta(days=history) < dt.date(1999, 1, 1)


def test_nothing_of_a_person_is_in_what_is_written(tmp_path: Path) -> None:
    people = ["Ada Lovelace", "Grace Hopper"]
    records = [
        {"at": f"2026-11-01T10:00:{n:02d}Z", "mail": f"Someone{n % 2}@firm.example", "first_name": people[n % 2].split()[0], "author": people[n % 2],
         "salary": 48_317 + n % 2, "level": ("free", "paid")[n % 2], "to": [{"address": f"Someone{n}@firm.example"}]}
        for n in range(20)
    ]  # fmt: skip
    found = of_json(tmp_path, *records)
    assert {column.name: column.pii for column in found.columns if column.pii is not None} == {"mail": "email"}
    assert found.left_out.keys() == {"to"}
    text = "".join(render(found).values())
    for secret in ("Someone", "Ada", "Grace", "Lovelace", "Hopper", "48317", "48318", "48_317"):
        assert secret not in text
    assert 'Choice(("free", "paid"))' in text
    assert "Whole(40000, 50000)" in text


@pytest.mark.parametrize("name", ["", "Doors", "1st", "door-opening", "class", "a__b", "_a", "x" * 41, "../up"])
def test_what_cannot_be_a_name_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"at":"2026-11-01T10:00:00Z"}\n')
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        infer(name, [tmp_path / "a.jsonl"], today=TODAY)
