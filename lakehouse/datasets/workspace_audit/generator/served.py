"""One activity as it is served, with what a reader should make of it: the small number that carry a defect are made one by one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

Facts = dict[str, Any]
_ETAG = re.compile(rb'("etag":"\\")[^/]*/')


@dataclass(frozen=True)
class Served:
    """A line (without its newline) and its facts: those of the activity, and those of each row that it tells of."""

    line: bytes
    item: Facts
    rows: tuple[Facts, ...]

    def record(self) -> dict[str, Any]:
        """The line as JSON."""
        found: dict[str, Any] = json.loads(self.line)
        return found

    def telling(self, record: dict[str, Any], **item: Any) -> Served:
        """Another record in its place, with other facts of the activity."""
        return replace(self, line=dump(record), item={**self.item, **item})

    def of(self, defect: str) -> Served:
        """Named after its defect."""
        return replace(self, item={**self.item, "defect": defect})

    def copied(self, later: int, etag: str | None, outcome: str) -> Served:
        """Served once more: `later` microseconds later, where given with another etag; all its rows come to nothing (`re_read`, `duplicate`)."""
        line = self.line if etag is None else _ETAG.sub(rb"\g<1>" + etag.encode() + b"/", self.line, count=1)
        item = {**self.item, "visible": self.item["visible"] + later, "copy": True, "collides": False}
        return Served(line, item, tuple({**row, "outcome": outcome} for row in self.rows))

    def refused(self, record: dict[str, Any], rule: str) -> Served:
        """Another record in its place that is quarantined as one row."""
        return replace(self, line=dump(record), rows=({**NO_ROW, "outcome": "quarantined", "rule": rule},))

    def unreadable(self, line: bytes, *, placed: bool) -> Served:
        """A line that is no JSON in its place; `placed`: a reader of its id.time alone does not notice, which places it."""
        item = {**self.item, "placed": placed, "event_time": self.item["event_time"] if placed else None}
        return Served(line, item, ({**NO_ROW, "outcome": "unreadable", "rule": "unreadable_json"},))

    def misplaced(self, text: str, event_time: int | None, rule: str) -> Served:
        """The same with a time that puts it into no grain: each of its rows is quarantined."""
        record = self.record()
        record["id"]["time"] = text
        rows = tuple({**row, "outcome": "quarantined", "rule": rule} for row in self.rows)
        return replace(self.telling(record, placed=False, event_time=event_time), rows=rows)

    def with_row(self, record: dict[str, Any], **facts: Any) -> Served:
        """Another record in its place, whose first row has other facts."""
        return replace(self, line=dump(record), rows=({**self.rows[0], **facts}, *self.rows[1:]))


# Facts of a line whose rows cannot be told.
NO_ROW: Facts = {
    "row": 0,
    "name": None,
    "method": None,
    "app": None,
    "collector": False,
    "typed": True,
    "suspicious": False,
    "external": False,
    "scopes": 0,
    "buckets": 0,
    "bytes": None,
    "rule": None,
}


def dump(value: Any) -> bytes:
    """JSON as the API writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
