"""Charts on the page of an asset."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET

import pytest

from lakehouse.accounts.books import Books
from lakehouse.defs.charts import bar_chart, duration
from lakehouse.defs.metadata import books_table, check_metadata, lateness_chart


def svg(markdown: str) -> ET.Element:
    encoded = markdown.partition("base64,")[2].removesuffix(")")
    return ET.fromstring(base64.b64decode(encoded))  # noqa: S314  our own


def test_a_chart_has_one_bar_per_value_and_the_longest_is_the_most():
    drawn = svg(bar_chart("late < now", [("≤ 1 min", 10), ("≤ 5 min", 40), ("≤ 1 h", 0)]))
    bars = [float(r.attrib["width"]) for r in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert bars[1] == max(bars)
    assert bars[0] == pytest.approx(bars[1] / 4, abs=0.1)
    assert bars[2] == 0
    assert [t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")][:2] == ["late < now", "≤ 1 min"]


def test_nothing_late_is_no_chart():
    assert bar_chart("x", []) == ""
    assert lateness_chart({}) is None
    assert lateness_chart({60: 0}) is None
    assert lateness_chart({60: 1}) is not None


@pytest.mark.parametrize(("seconds", "told"), [(0, "0 s"), (45, "45 s"), (60, "1 min"), (90, "90 s"), (10_800, "3 h"), (604_800, "7 d")])
def test_durations_are_told_in_the_largest_unit_that_is_whole(seconds, told):
    assert duration(seconds) == told


def test_the_table_of_the_books_has_both_equations_and_every_term():
    records = books_table(Books(lines=3, records=3, rows=4, kept=3, duplicate=1)).records
    terms = {(r.data["of"], r.data["term"]): r.data["count"] for r in records}
    assert terms["lines", "records"] == 3
    assert terms["rows", "kept"] == 3
    assert {term for _, term in terms} == set(Books.__struct_fields__)


def test_metadata_of_checks_keeps_numbers_as_they_are_so_that_they_are_plotted():
    found = check_metadata({"rows": 3, "share": 0.5, "holes": {"login": ["01:00-02:00"]}, "none": None})
    assert found["rows"] == 3
    assert found["share"] == 0.5
    assert found["holes"].data == {"login": ["01:00-02:00"]}
    assert "none" not in found
