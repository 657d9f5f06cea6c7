"""Lines of audit activities through the kernel, without a lake."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.times import parse_time
from lakehouse.datasets.registry import find_dataset
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block
from lakehouse.settings import TokenKey

CASES = Path(__file__).parent / "cases"
LANDED = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def whole(texts: Sequence[bytes], context: PartContext) -> list[Piece]:
    """A block that is one part. A text may be several lines."""
    return [Piece(context, 1, sum(t.count(b"\n") + 1 for t in texts))]


class Kernel:
    """The kernel with the contract of `workspace_audit` and a key."""

    key = TokenKey(b"a key for tests that is long enough")

    def case(self, name: str) -> bytes:
        """The line of a case file, without its newline."""
        return (CASES / f"{name}.jsonl").read_bytes().rstrip(b"\n")

    def record(self, name: str) -> dict[str, Any]:
        """The record of a case file."""
        found: dict[str, Any] = json.loads(self.case(name))
        return found

    def run(
        self,
        *lines: bytes | dict[str, Any],
        grain: Grain | None = None,
        part: str = "raw/part",
        landed: dt.datetime = LANDED,
        started: dt.datetime = LANDED,
        sealed: frozenset[dt.date] = frozenset(),
    ) -> BlockResult:
        """The lines, as one block of one part; the grain is that of the first record's time. Both paths must say the same."""
        texts = [one if isinstance(one, bytes) else json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode() for one in lines]
        dataset = find_dataset("workspace_audit")
        context = PartContext(grain or self._grain(texts[0]), part, "fetch-1", "token", landed, started, sealed=sealed)
        results = [
            process_block(
                b"\n".join(texts) + b"\n", whole(texts, context), contract=dataset.contract, transform=dataset.transform, key=self.key, fast=fast
            )
            for fast in (True, False)
        ]
        fast, slow = results
        assert fast.books == slow.books
        assert fast.books.balanced(), fast.books
        assert fast.books.kept == fast.rows.height
        assert fast.quarantine.height == fast.books.quarantined + fast.books.unreadable
        assert fast.rows.sort("_line", "event_index").equals(slow.rows.sort("_line", "event_index"))
        assert fast.quarantine.sort("line", "row").equals(slow.quarantine.sort("line", "row"))
        assert fast.census == slow.census
        return fast

    def row(self, line: bytes | dict[str, Any], **more: Any) -> dict[str, Any]:
        """The only row of a line."""
        result = self.run(line, **more)
        assert result.rows.height == 1, result.quarantine
        return result.rows.row(0, named=True)

    def fate(self, line: bytes | dict[str, Any], **more: Any) -> tuple[str, str | None, str]:
        """(rule, field, level) of a line that did not make it."""
        result = self.run(line, **more)
        assert result.rows.height == 0
        assert result.quarantine.height == 1
        entry = result.quarantine.row(0, named=True)
        assert entry["line"] == 1
        return entry["rule"], entry["field"], entry["level"]

    def _grain(self, text: bytes) -> Grain:
        try:
            time = parse_time(json.loads(text)["id"]["time"])
        except (ValueError, TypeError, KeyError):
            time = None
        return Grain.of(time or dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC), "hour")


def set_at(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the record with another value at a dotted path (a list is entered at its first item)."""
    changed = copy.deepcopy(record)
    *folders, last = path.split(".")
    place: Any = changed
    for name in folders:
        place = place[name][0] if isinstance(place[name], list) else place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


def parameters(record: dict[str, Any], *added: dict[str, Any]) -> dict[str, Any]:
    """A copy of the record whose first event has more parameters."""
    changed = copy.deepcopy(record)
    changed["events"][0]["parameters"].extend(added)
    return changed
