"""Charts and tables on the page of an asset."""

from __future__ import annotations

import base64
import datetime as dt
import re

from defs_helpers import DATASET, FIRST_DAY, PERSON

from lakehouse.accounts.books import Books
from lakehouse.datasets.registry import find_dataset
from lakehouse.defs.metadata import books_table, check_metadata, clean_metadata, recent_rows
from lakehouse.pictures.charts import lateness_chart
from lakehouse.settings import Lake
from lakehouse.steps.build import build_day
from lakehouse.steps.query import connect

CHARTS = ("rows_per_day", "quarantine_reasons", "lateness")


def test_the_page_of_a_clean_day_has_the_charts_of_the_report_as_images(landed: Lake) -> None:
    report = build_day(landed, find_dataset(DATASET), FIRST_DAY)
    shown = clean_metadata(landed, report)
    images = {name: shown[name].value for name in CHARTS if name in shown}
    assert {"rows_per_day", "lateness"} <= set(images)
    for image in images.values():
        (encoded,) = re.findall(r"!\[[^\n]+\]\(data:image/svg\+xml;base64,([^)]+)\)$", image)
        assert base64.b64decode(encoded).startswith(b"<svg ")
        assert PERSON.encode() not in base64.b64decode(encoded)
    with connect(landed, [find_dataset(DATASET)]) as con:
        buckets = dict(con.execute("SELECT seconds, sum(rows)::BIGINT FROM ops.lateness GROUP BY ALL").fetchall())
    drawn = lateness_chart(buckets)
    assert drawn is not None
    assert images["lateness"] == drawn.markdown


def test_the_chart_of_rows_ends_with_its_day_and_tells_what_the_table_holds(landed: Lake) -> None:
    dataset = find_dataset(DATASET)
    second = FIRST_DAY + dt.timedelta(days=1)
    reports = {day: build_day(landed, dataset, day) for day in (FIRST_DAY, second)}
    with connect(landed, [dataset]) as con:
        kept = dict(con.execute(f"SELECT event_date, count(*) FROM clean.{DATASET} GROUP BY ALL").fetchall())
    assert kept[FIRST_DAY]
    assert recent_rows(landed, reports[FIRST_DAY]) == {FIRST_DAY: {"kept": kept[FIRST_DAY]}}
    assert recent_rows(landed, reports[second]) == {day: {"kept": kept.get(day, 0)} for day in (FIRST_DAY, second)}


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
