"""Charts and tables on the page of an asset."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import unquote

import dagster as dg
import pytest
from defs_helpers import CLOCK, DATASET, FIRST_DAY, PERSON, check_statuses, land, newest

from lakehouse.accounts.books import Books
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.registry import find_dataset
from lakehouse.defs import catalogue, charts
from lakehouse.defs.charts import recent_rows
from lakehouse.defs.instance import open_instance
from lakehouse.defs.metadata import books_table, check_metadata, clean_metadata, mart_metadata, quarantine_metadata, raw_metadata
from lakehouse.defs.run import materialize_clean
from lakehouse.landing.ledger import load_ledger
from lakehouse.marts.records import MartsReport
from lakehouse.marts.specs import mart_specs
from lakehouse.operations.frequent import frequent_values
from lakehouse.operations.report import TrendLines
from lakehouse.pictures.small import LIMIT
from lakehouse.settings import Lake
from lakehouse.steps.build import build_day
from lakehouse.steps.query import connect


def images(shown: dict[str, Any]) -> dict[str, str]:
    """The charts of a page: name -> what the picture says in words. Each is short enough to be shown without a click, and holds no person."""
    found = {name: value.value for name, value in shown.items() if isinstance(value, dg.MarkdownMetadataValue)}
    for markdown in found.values():
        assert len(markdown) < LIMIT
        assert PERSON not in unquote(markdown)
    return {name: re.findall(r"^!\[([^\n]+)\]\(data:image/svg\+xml,[^)]+\)$", markdown)[0] for name, markdown in found.items()}


def test_the_page_of_a_clean_day_has_its_charts(landed: Lake) -> None:
    land(landed, dt.datetime(2026, 11, 18, 9, tzinfo=dt.UTC), 2, spaced=True)
    dataset = find_dataset(DATASET)
    report = build_day(landed, dataset, FIRST_DAY)
    assert report.books.duplicate == 2
    assert images(clean_metadata(landed, dataset, report)) == {
        "rows_per_day": f"Rows kept, the last 14 days: {FIRST_DAY} to {FIRST_DAY}, {report.books.kept} in all",
        "duplicates_by_hour": "Duplicates by hour: 00:00 to 23:00, 2 in all",
        "lateness": f"Rows by time from event to landing: 1 bars, the longest is ≤ 3 d with {report.books.kept}",
        "top_application": f"Top values of application: 1 bars, the longest is login with {report.books.kept}",
        "top_event_name": f"Top values of event_name: 1 bars, the longest is login_success with {report.books.kept}",
    }


def test_the_page_of_a_quarantine_day_tells_the_reasons(landed: Lake) -> None:
    day = CLOCK.date()  # unreadable lines belong to the day they landed on
    shown = images(quarantine_metadata(landed, build_day(landed, find_dataset(DATASET), day)))
    assert shown == {"reasons": "In quarantine, by rule: 1 bars, the longest is unreadable_json with 3"}


def test_what_a_page_cannot_show_is_named_on_it_and_the_day_is_told_with_its_checks(landed: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    day, written = CLOCK.date(), []

    def damaged(*arguments: Any) -> Any:
        written.extend(p for layer in ("clean", "quarantine") for p in landed.store.root.glob(f"{layer}/{DATASET}/**/*.parquet"))
        for path in written:
            path.write_bytes(b"")
        return frequent_values(*arguments)

    monkeypatch.setattr(charts, "frequent_values", damaged)
    found = materialize_clean(landed, find_dataset(DATASET), [day])
    assert found.success
    refused = str(written[-1])
    with open_instance(landed) as instance:
        clean = newest(instance, catalogue.clean_key(DATASET), day).metadata
        aside = newest(instance, catalogue.quarantine_key(DATASET), day).metadata
        log = "".join(str(e) for e in instance.all_logs(found.run_ids[0]))
        assert check_statuses(instance, landed, catalogue.clean_key(DATASET), "books_balance") == {"SUCCEEDED": {str(day)}}
    assert any(str(path) in str(clean["no_charts"].value) for path in written)
    assert "lateness" not in clean
    assert clean["rows_kept"].value
    assert refused in str(aside["no_sample"].value)
    assert aside["rules"]
    assert "No charts on the page: " in log
    assert "has 0 bytes, expected a Parquet file" in log
    assert f"No sample on the page: {refused}" in log


def test_the_page_of_raw_tells_the_lines_of_the_days_up_to_it(landed: Lake) -> None:
    ledger, last = load_ledger(landed, DATASET), FIRST_DAY + dt.timedelta(days=2)
    lines = sum(p.part.lines for key, parts in ledger.parts.items() if not key.startswith("unplaced") for p in parts)
    first = images(raw_metadata(ledger, Grain(FIRST_DAY, "hour", 9)))["lines_per_day"]
    assert first == f"Lines landed, the last 14 days: {FIRST_DAY} to {FIRST_DAY}, {lines // 3} in all"
    assert (
        images(raw_metadata(ledger, Grain(last, "hour", 23)))["lines_per_day"]
        == f"Lines landed, the last 14 days: {FIRST_DAY} to {last}, {lines} in all"
    )
    assert "0 in all" in images(raw_metadata(ledger, Grain(FIRST_DAY - dt.timedelta(days=1), "hour", 9)))["lines_per_day"]


def test_the_page_of_a_mart_has_the_trends_of_that_mart() -> None:
    day, spec = dt.date(2026, 11, 18), next(s for s in mart_specs(DATASET) if s.name == "audit_failed_logins")
    report = MartsReport(DATASET, 1, False, "first build", rows={spec.name: 3})
    trends = [
        TrendLines("Failed logins, of all", spec.name, {"all": {day: 3.0, day + dt.timedelta(days=30): 5.0}}, 1),
        TrendLines("Other", "other", {}, 0),
    ]
    shown = images(mart_metadata(spec, report, trends))
    assert shown == {"failed_logins_of_all": f"Failed logins, of all: {day} to {day + dt.timedelta(days=30)}"}
    assert images(mart_metadata(spec, report, [TrendLines("None yet", spec.name, {}, 0)])) == {}


def test_the_chart_of_rows_ends_with_its_day_and_tells_what_the_table_holds(landed: Lake) -> None:
    dataset = find_dataset(DATASET)
    second = FIRST_DAY + dt.timedelta(days=1)
    reports = {day: build_day(landed, dataset, day) for day in (FIRST_DAY, second)}
    with connect(landed, [dataset]) as con:
        kept = dict(con.execute(f"SELECT event_date, count(*) FROM clean.{DATASET} GROUP BY ALL").fetchall())
    assert kept[FIRST_DAY]
    assert recent_rows(landed, reports[FIRST_DAY]) == {FIRST_DAY: kept[FIRST_DAY]}
    assert recent_rows(landed, reports[second]) == {day: kept.get(day, 0) for day in (FIRST_DAY, second)}


def test_the_table_of_the_books_has_both_equations_and_every_term() -> None:
    records = books_table(Books(lines=3, records=3, rows=4, kept=3, duplicate=1)).records
    terms = {(r.data["of"], r.data["term"]): r.data["count"] for r in records}
    assert terms["lines", "records"] == 3
    assert terms["rows", "kept"] == 3
    assert {term for _, term in terms} == set(Books.__struct_fields__)


def test_metadata_of_checks_keeps_numbers_as_they_are_so_that_they_are_plotted() -> None:
    found = check_metadata({"rows": 3, "share": 0.5, "holes": {"login": ["01:00-02:00"]}, "none": None})
    assert found["rows"] == 3
    assert found["share"] == 0.5
    assert found["holes"].data == {"login": ["01:00-02:00"]}
    assert "none" not in found
