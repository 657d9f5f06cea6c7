"""Where lines go, written down beside the version of the rule: a line that lands tomorrow goes where it went yesterday."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.contracts.model import Contract, JsonField, JsonObject, JsonText, RecordTime
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.redrive import land_redrive
from lakehouse.landing.release import land_release
from lakehouse.landing.routing import ROUTING_VERSION, Router

CASE = Path(__file__).parent / "cases" / "routing.json"
START, NOW = dt.date(2026, 6, 1), dt.datetime(2026, 11, 20, 13, 15, 2, tzinfo=dt.UTC)
SEALED = dt.date(2026, 11, 18)
TIMES = (
    RecordTime("id.time"), RecordTime("ms", "epoch_ms"), RecordTime("s", "epoch_s"), RecordTime("log", "%d/%b/%Y:%H:%M:%S %z"),
    RecordTime("table", "%Y-%m-%d %H:%M:%S"), RecordTime("float", "epoch_float"),
)  # fmt: skip
LINES = (
    # each format, and the edges of an hour, of the lake and of what may be in the future
    *(f'{{"id":{{"time":"{time}"}}}}' for time in (
        "2026-11-20T12:30:00.123Z", "2026-11-20T12:59:59.999999999Z", "2026-11-20T13:00:00Z", "2026-11-20t12:30:00z", "2026-11-20 12:30:00",
        "2026-11-20T12:30:00", "2026-11-20T23:30:00+12:00", "2026-11-19T23:30:00-02:30", "2026-11-20", "2026-05-31T23:59:59.999Z",
        "2026-06-01T00:00:00Z", "2026-11-20T13:20:02Z", "2026-11-20T13:20:02.001Z", "2026-02-30T00:00:00Z", "2026-11-18T05:00:00Z", "noon", "",
        "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00",  # half past two comes twice in the night that summer time ends: an hour apart
    )),
    *(f'{{"ms":{value}}}' for value in ("1795177800000", '"1795177800000"', "1795177800000.0", "1.7951778E+12", "-1", '"x"')),
    *(f'{{"s":{value}}}' for value in ("1795177800", '"1795177800"', "1795177800.5", "true")),
    # seconds with a fraction are read as they are written: as a number of Python the first would be the next hour
    *(f'{{"float":{value}}}' for value in (
        "1795179599.999999999", '"1795179599.999999999"', "1795179599.9999999999", "1795179600.0", "1795179600", "1.7951796E+9", '"\\u00317951796e2"',
        '"\\u0031795179600.5"', "true", "null", "[1795179600]", "-0.5",
    )),
    '{"log":"20/Nov/2026:12:30:00 +0000"}', '{"log":"20/Nov/2026:12:30:00 +0200"}', '{"log":"20/Nov/2026"}', '{"table":"2026-11-20 12:30:00"}',
    # the first time that is there counts, though a later one could be read
    '{"id":{"time":"noon"},"ms":1795177800000}', '{"id":{"time":null},"ms":1795177800000}', '{"id":{},"ms":1795177800000}',
    '{"ms":null,"s":1795177800}',
    '{"id":{"time":5},"ms":1795177800000}', '{"id":"2026-11-20T12:30:00Z"}',
    # as JSON readers take it: escapes, the last of equal fields, blanks; and what is no JSON
    '{"id":{"time":"2026-11-20T12:\\u00330:00Z"}}', '{"id":{"time":"2026-11-20T12:30:00Z"},"id":{"time":"2026-11-20T11:30:00Z"}}',
    ' { "id" : { "time" : "2026-11-20T12:30:00Z" } } ', '{"id":{"time":"2026-11-20T12:30:00Z"}', '[{"id":{"time":"2026-11-20T12:30:00Z"}}]',
    "null", "{}",
)  # fmt: skip


@pytest.fixture
def timed(contract: Contract) -> Contract:
    """A contract of every way to write a time."""
    names = JsonText(numbers=True)
    record = JsonObject(
        (JsonField("id", JsonObject((JsonField("time"),))), *(JsonField(name, names) for name in ("ms", "s", "log", "table", "float")))
    )
    return replace(contract, record=record, times=TIMES)


def test_lines_go_elsewhere_only_with_a_new_version_of_the_rule(timed: Contract) -> None:
    router = Router(timed, START, NOW, {SEALED})
    grains = [[line, router.home(router.route(line.encode())[0])] for line in LINES]
    found = {"routing_version": ROUTING_VERSION, "lines": grains}
    if os.environ.get("UPDATE_CASES"):
        CASE.write_text(json.dumps(found, indent=1) + "\n")
    expected = json.loads(CASE.read_text())
    if expected["lines"] != grains:
        assert expected["routing_version"] != ROUTING_VERSION, f"Lines go elsewhere: raise ROUTING_VERSION.\n{other(expected['lines'], grains)}"
    assert expected == found, "The rule has a new version: run this test once with UPDATE_CASES=1."


@pytest.mark.parametrize("value", [b'"\xff"', b'"\\x"', b'{"a":"\xff"}', b'{"a":"\\x"}', b'"\\ud800"', b"-", b"01", b"nul"])
def test_a_time_that_is_no_text_at_all_has_no_place(timed: Contract, value: bytes) -> None:
    router = Router(timed, START, NOW)
    for field in (b"float", b"s", b"log"):
        assert router.route(b'{"%s":%s}' % (field, value))[:2] == (router.unplaced, None)


def other(expected: list[list[str]], found: list[list[str]]) -> str:
    return "\n".join(f"{line}: {grain}" for line, grain in found if [line, grain] not in expected)


def test_every_manifest_that_lands_lines_says_by_which_version_they_were_routed(lake: Any, land: Any, line: Any, contract: Contract) -> None:
    landed = land(lake, [line(), b"broken"])
    unplaced = next(p.path for p in landed.parts if p.grain.startswith("unplaced"))
    mended = land_redrive(lake, contract, [(LineRef(unplaced, 1), line(n=2))])
    released = land_release(lake, contract.name, [mended.parts[0].path])
    assert [m.routing for m in (landed, mended, released)] == [ROUTING_VERSION] * 3
