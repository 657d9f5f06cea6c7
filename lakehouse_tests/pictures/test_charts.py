"""Charts: what is drawn, what is said of it, and that nothing in a picture can load or run."""

from __future__ import annotations

import base64
import datetime as dt
import re
import xml.etree.ElementTree as ET

import pytest

from lakehouse.accounts.lateness import BUCKETS
from lakehouse.pictures.charts import (
    MOST_SERIES,
    Chart,
    bars,
    columns,
    duration,
    every_date,
    lateness_chart,
    lines,
    number,
    reasons_chart,
    rows_per_day,
    within,
)

SVG = "{http://www.w3.org/2000/svg}"
DAY = dt.date(2026, 11, 17)
HOSTILE = '<script>alert("1")</script>&\x00\u202e'


def drawn(chart: Chart | None) -> ET.Element:
    assert chart is not None
    return ET.fromstring(chart.svg)  # noqa: S314  our own


def rects(chart: Chart | None, size: str) -> list[float]:
    """Widths or heights of the bars, as they are drawn; none at all is 0."""
    return [float(r.get(size, 0)) for r in drawn(chart).iter(f"{SVG}rect") if "rect" in r.get("class", "")]


def texts(chart: Chart | None) -> list[str]:
    return [t.text or "" for t in drawn(chart).iter(f"{SVG}text")]


def test_a_bar_is_as_long_as_its_value_and_the_first_is_on_top() -> None:
    chart = bars("late", [("≤ 1 min", 10), ("≤ 5 min", 40), ("≤ 1 h", 0)])
    hour, five, one = rects(chart, "width")
    assert (one / five, hour) == (pytest.approx(0.25, abs=0.01), 0)
    tops = {t.text: float(t.get("y", 0)) for t in drawn(chart).iter(f"{SVG}text")}
    assert tops["≤ 1 min  10"] < tops["≤ 5 min  40"] < tops["≤ 1 h  0"]
    assert chart is not None
    assert chart.alt == "late. Bar chart, 3 bars; the longest is ≤ 5 min with 40."


def test_columns_stand_one_above_the_other() -> None:
    chart = columns("rows", ["a", "b"], {"kept": [30, 10], "duplicates": [10, 0]})
    heights = rects(chart, "height")
    assert heights[2] / heights[0] == pytest.approx(1 / 3, abs=0.01)
    assert {"kept", "duplicates"} <= set(texts(chart))
    assert chart is not None
    assert chart.alt == "rows. Column chart, a to b; kept 40 in all; duplicates 10 in all."


def test_a_line_is_broken_where_there_is_no_value() -> None:
    whole = lines("x", ["a", "b", "c", "d", "e"], {"one": [1, 2, 3, 4, 5]})
    broken = lines("x", ["a", "b", "c", "d", "e"], {"one": [1, 2, None, 4, 5]})
    paths = [[p for p in drawn(c).iter(f"{SVG}path") if "nofill" in p.get("class", "")] for c in (whole, broken)]
    assert [len(p) for p in paths] == [1, 2]
    assert broken is not None
    assert broken.alt == "x. Line chart, a to e; one from 1 to 5."


def test_nothing_is_no_chart() -> None:
    assert bars("x", []) is None
    assert columns("x", [], {}) is None
    assert lines("x", [], {"one": []}) is None
    assert rows_per_day({}) is None
    assert reasons_chart([]) is None
    assert lateness_chart({}) is None
    assert lateness_chart({60: 0}) is None


def test_one_day_and_nothing_but_zeros_are_drawn() -> None:
    one = rows_per_day({DAY: {"kept": 3}})
    assert len(rects(one, "height")) == 1
    assert str(DAY) in texts(one)
    assert one is not None
    assert one.alt == f"Rows per day. Column chart, {DAY}; kept 3 in all."
    assert rects(rows_per_day({DAY: {"kept": 0}}), "height") == [0]
    assert rects(bars("x", [("none", 0)]), "width") == [0]
    assert len(list(drawn(lines("x", ["a"], {"one": [7]})).iter(f"{SVG}circle"))) == 1
    nothing = lines("x", ["a"], {"one": [None]})
    assert nothing is not None
    assert nothing.alt.endswith("one without a value.")


