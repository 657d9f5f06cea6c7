"""What an asset page shows of a partition: row counts, books, lateness, quarantine. Counts and names, never text of a record."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from lakehouse.accounts import lateness
from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.defs import listen
from lakehouse.defs.charts import clean_charts, mart_charts, quarantine_charts, raw_charts
from lakehouse.defs.events import sentence
from lakehouse.landing.ledger import LandedPart, Ledger
from lakehouse.landing.sealed import expired
from lakehouse.marts.specs import MartSpec
from lakehouse.operations.quarantine import refused_sample
from lakehouse.settings import Lake
from lakehouse.steps.attempt import DayReport

if TYPE_CHECKING:
    from lakehouse.marts.dbt import TestResult
    from lakehouse.marts.records import MartsReport
    from lakehouse.operations.report import TrendLines
    from lakehouse.steps.ingest import IngestReport
    from lakehouse.tables.dimensions import DimensionVersion

_DATES = 10
_FILES = 50  # of those that an ingest landed, the last
_ASIDE = 5  # of those that no feed takes, the first
_SAMPLE_COLUMNS = ("rule", "field", "detail", "line", "row", "part")  # the widest last: the page cuts at its edge

Warn = Callable[[str], object]
Read = TypeVar("Read")
log = logging.getLogger(__name__)


def shown_or_why(what: str, read: Callable[[], Read], warn: Warn = log.warning) -> tuple[Read | None, dict[str, Any]]:
    """(what a page shows beside its facts, nothing), or (None, why it is not there) when it cannot be read.

    The partition is committed or published by then, and its checks and what follows it must not wait for a picture. `warn` is told too.
    """
    try:
        return read(), {}
    except Exception as error:  # noqa: BLE001  whatever it is, what was made stands
        why = sentence(error)
        told = f"No {what} on the page: {why}"
        warn(told)
        if listen.heard():  # Dagster's log is not shown to who runs a command
            log.warning(told)
        return None, {f"no_{what}": why}


def clean_metadata(lake: Lake, dataset: Dataset, report: DayReport, warn: Warn = log.warning) -> dict[str, Any]:
    """Of a day of clean: rows, books, lateness, what was built and from what, and the charts of its report."""
    build, books = report.build, report.books
    late = lateness.total(a.lateness for a in report.accounts.values())
    charts, missing = shown_or_why("charts", lambda: clean_charts(lake, dataset, report), warn)
    shown = {
        "dagster/partition_row_count": books.kept,
        "rows_kept": books.kept,
        "duplicates": books.duplicate,
        "quarantined": books.quarantined + books.unreadable,
        "key_conflicts": sum(a.key_conflicts for a in report.accounts.values()),
        "complete": build.complete,
        "holes_in_coverage": build.holes,
        **(charts or {}),
        **missing,
        "books": books_table(books),
        "lateness_p99_seconds": lateness.quantile(late, 0.99),
        "unknown_fields": ", ".join(sorted({c.path for a in report.accounts.values() for c in a.census if not c.declared})) or None,
        "built": f"{len(report.rebuilt)} grains built, {report.reused} were there already"
        + ("" if report.committed else "; same input, nothing to commit"),
        "engine": ", ".join(sorted({a.engine for a in report.accounts.values()})) or None,
        "fingerprint": str(build.fingerprint),  # 63 bits: a browser would round the number
        "seen_manifest": build.seen,
        "table_version": report.table_version,
        "seconds": round(report.seconds, 3),
    }
    return _present(shown)


def quarantine_metadata(lake: Lake, report: DayReport, warn: Warn = log.warning) -> dict[str, Any]:
    """Of a day of quarantine: how many by rule, how many are held, and a sample of where (part and line)."""
    rules = _rules(report)
    sample, missing = shown_or_why("sample", lambda: refused_sample(lake, report, _SAMPLE_COLUMNS), warn)
    shown = {
        "dagster/partition_row_count": sum(a.quarantine.rows for a in report.accounts.values() if a.quarantine),
        "unreadable_lines": report.books.unreadable,
        "held_late": report.books.held or None,
        **quarantine_charts(rules),
        **missing,
        "rules": _table(({"rule": rule, "count": count} for rule, count in rules.most_common()), {"rule": "string", "count": "int"})
        if rules
        else None,
        "sample": _table(sample, dict.fromkeys(_SAMPLE_COLUMNS, "string") | {"line": "int", "row": "int"}) if sample else None,
    }
    return _present(shown)


def raw_metadata(ledger: Ledger, grain: Grain) -> dict[str, Any]:
    """Of a partition of raw: its totals, whoever landed them. Of a sealed day nothing is stored any more."""
    seal = ledger.sealed.get(grain.date)
    parts = ledger.parts.get(grain.key, ())
    times = [t for p in parts for t in (p.part.min_time, p.part.max_time) if t is not None]
    shown = {
        "dagster/partition_row_count": sum(p.part.lines for p in parts),
        "lines": sum(p.part.lines for p in parts),
        "parts": len(parts),
        "files": len({p.part.file for p in parts}) if seal is None else 0,
        "erased_lines": sum(len(ledger.erased(p.part.path)) for p in parts) or None,
        "stored_bytes": sum(p.part.size for p in parts) if seal is None else 0,
        "uncompressed_bytes": sum(p.part.raw_bytes for p in parts),
        **raw_charts(ledger, grain),
        "applications": _applications(parts) if parts else None,
        "first_record": min(times).isoformat() if times else None,
        "last_record": max(times).isoformat() if times else None,
        "last_landed": max(p.landed_at for p in parts).isoformat() if parts else None,
        "last_manifest": max((p.number for p in parts), default=0),
        "expired": f"{expired(grain.date, seal)}; new lines of it go to the unplaced lines of the day they land on" if seal is not None else None,
        "late_found_by_all_fetches": _recovered(ledger.recovered),
    }
    return _present(shown)


def ingest_metadata(report: IngestReport, ledger: Ledger) -> dict[str, Any]:
    """Of an ingest: what it landed, file by file, and up to when each feed is read."""
    books = report.books
    landed = [o for o in report.outcomes if o.manifest is not None]
    rows = [{"file": o.name, "feed": o.feed, "lines": o.manifest.books.read, "manifest": o.manifest.number} for o in landed if o.manifest is not None]
    read = ({"feed": name, "read_up_to": windows[-1].end.isoformat()} for name, windows in sorted(ledger.coverage.items()) if windows)
    shown = {
        "files_landed": len(landed),
        "files_left": len(report.skipped),
        "files_that_no_feed_takes": ", ".join(report.aside[:_ASIDE]) + (", ..." if len(report.aside) > _ASIDE else "") if report.aside else None,
        "lines_read": books.read,
        "lines_placed": books.placed,
        "lines_unplaced": books.unplaced,
        "partitions_touched": len(report.partitions),
        "files": _table(rows[-_FILES:], {"file": "string", "feed": "string", "lines": "int", "manifest": "int"}) if rows else None,
        "feeds": _table(read, {"feed": "string", "read_up_to": "string"}) if ledger.coverage else None,
        "last_manifest": ledger.last_number,
        "seconds": round(report.seconds, 3),
    }
    return _present(shown)


def dimension_metadata(version: DimensionVersion) -> dict[str, Any]:
    """Of a version of a dimension: its books, and what it is made of."""
    books, files = version.books, [{"file": f.name, "sha256": f.sha256} for f in version.files]
    return {
        "dagster/row_count": books.kept,
        "version": version.number,
        "read": books.read,
        "duplicates": books.duplicate,
        "refused": books.refused,
        "conflicts": books.conflicts,
        "rules": ", ".join(f"{rule}: {count}" for rule, count in version.rules.items()) or "none",
        "files": _table(files[-_FILES:], {"file": "string", "sha256": "string"}),
    }


def raw_version(ledger: Ledger, grain: Grain) -> str:
    """Names the content of a partition of raw: its newest manifest. A fetch that brought nothing new keeps it, and so does a compaction."""
    parts = ledger.parts.get(grain.key, ())
    erased = (e.number for p in parts for e in ledger.erasures.get(p.part.path, ()))
    return str(max(chain((p.number for p in parts), erased), default=0))


def mart_metadata(spec: MartSpec, report: MartsReport, trends: Sequence[TrendLines]) -> dict[str, Any]:
    """Of a mart in the version that stands now. `trends`: of all marts of the dataset."""
    dates = report.rebuilt.get(spec.name, ())
    shown = {
        "dagster/row_count": report.rows.get(spec.name),
        "version": report.version,
        "rebuilt_dates": len(dates),
        "why": report.reason,
        "rebuilt": ", ".join(str(d) for d in list(dates)[:_DATES]) + (" ..." if len(dates) > _DATES else "")
        if dates
        else "nothing: it was up to date",
        **mart_charts(trend for trend in trends if trend.mart == spec.name),
        "seconds_of_all_marts": round(report.seconds, 2),
    }
    return _present(shown)


def tests_metadata(spec: MartSpec, results: Sequence[TestResult]) -> dict[str, Any]:
    """The tests of a mart as arguments of a check. A mart that was not built again passed its tests when it was."""
    tests = [t for t in results if t.model == spec.name]
    red = [t.name for t in tests if not t.passed]
    told = (
        f"{len(tests) - len(red)} of {len(tests)} tests passed"
        if tests
        else f"not built again: its {len(spec.tests)} tests passed with an earlier version"
    )
    rows = [{"test": t.name, "status": t.status, "failures": t.failures, "seconds": round(t.seconds, 3)} for t in tests]
    columns = {"test": "string", "status": "string", "failures": "int", "seconds": "float"}
    return {"passed": not red, "description": told, "metadata": {"tests": _table(rows, columns)} if rows else {}}


def books_table(books: Books) -> dg.TableMetadataValue:
    """The two equations of the books, one term a row."""
    lines = ("lines", "blank", "erased", "superseded", "unreadable", "records")
    terms = [("lines", t, getattr(books, t)) for t in lines] + [("rows", t, getattr(books, t)) for t in books.__struct_fields__ if t not in lines]
    return _table(({"of": of, "term": term, "count": count} for of, term, count in terms), {"of": "string", "term": "string", "count": "int"})


def check_metadata(values: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of a check: numbers and words as they are, whatever has a structure as JSON."""
    return {k: dg.MetadataValue.json(_plain(v)) if isinstance(v, (dict, list, tuple)) else v for k, v in values.items() if v is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _rules(report: DayReport) -> Counter[str]:
    rules: Counter[str] = Counter()
    for account in report.accounts.values():
        rules.update(account.quarantine_rules)
    return rules


def _applications(parts: Iterable[LandedPart]) -> dg.TableMetadataValue:
    lines: Counter[str] = Counter()
    for part in parts:
        lines[part.application] += part.part.lines
    return _table(({"application": a, "lines": n} for a, n in sorted(lines.items())), {"application": "string", "lines": "int"})


def _recovered(found: Sequence[lateness.Recovered]) -> dg.TableMetadataValue:
    """Of the whole dataset: which fetches found what came late."""
    rows = ({"purpose": r.purpose, "late_lines": r.count, "share": "" if r.share is None else f"{r.share:.1%}"} for r in found)
    return _table(rows, {"purpose": "string", "late_lines": "int", "share": "string"})


def _table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> dg.TableMetadataValue:
    schema = dg.TableSchema(columns=[dg.TableColumn(name, kind) for name, kind in columns.items()])
    records = [dg.TableRecord({k: "" if v is None else v for k, v in row.items()}) for row in rows]
    return dg.MetadataValue.table(records=records, schema=schema)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None}
