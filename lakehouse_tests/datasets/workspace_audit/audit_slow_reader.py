"""A slow, plain reader of a sample: it knows the files and the rules of the dataset, and nothing of the generator."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ETAG = re.compile(rb'("etag":)"(?:[^"\\]|\\.)*"')
COLLECTOR = "100000000000000000001"

KNOWN = {
    "": {"kind", "etag", "id", "actor", "ownerDomain", "ipAddress", "networkInfo", "events"},
    "id": {"time", "uniqueQualifier", "applicationName", "customerId"},
    "actor": {"callerType", "email", "profileId", "key"},
    "events[]": {"type", "name", "parameters"},
    "events[].parameters[]": {"name", "value", "intValue", "boolValue", "multiValue", "multiIntValue", "messageValue", "multiMessageValue"},
}


class NotJsonError(Exception):
    pass


@dataclass
class Found:
    """What the reader counted, under the names that the truth has for it."""

    read: int = 0
    re_read: int = 0
    books: Counter[str] = field(default_factory=Counter)
    unplaced: Counter[str] = field(default_factory=Counter)
    hours: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rules: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    lateness: list[float] = field(default_factory=list)
    sums: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    method_bytes: Counter[str] = field(default_factory=Counter)
    apps: Counter[str] = field(default_factory=Counter)
    users: Counter[str] = field(default_factory=Counter)


def files_of(folder: Path, application: str) -> list[tuple[str, list[bytes], np.ndarray]]:
    """(hour, lines, times) of each file."""
    found = []
    for path in sorted((folder / application).glob("*.jsonl.zst")):
        stem = path.name.removesuffix(".jsonl.zst")
        text = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        assert text.endswith(b"\n")
        found.append((stem, text[:-1].split(b"\n"), np.load(path.with_name(f"{stem}.npy"))))
    return found


def parse(line: bytes, *, lenient: bool = False) -> dict[str, Any]:
    """The record of a line by the strict rules of JSON. `lenient`: like a reader that minds neither UTF-8 nor a key named twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if not lenient and len(dict(pairs)) != len(pairs):
            raise NotJsonError("key twice")
        return dict(pairs)

    def refuse(text: str) -> Any:
        raise NotJsonError(text)

    try:
        record = json.loads(line.decode(errors="replace" if lenient else "strict"), object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(record, ensure_ascii=False).encode()
    except ValueError as error:
        raise NotJsonError(str(error)) from error
    return record


def time_of(record: dict[str, Any]) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(record["id"]["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)
    except (KeyError, TypeError, ValueError):
        return None


def canonical(value: Any) -> str:
    """Without the order of keys and of parameters."""

    def sort(part: Any) -> Any:
        if isinstance(part, list):
            return [sort(p) for p in part]
        if not isinstance(part, dict):
            return part
        return {k: sorted(map(sort, v), key=lambda p: p["name"]) if k == "parameters" else sort(v) for k, v in part.items()}

    return json.dumps(sort(value), sort_keys=True)


def refusal(record: dict[str, Any]) -> str | None:
    """Why a record cannot be rows."""
    places = [(record, ("ownerDomain", "ipAddress")), (record["actor"], ("callerType", "email", "key"))]
    for place, names in places:
        if any(place.get(n) is not None and not isinstance(place[n], str) for n in names):
            return "changed_type"
    if any(record["id"].get(n) is None for n in KNOWN["id"]) or record.get("events") is None:
        return "missing_required"
    for event in record["events"]:
        if event.get("name") is None:
            return "missing_required"
        for parameter in event.get("parameters", []):
            if not isinstance(parameter.get("boolValue", False), bool) or not isinstance(parameter.get("multiValue", []), list):
                return "changed_type"
    return None if record["events"] else "no_rows"


def number_fault(event: dict[str, Any]) -> str | None:
    size = parameters(event).get("num_response_bytes", {}).get("intValue")
    if size is None:
        return None
    if not re.fullmatch(r"-?\d+", str(size)):
        return "not_a_number"
    return "out_of_range" if int(size) < 0 else None


def parameters(event: dict[str, Any]) -> dict[str, Any]:
    return {p["name"]: p for p in event.get("parameters", [])}


class SlowReader:
    """Reads one application of a sample up to a clock, line by line."""

    def __init__(self, folder: Path, application: str, start: dt.datetime, now: dt.datetime, visible_until: dt.datetime | None = None) -> None:
        self.start, self.now = start, now
        self.found = Found()
        self.identities: set[bytes] = set()
        self.envelopes: dict[Any, str] = {}
        self.ids: set[Any] = set()
        limit = None if visible_until is None else (visible_until - EPOCH) // dt.timedelta(microseconds=1)
        for _, lines, times in files_of(folder, application):
            for line, (time, visible) in zip(lines, times.tolist(), strict=True):
                if limit is None or visible <= limit:
                    self.read(line, time, visible)

    def read(self, line: bytes, time: int, visible: int) -> None:
        found = self.found
        found.read += 1
        identity = ETAG.sub(rb"\1", line, count=1)
        if identity in self.identities:
            found.re_read += 1
            return
        self.identities.add(identity)
        try:
            record = parse(line)
        except NotJsonError:
            self.unreadable(line, time, visible)
        else:
            self.record(record, time, visible)

    def unreadable(self, line: bytes, time: int, visible: int) -> None:
        try:
            said = time_of(parse(line, lenient=True))
        except NotJsonError:
            said = None
        self.sighted(time, visible)
        self.moved(said, time)
        self.book(said, lines=1, unreadable=1)
        self.found.rules["unreadable_json"] += 1

    def record(self, record: dict[str, Any], time: int, visible: int) -> None:
        said = time_of(record)
        activity = (tuple(sorted(record["id"].items())), canonical(record.get("events")))
        new = activity not in self.envelopes
        envelope = canonical({k: v for k, v in record.items() if k != "etag"})
        if new:
            self.envelopes[activity] = envelope
            self.sighted(time, visible)
            self.found.sums["several"] += len(record.get("events") or []) > 1 and refusal(record) is None
            self.found.sums["collisions"] += activity[0] in self.ids
            self.ids.add(activity[0])
        placed = said if said is not None and self.start <= said <= self.now else None
        self.moved(placed, time)
        self.book(placed, lines=1, records=1)
        self.unknown(record)
        self.rows(record, said, placed, new, envelope == self.envelopes[activity])

    def rows(self, record: dict[str, Any], said: dt.datetime | None, placed: dt.datetime | None, new: bool, same: bool) -> None:
        whole = refusal(record)
        if placed is None:
            whole_rule = "time_unreadable" if said is None else "in_future" if said > self.now else "before_start"
            rules: list[str | None] = [whole_rule] * len(record["events"])
        else:
            rules = [whole] if whole else [number_fault(e) for e in record["events"]]
        for index, rule in enumerate(rules):
            outcome = "quarantined" if rule else "kept" if new else "duplicate"
            self.book(placed, rows=1, **{outcome: 1})
            if rule:
                self.found.rules[rule] += 1
            elif new:
                self.kept(record, record["events"][index], placed)
            else:
                self.found.sums["conflicts"] += not same

    def kept(self, record: dict[str, Any], event: dict[str, Any], time: dt.datetime) -> None:
        found, sums, given = self.found, self.found.sums, parameters(event)
        found.days[time.strftime("%Y-%m-%d")] += 1
        found.names[event["name"]] += 1
        email = record["actor"].get("email")
        if email:
            found.users[email] += 1
        sums["without_email"] += email is None
        sums["without_ip"] += "ipAddress" not in record
        sums["without_type"] += "type" not in event
        sums["scopes"] += len(given.get("scope", {}).get("multiValue", []))
        messages = given.get("scope_data", {}).get("multiMessageValue", [])
        sums["scope_buckets"] += sum(len(p.get("multiValue", [])) for m in messages for p in m["parameter"])
        sums["suspicious"] += given.get("is_suspicious", {}).get("boolValue") is True
        sums["external"] += given.get("visibility_change", {}).get("value") == "external"
        if "app_name" in given:
            found.apps[given["app_name"]["value"]] += 1
        size = given.get("num_response_bytes", {}).get("intValue")
        if size is not None:
            method = given["method_name"]["value"]
            found.methods[method] += 1
            found.method_bytes[method] += int(size)
            own = given["client_id"]["value"] == COLLECTOR
            sums.update(calls=1, bytes=int(size), collector_calls=int(own), collector_bytes=int(size) * own)

    def book(self, placed: dt.datetime | None, **terms: int) -> None:
        self.found.books.update(terms)
        (self.found.unplaced if placed is None else self.found.hours[placed.strftime("%Y-%m-%dT%H")]).update(terms)

    def sighted(self, time: int, visible: int) -> None:
        self.found.sums["activities"] += 1
        self.found.lateness.append((visible - time) / 1e6)

    def moved(self, said: dt.datetime | None, time: int) -> None:
        if said is not None:
            self.found.sums["out_of_order"] += (said - EPOCH) // dt.timedelta(milliseconds=1) != time // 1000

    def unknown(self, record: dict[str, Any]) -> None:
        paths = {name for name in record if name not in KNOWN[""]}
        for part in ("id", "actor"):
            paths |= {f"{part}.{name}" for name in record[part] if name not in KNOWN[part]}
        for event in record.get("events") or []:
            paths |= {f"events[].{name}" for name in event if name not in KNOWN["events[]"]}
            for parameter in event.get("parameters", []):
                paths |= {f"events[].parameters[].{name}" for name in parameter if name not in KNOWN["events[].parameters[]"]}
        self.found.unknown.update(paths)
