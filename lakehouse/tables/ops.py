"""The tables of operations, made of committed builds and of manifests: books, builds, lateness, filtered rows, census, fetches, parts, coverage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.landing.file_names import file_names
from lakehouse.landing.frontiers import read_before
from lakehouse.landing.ledger import load_ledger, read_manifests
from lakehouse.settings import Lake
from lakehouse.tables.records import Build, GrainAccount

_TERMS = Books.__struct_fields__
_UTC = pa.timestamp("us", "UTC")
Accounts = dict[tuple[dt.date, Grain], GrainAccount]
Fields = dict[str, Any]  # column -> Arrow type


def books_table(accounts: Accounts) -> pa.Table:
    """One row per committed grain and part: day, grain, part, fetch_id, number, application, landed_at and all terms of the books."""
    rows = [
        {
            "day": day,
            "grain": grain.key,
            "part": part.part,
            "fetch_id": part.fetch_id,
            "number": part.number,
            "application": part.application,
            "landed_at": part.landed_at,
            **{term: getattr(part.books, term) for term in _TERMS},
        }
        for (day, grain), account in accounts.items()
        for part in account.parts
    ]
    text = {name: pa.string() for name in ("grain", "part", "fetch_id", "application")}
    fields: Fields = {"day": pa.date32(), **text, "number": pa.int64(), "landed_at": _UTC, **dict.fromkeys(_TERMS, pa.int64())}
    return _table(rows, fields)


def builds_table(committed: Iterable[Build], accounts: Accounts) -> pa.Table:
    """One row per committed grain: what it is called, whether its day is complete, and its sums (`quarantined`: lines and rows)."""
    rows = []
    for build in committed:
        for ref in build.grains:
            account = accounts[build.day, Grain.parse(ref.grain)]
            rows.append(
                {
                    "day": build.day,
                    "grain": ref.grain,
                    "digest": ref.digest,
                    "fingerprint": build.fingerprint,
                    "complete": build.complete,
                    "holes": build.holes,
                    "seen": build.seen,
                    "kept": account.books.kept,
                    "duplicates": account.books.duplicate,
                    "quarantined": account.books.quarantined + account.books.unreadable,
                    "key_conflicts": account.key_conflicts,
                    "rows_with_extra": account.rows_with_extra,
                    "seconds": account.seconds,
                }
            )
    numbers = ("fingerprint", "holes", "seen", "kept", "duplicates", "quarantined", "key_conflicts", "rows_with_extra")
    fields: Fields = {"day": pa.date32(), "grain": pa.string(), "digest": pa.string(), "complete": pa.bool_(), **dict.fromkeys(numbers, pa.int64())}
    fields["seconds"] = pa.float64()
    return _table(rows, fields)


def lateness_table(accounts: Accounts) -> pa.Table:
    """day, grain, seconds (upper bound of the bucket, from event to landing), rows kept."""
    rows = [
        {"day": day, "grain": grain.key, "seconds": seconds, "rows": count}
        for (day, grain), account in accounts.items()
        for seconds, count in account.lateness.items()
    ]
    return _table(rows, {"day": pa.date32(), "grain": pa.string(), "seconds": pa.int64(), "rows": pa.int64()})


def filtered_table(accounts: Accounts) -> pa.Table:
    """day, grain, application, rule, rows filtered out."""
    rows = [
        {"day": day, "grain": grain.key, "application": application, "rule": rule, "rows": count}
        for (day, grain), account in accounts.items()
        for application, rules in account.filtered_rules.items()
        for rule, count in rules.items()
    ]
    return _table(rows, {"day": pa.date32(), **dict.fromkeys(("grain", "application", "rule"), pa.string()), "rows": pa.int64()})


def census_table(accounts: Accounts) -> pa.Table:
    """The schema registry: day, path, kind, declared, count, contract_version."""
    counts: dict[tuple[dt.date, str, str, bool, int], int] = {}
    for (day, _), account in accounts.items():
        for field in account.census:
            key = (day, field.path, field.kind, field.declared, account.contract_version)
            counts[key] = counts.get(key, 0) + field.count
    names = ("day", "path", "kind", "declared", "contract_version")
    rows = [{**dict(zip(names, key, strict=True)), "count": count} for key, count in sorted(counts.items())]
    fields: Fields = {
        "day": pa.date32(),
        "path": pa.string(),
        "kind": pa.string(),
        "declared": pa.bool_(),
        "contract_version": pa.int64(),
        "count": pa.int64(),
    }
    return _table(rows, fields)


def fetches_table(lake: Lake, dataset: str) -> pa.Table:
    """One row per manifest: what was asked for, when, and the books of the fetch.

    `file`: the URL that was read. `file_name`: its path below the inbox; of a redrive those of the files whose lines it mended. `read_before`: see
    `landing.frontiers`.
    """
    manifests = list(read_manifests(lake, dataset))
    names = file_names(manifests)
    before = read_before(manifests)
    rows = [
        {
            "number": m.number,
            "fetch_id": m.fetch_id,
            "source": m.source,
            "application": m.application,
            "kind": m.kind,
            "purpose": m.purpose,
            "window_start": m.window.start if m.window else None,
            "window_end": m.window.end if m.window else None,
            "read_before": before.get(m.number),
            "file": m.file.url if m.file else None,
            "file_name": names.get(m.number),
            "landed_at": m.landed_at,
            "read": m.books.read,
            "re_read": m.books.re_read,
            "placed": m.books.placed,
            "unplaced": m.books.unplaced,
            "late_recovered": m.late_recovered,
            "order_violations": m.order_violations,
            "parts": len(m.parts),
        }
        for m in manifests
    ]
    text = dict.fromkeys(("fetch_id", "source", "application", "kind", "purpose", "file", "file_name"), pa.string())
    times = dict.fromkeys(("window_start", "window_end", "read_before", "landed_at"), _UTC)
    numbers = dict.fromkeys(("number", "read", "re_read", "placed", "unplaced", "late_recovered", "order_violations", "parts"), pa.int64())
    return _table(rows, {**numbers, **text, **times})


def parts_table(lake: Lake, dataset: str) -> pa.Table:
    """One row per raw part: part, fetch_id, application, grain, lines, raw_bytes (as the source wrote them), stored_bytes (as they lie there)."""
    rows = [
        {
            "part": landed.part.path,
            "fetch_id": landed.fetch_id,
            "application": landed.application,
            "grain": landed.part.grain,
            "lines": landed.part.lines,
            "raw_bytes": landed.part.raw_bytes,
            "stored_bytes": landed.part.size,
        }
        for parts in load_ledger(lake, dataset).parts.values()
        for landed in parts
    ]
    text = dict.fromkeys(("part", "fetch_id", "application", "grain"), pa.string())
    return _table(rows, {**text, **dict.fromkeys(("lines", "raw_bytes", "stored_bytes"), pa.int64())})


def recovered_table(lake: Lake, dataset: str) -> pa.Table:
    """purpose, late_recovered, share: which fetches found the lines that came late (share of all of them, null while there are none)."""
    rows = [{"purpose": r.purpose, "late_recovered": r.count, "share": r.share} for r in load_ledger(lake, dataset).recovered if r.late]
    return _table(rows, {"purpose": pa.string(), "late_recovered": pa.int64(), "share": pa.float64()})


def coverage_table(lake: Lake, dataset: str) -> pa.Table:
    """application, start, end: what was read without gaps."""
    coverage = load_ledger(lake, dataset).coverage
    rows = [{"application": application, "start": w.start, "end": w.end} for application, windows in coverage.items() for w in windows]
    return _table(rows, {"application": pa.string(), "start": _UTC, "end": _UTC})


def _table(rows: list[dict[str, Any]], fields: Fields) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(fields.items())))
