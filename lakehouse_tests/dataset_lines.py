"""Lines of a dataset through the kernel, without a lake, and records made of others."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakehouse.contracts.grain import Grain
from lakehouse.contracts.types import decode_schema
from lakehouse.datasets.model import Dataset
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block
from lakehouse.settings import TokenKey

KEY = TokenKey(b"a key for tests that is long enough")
LANDED = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
Record = dict[str, Any]
_TOKEN = re.compile(r"tok_[a-z2-7]{26}")


def run_lines(dataset: Dataset, *records: Record | bytes, day: dt.date, order: Sequence[str] = ("_line",), part: str = "raw/part") -> BlockResult:
    """The records as one block of one part, on the fast path and on the slow one, which must say the same. `order`: what tells rows apart."""
    lines = [r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode() for r in records]
    pieces = [Piece(PartContext(Grain(day), part, "fetch-1", "events", LANDED, LANDED), 1, len(lines))]
    block = b"\n".join(lines) + b"\n"
    fast, slow = (process_block(block, pieces, contract=dataset.contract, transform=dataset.transform, key=KEY, fast=path) for path in (True, False))
    assert fast.rows.sort(order).equals(slow.rows.sort(order))
    assert fast.quarantine.sort("line", "row").equals(slow.quarantine.sort("line", "row"))
    assert fast.books == slow.books
    assert fast.books.balanced()
    assert fast.filtered_rules == slow.filtered_rules
    return fast


def changed(record: Record, changes: Record) -> Record:
    """The record with some fields set, by dotted path; `null` takes one out."""
    found: Record = json.loads(json.dumps(record))
    for path, value in changes.items():
        *way, name = path.split(".")
        place = found
        for step in way:
            place = place[step]
        if value is None:
            del place[name]
        else:
            place[name] = value
    return found


def fates(result: BlockResult) -> list[tuple[int, str, str | None]]:
    """(line, rule, field) of what was refused."""
    return sorted(result.quarantine.select("line", "rule", "field").rows())


def table_of(dataset: Dataset, *records: Record) -> pa.Table:
    """The records as the decoder gives them to a transform."""
    return pa.Table.from_pylist(list(records), schema=decode_schema(dataset.contract))


def plain(value: Any) -> Any:
    """A value as case files write it."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return _TOKEN.sub("tok_*", value) if isinstance(value, str) else value


def assert_rows(case: Record, result: BlockResult, order: str = "_line") -> None:
    """The rows are those of a case: the columns that it names, in the order of the column `order`."""
    assert result.quarantine.height == 0, fates(result)
    found = result.rows.sort(order, maintain_order=True).to_dicts()
    assert len(found) == len(case["rows"])
    for row, expected in zip(found, case["rows"], strict=True):
        assert {name: plain(row[name]) for name in expected} == expected


def assert_refused(case: Record, result: BlockResult) -> None:
    """Nothing is left, and the rule and the field are those of a case."""
    assert result.rows.height == 0
    assert fates(result) == [(1, case["rule"], case["field"])] * case.get("rows", 1)
