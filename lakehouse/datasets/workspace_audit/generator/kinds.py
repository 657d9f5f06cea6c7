"""Each kind of defect: which activities can carry it, and what is served in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lakehouse.datasets.workspace_audit.generator.malformed import FIRST_PARAMETERS, PARAMETERS, malformed_kinds
from lakehouse.datasets.workspace_audit.generator.people import MICROS
from lakehouse.datasets.workspace_audit.generator.served import Served

OTHER_ETAG = "zQ8fW2nKd0Yt6RmLpXa4UvSjGhE1cB7oIe9wT5yN3Mk"
_LATER = 7200
# Revised activities get numbers of their own, beyond those of any sample.
REVISED = 1 << 40

Make = Callable[[Served, np.random.Generator], list[Served]]


@dataclass(frozen=True)
class Kind:
    """One kind of a defect (a field of `Defects`).

    `needs`: expression that the line must match; `name`: name that its first event must have; `applications`: empty for all.
    """

    defect: str
    variant: str
    make: Make
    needs: str = ""
    name: str | None = None
    applications: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How facts and truth call it."""
        return f"{self.defect}.{self.variant}" if self.variant else self.defect

    def serve(self, activity: Served, rng: np.random.Generator) -> list[Served]:
        """What is served in place of an activity: the last of several carries the name of the defect (the first is then the activity itself)."""
        made = self.make(activity, rng)
        return [*made[:-1], made[-1].of(self.label)]


def all_kinds() -> tuple[Kind, ...]:
    """Every kind, in the order in which they are planned."""
    return (*_copies(), *_kept(), *_unknown(), *_refused(), *_bad_numbers(), *_unplaced(), *_unreadable())


# --- copies of an activity, and revisions ----------------------------------------------------------------------------


def _copies() -> list[Kind]:
    return [
        Kind("repeated", "", lambda a, _: [a, a.copied(0, None, "re_read")]),
        Kind("repeated_new_etag", "", lambda a, rng: [a, a.copied(_pause(rng), OTHER_ETAG, "re_read")]),
        Kind("reordered", "", lambda a, rng: [a, _reordered(a, rng, "duplicate")]),
        Kind("conflicting", "", _conflicting),
        Kind("revised", "", _revised, needs=FIRST_PARAMETERS),
        Kind("quarantined_twice", "", _twice),
    ]


def _pause(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 2)) * int(rng.integers(1, _LATER)) * MICROS


def _reordered(activity: Served, rng: np.random.Generator, outcome: str) -> Served:
    copy = activity.copied(_pause(rng), OTHER_ETAG if rng.random() < 0.5 else None, outcome)
    return copy.telling(_mixed(copy.record(), rng))


def _mixed(value: Any, rng: np.random.Generator) -> Any:
    """Keys of objects back to front, parameters in any order; other lists mean something by their order."""
    if isinstance(value, list):
        return [_mixed(v, rng) for v in value]
    if not isinstance(value, dict):
        return value
    mixed = {key: _mixed(value[key], rng) for key in reversed(value)}
    if isinstance(mixed.get("parameters"), list):
        mixed["parameters"] = [mixed["parameters"][i] for i in rng.permutation(len(mixed["parameters"]))]
    return mixed


def _conflicting(activity: Served, rng: np.random.Generator) -> list[Served]:
    copy = activity.copied(_pause(rng), None, "duplicate")
    return [activity, copy.telling({**copy.record(), "networkInfo": {"ipAsn": [64511], "regionCode": "NL", "subdivisionCode": "NL-NH"}})]


def _revised(activity: Served, rng: np.random.Generator) -> list[Served]:
    record = activity.record()
    record["events"][0]["parameters"].append({"name": "revision", "intValue": "2"})
    later = activity.item["visible"] + _pause(rng)
    return [activity, activity.telling(record, visible=later, collides=True, activity=activity.item["activity"] + REVISED)]


def _twice(activity: Served, rng: np.random.Generator) -> list[Served]:
    refused = activity.refused({**activity.record(), "ownerDomain": {"domain": "example.com"}}, "changed_type")
    return [refused.of("quarantined_twice"), _reordered(refused, rng, "quarantined")]


# --- odd, but kept ---------------------------------------------------------------------------------------------------


def _kept() -> list[Kind]:
    return [
        Kind("network_conflict", "", lambda a, _: [a.telling({**a.record(), "networkInfo": "unknown"})]),
        Kind("numeric_int_value", "", _numeric, name="activity"),
        Kind("old_shape", "", _old_shape, name="authorize", applications=("token",)),
        Kind("unknown_parameters", "", _unknown_parameter, needs=FIRST_PARAMETERS),
    ]


def _numeric(activity: Served, _: np.random.Generator) -> list[Served]:
    record = activity.record()
    for parameter in record["events"][0]["parameters"]:
        if "intValue" in parameter:
            parameter["intValue"] = int(parameter["intValue"])
    return [activity.telling(record)]


def _old_shape(activity: Served, _: np.random.Generator) -> list[Served]:
    """Grants of 2017 know neither client type nor scope data, and nothing of networks."""
    record = activity.record()
    record.pop("networkInfo", None)
    record["actor"].pop("callerType", None)
    record["events"] = record["events"][:1]
    parameters = record["events"][0]["parameters"]
    record["events"][0]["parameters"] = [p for p in parameters if p["name"] in {"client_id", "app_name", "scope"}]
    changed = activity.with_row(record, buckets=0)
    return [Served(changed.line, changed.item, changed.rows[:1])]


