"""The hash of events: by columns and value by value it is the same, and order does not matter."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.datasets.workspace_audit.contract import CONTRACT
from lakehouse.datasets.workspace_audit.event_hash import events_hashes, value_hash
from lakehouse.engines.kernel.decode import decode

texts = st.text(max_size=4) | st.sampled_from(['a"b', "back\\slash", "tab\there", "ü", "\x01"])
simple = {
    "name": texts,
    "value": texts | st.integers(-5, 5) | st.none(),
    "intValue": texts | st.integers(),
    "boolValue": st.booleans(),
    "multiValue": st.lists(texts | st.none(), max_size=3),
    "multiIntValue": st.lists(st.integers(0, 3) | texts, max_size=2),
    "unknown": st.integers(0, 2) | st.floats(0, 1),
}
parameter = st.fixed_dictionaries({}, optional=simple)
message = st.fixed_dictionaries({}, optional={"parameter": st.lists(parameter, max_size=3)})
full = st.fixed_dictionaries({}, optional={**simple, "messageValue": message, "multiMessageValue": st.lists(message, max_size=2)})
event = st.fixed_dictionaries({"name": texts}, optional={"type": texts, "parameters": st.lists(full | st.none(), max_size=4), "odd": texts})
IDENTITY = {"time": "2026-01-01T00:00:00Z", "uniqueQualifier": "1", "applicationName": "token", "customerId": "C"}


def line(events: Any) -> bytes:
    return json.dumps({"id": IDENTITY, "events": events}).encode()


def events_hash(text: bytes) -> str:
    lanes = value_hash(json.loads(text, parse_int=str, parse_float=str)["events"])
    return b"".join(lane.to_bytes(8, "little") for lane in lanes).hex()


def by_columns(lines: list[bytes]) -> list[str]:
    decoded = decode(b"\n".join(lines), 1, CONTRACT)
    field = CONTRACT.record.field("events")
    assert field is not None
    assert not decoded.faults
    hashes = dict(zip(decoded.numbers.tolist(), events_hashes(decoded.records, field.type), strict=True))
    return [hashes[number] for number in sorted(hashes)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(event, max_size=3), min_size=1, max_size=4))
def test_columns_and_records_give_the_same_hash(told: list[Any]) -> None:
    lines = [line(events) for events in told]
    assert by_columns(lines) == [events_hash(one) for one in lines]


@settings(max_examples=200, deadline=None)
@given(event, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_parameters_does_not_matter(one: dict[str, Any], chance: random.Random) -> None:
    assert events_hash(line([one])) == events_hash(line([shuffled(one, chance)]))


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = chance.sample(sorted(value), len(value))
        return {k: _reordered(value[k], chance) if k in ("parameters", "parameter") else shuffled(value[k], chance) for k in keys}
    return [shuffled(v, chance) for v in value] if isinstance(value, list) else value


def _reordered(items: list[Any], chance: random.Random) -> list[Any]:
    return chance.sample([shuffled(i, chance) for i in items], len(items))


def test_the_order_of_events_and_every_value_matter() -> None:
    a, b = {"name": "a"}, {"name": "b"}
    different = [[a, b], [b, a], [a], [{**a, "type": "t"}], [{**a, "parameters": []}], [{**a, "parameters": [{"name": "x", "value": "1"}]}]]
    different.append([{**a, "parameters": [{"name": "x", "intValue": "1"}]}])
    assert len({events_hash(line(events)) for events in different}) == len(different)


def test_a_number_counts_as_its_text_and_a_null_as_absent() -> None:
    one = [{"name": "a", "parameters": [{"name": "x", "intValue": "7", "value": None}]}]
    other = [{"name": "a", "parameters": [{"name": "x", "intValue": 7}]}]
    assert events_hash(line(one)) == events_hash(line(other))