def test_a_year_of_days_has_room_for_a_few_dates() -> None:
    year = rows_per_day({DAY + dt.timedelta(days=n): {"kept": n} for n in range(365)})
    dates = [t for t in texts(year) if re.fullmatch(r"\d{4}-\d\d-\d\d", t)]
    assert dates[0] == str(DAY)
    assert 2 <= len(dates) <= 4
    assert len(rects(year, "height")) == 365


def test_days_between_have_an_empty_place_unless_gaps_take_the_room() -> None:
    later = DAY + dt.timedelta(days=3)
    assert every_date([DAY, later]) == [DAY + dt.timedelta(days=n) for n in range(4)]
    assert every_date([dt.date(2019, 1, 1), DAY]) == [dt.date(2019, 1, 1), DAY]
    assert every_date([]) == []
    assert sorted(rects(rows_per_day({DAY: {"kept": 1}, later: {"kept": 1}}), "height"))[:2] == [0, 0]


@pytest.mark.parametrize(
    "chart",
    [
        bars(HOSTILE, [(HOSTILE, 1)]),
        columns(HOSTILE, [HOSTILE], {HOSTILE: [1]}),
        lines(HOSTILE, [HOSTILE], {HOSTILE: [1.5], "other": [2]}),
    ],
    ids=["bars", "columns", "lines"],
)
def test_no_text_becomes_a_script_and_nothing_is_loaded(chart: Chart | None) -> None:
    tree = drawn(chart)
    assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {"svg", "defs", "style", "title", "g", "rect", "path", "text", "circle", "line"}
    names = {name for e in tree.iter() for name in e.attrib}
    assert not [n for n in names if n.lower().startswith("on") or n.endswith("href")]
    assert chart is not None
    assert re.findall(r"[a-z]+://[^\"]+", chart.svg) == ["http://www.w3.org/2000/svg"]  # the name of the format
    assert "\x00" not in chart.svg + chart.alt
    assert "\u202e" not in chart.svg + chart.alt


def test_the_same_numbers_are_the_same_picture() -> None:
    one, other = (columns("x", ["a"], {"kept": [1]}) for _ in range(2))
    assert one == other


def test_a_picture_fits_into_markdown() -> None:
    chart = bars("a [b](c)", [("x", 1)])
    assert chart is not None
    words, encoded = re.findall(r"^!\[(.+)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)$", chart.markdown)[0]
    assert words.startswith("a \\[b\\](c). Bar chart")
    assert base64.b64decode(encoded).decode() == chart.svg


def test_every_series_has_a_colour_of_its_own() -> None:
    chart = lines("x", ["a"], {str(n): [n] for n in range(MOST_SERIES)})
    style = next(drawn(chart).iter(f"{SVG}style")).text or ""
    colours = re.findall(r"\.color-\d+ \.line\{stroke:(#\w+)\}", style)
    assert len(set(colours)) == MOST_SERIES


@pytest.mark.parametrize(("seconds", "told"), [(0, "0 s"), (45, "45 s"), (60, "1 min"), (90, "90 s"), (10_800, "3 h"), (604_800, "7 d")])
def test_durations_are_told_in_the_largest_unit_that_is_whole(seconds: int, told: str) -> None:
    assert duration(seconds) == told


def test_the_bucket_that_takes_the_rest_has_no_upper_bound() -> None:
    assert [within(bound) for bound in BUCKETS[-2:]] == ["≤ 180 d", "> 180 d"]
    chart = lateness_chart({60: 2, BUCKETS[-1]: 9})
    assert chart is not None
    assert chart.alt.endswith("the longest is > 180 d with 9.")


@pytest.mark.parametrize(("value", "told"), [(None, "-"), (0, "0"), (1234567, "1,234,567"), (12.0, "12"), (1.005, "1.00"), (-2.5, "-2.50")])
def test_numbers_have_separators_and_two_decimals_at_most(value: float | None, told: str) -> None:
    assert number(value) == told