def _unknown_parameter(activity: Served, _: np.random.Generator) -> list[Served]:
    record = activity.record()
    nested = {"parameter": [{"name": "depth", "intValue": "2"}, {"name": "reviewer", "value": "somebody@example.com"}]}
    record["events"][0]["parameters"] += [{"name": "quantum_flag", "boolValue": True}, {"name": "quantum_detail", "messageValue": nested}]
    return [activity.telling(record)]


# --- fields that no contract knows -----------------------------------------------------------------------------------

_NEW: dict[str, tuple[str, Any]] = {
    "top": ("resourceDetails", [{"id": "7", "title": "Salaries of somebody@example.com", "big": 12345678901234567890, "ratio": 1.50}]),
    "time_like": ("observedAt", "2026-11-20T00:00:00"),
    "id": ("id.shard", 7),
    "actor": ("actor.applicationInfo", {"oauthClientId": "1234", "applicationName": "Browser", "impersonation": False}),
    "event": ("events[].status", {"eventStatus": "SUCCEEDED", "httpStatusCode": 200}),
    "parameter": ("events[].parameters[].label", "internal"),
}


def _unknown() -> list[Kind]:
    return [
        Kind("unknown_fields", variant, _adding(path, value), needs=FIRST_PARAMETERS if "parameters" in path else PARAMETERS)
        for variant, (path, value) in _NEW.items()
    ]


def _adding(path: str, value: Any) -> Make:
    *parents, last = path.split(".")

    def make(activity: Served, _: np.random.Generator) -> list[Served]:
        record = activity.record()
        place = record
        for name in parents:
            place = place[name.removesuffix("[]")][0] if name.endswith("[]") else place[name]
        place[last] = value
        return [activity.telling(record, unknown=path)]

    return make


# --- readable, but refused -------------------------------------------------------------------------------------------


def _refused() -> list[Kind]:
    def top(**changed: Any) -> Make:
        return lambda a, _: [a.refused({**a.record(), **changed}, "changed_type")]

    return [
        Kind("wrong_types", "object_for_string", top(ownerDomain={"domain": "example.com"})),
        Kind("wrong_types", "list_for_string", top(ipAddress=["192.0.2.1", "198.51.100.1"])),
        Kind("wrong_types", "number_for_string", top(ownerDomain=7)),
        Kind("wrong_types", "number_for_bool", _changing("boolValue", 1), needs='"boolValue":', applications=("login", "drive")),
        Kind(
            "wrong_types", "string_for_list", _changing("multiValue", "password"), needs=r'"multiValue":\[', applications=("token", "login", "drive")
        ),
        Kind("missing_required", "no_events", lambda a, _: [_without(a, "events", None)]),
        Kind("missing_required", "null_events", lambda a, _: [a.refused({**a.record(), "events": None}, "missing_required")]),
        Kind("missing_required", "no_qualifier", lambda a, _: [_without(a, "id", "uniqueQualifier")]),
        Kind("missing_required", "unnamed_event", _unnamed),
        Kind("empty_events", "", lambda a, _: [a.refused({**a.record(), "events": []}, "no_rows")]),
    ]


def _changing(member: str, value: Any) -> Make:
    def make(activity: Served, _: np.random.Generator) -> list[Served]:
        record = activity.record()
        found = next(p for e in record["events"] for p in e.get("parameters", []) if member in p)
        found[member] = value
        return [activity.refused(record, "changed_type")]

    return make


def _without(activity: Served, name: str, inner: str | None) -> Served:
    record = activity.record()
    if inner is None:
        del record[name]
    else:
        del record[name][inner]
    return activity.refused(record, "missing_required")


def _unnamed(activity: Served, _: np.random.Generator) -> list[Served]:
    record = activity.record()
    del record["events"][0]["name"]
    return [activity.refused(record, "missing_required")]


def _bad_numbers() -> list[Kind]:
    def sized(text: str, rule: str) -> Make:
        def make(activity: Served, _: np.random.Generator) -> list[Served]:
            record = activity.record()
            found = next(p for p in record["events"][0]["parameters"] if p["name"] == "num_response_bytes")
            found["intValue"] = text
            return [activity.with_row(record, bytes=None, outcome="quarantined", rule=rule)]

        return make

    return [
        Kind("not_a_number", "", sized("abc", "not_a_number"), name="activity"),
        Kind("negative_bytes", "", sized("-5", "out_of_range"), name="activity"),
    ]


# --- without a grain, without JSON -----------------------------------------------------------------------------------

_BEFORE = ("2009-05-05T05:05:05.005Z", 1_241_499_905_005_000)
_AFTER = ("2099-01-01T00:00:00.000Z", 4_070_908_800_000_000)


def _unplaced() -> list[Kind]:
    def odd(text: str, time: int | None, rule: str) -> Make:
        return lambda a, _: [a.misplaced(text, time, rule)]

    return [
        Kind("time_unreadable", "word", odd("yesterday", None, "time_unreadable")),
        Kind("time_unreadable", "impossible", odd("2026-13-45T25:61:00.000Z", None, "time_unreadable")),
        Kind("before_start", "", odd(*_BEFORE, "before_start")),
        Kind("in_future", "", odd(*_AFTER, "in_future")),
    ]


def _unreadable() -> list[Kind]:
    return [Kind("malformed", variant, make, needs=needs) for variant, needs, make in malformed_kinds()]
