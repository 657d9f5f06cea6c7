"""Small charts: what is drawn, that each is short enough to be shown, and what is left out where there is much."""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from urllib.parse import unquote

import pytest

from lakehouse.accounts.lateness import BUCKETS
from lakehouse.pictures.small import BARS, LIMIT, LINES, brief, small_bars, small_columns, small_lateness, small_lines

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('1')</script>&#x41; %3C [b](c) \\ \x00\u202e"
DAYS = [str(dt.date(2026, 11, 7) + dt.timedelta(days=n)) for n in range(14)]
LONG = "a_rule_with_a_very_long_name_indeed_"


def drawn(markdown: str | None) -> ET.Element:
    """The picture, read back as Markdown and a browser read it: no blank, no control character and no bracket within the address."""
    assert markdown is not None
    assert len(markdown.encode("utf-16-le")) // 2 < LIMIT
    (address,) = re.findall(r"^!\[[^\n]+\]\(data:image/svg\+xml,([!-'*-~]+)\)$", markdown)
    assert "&" not in address
    assert "\\" not in address
    return ET.fromstring(unquote(address, errors="strict"))  # noqa: S314  our own


def texts(markdown: str | None) -> list[str]:
    return [t.text or "" for t in drawn(markdown).iter(f"{SVG}text")]


def lengths(markdown: str | None, command: str) -> list[int]:
    """Of the bars (h) or columns (v), as they are drawn."""
    return [abs(int(n)) for path in drawn(markdown).iter(f"{SVG}path") for n in re.findall(command + r"(-?\d+)", path.get("d", ""))]


def test_a_bar_is_as_long_as_its_value_and_the_first_is_on_top() -> None:
    chart = small_bars("late", [("≤ 1 min", 10), ("≤ 5 min", 40), ("≤ 1 h", 0)])
    one, five = lengths(chart, "h")
    assert one / five == pytest.approx(0.25, abs=0.01)
    assert texts(chart) == ["≤ 1 min: 10", "≤ 5 min: 40", "≤ 1 h: 0"]
    assert chart is not None
    assert chart.startswith("![late: 3 bars, the longest is ≤ 5 min with 40](")


def test_what_is_more_than_nothing_is_seen() -> None:
    assert lengths(small_bars("x", [("much", 1_000_000), ("one", 1)]), "h")[1] == 1
    assert lengths(small_columns("x", [("a", 1_000_000), ("b", 1), ("c", 0)]), "v")[1:] == [1]


def test_bars_without_room_are_one_bar_of_their_sum() -> None:
    chart = small_bars("x", [(f"r{n}", 100 - n) for n in range(30)])
    assert len(texts(chart)) == BARS
    assert texts(chart)[-1] == f"{31 - BARS} others: {sum(100 - n for n in range(BARS - 1, 30)):,}"


def test_columns_have_their_values_above_and_the_ends_below() -> None:
    chart = small_columns("rows", [(day, 1000 * n) for n, day in enumerate(DAYS[:5])])
    assert texts(chart) == ["1k", "2k", "3k", "4k", DAYS[0], DAYS[4]]
    assert lengths(chart, "v") == [13, 26, 39, 52]
    assert chart is not None
    assert chart.startswith("![rows: 2026-11-07 to 2026-11-11, 10,000 in all](")


def test_the_largest_of_many_columns_is_always_told() -> None:
    values = [(day, 41_352 if n == 6 else 1_000 + n) for n, day in enumerate(DAYS)]
    told = texts(small_columns("rows", values))
    assert "41.4k" in told
    assert told[-2:] == [DAYS[0], DAYS[-1]]
    places = [float(t.get("x", 0)) for t in drawn(small_columns("rows", values)).iter(f"{SVG}text")][:-2]
    assert min(b - a for a, b in pairwise(places)) >= 32, "no value covers another"


def test_a_line_is_broken_where_there_is_no_value_and_one_alone_is_a_dot() -> None:
    chart = small_lines("x", ["a", "b", "c", "d", "e"], {"one": [1, None, 3, 4, None], "none": [None] * 5})
    path, nothing = (p.get("d", "") for p in drawn(chart).iter(f"{SVG}path"))
    assert re.fullmatch(r"M\d+,\d+h2M\d+,\d+l\d+-\d+", path)
    assert nothing == ""
    assert texts(chart) == ["one: 4", "none: -", "a", "e"]


def test_lines_without_room_are_left_out_and_counted() -> None:
    chart = small_lines("Events", DAYS, {f"{LONG}{k}": [(n * 37 + k * 100) % 977 for n in range(14)] for k in range(6)})
    count = len(texts(chart)) - 2
    assert 2 <= count <= LINES
    assert chart is not None
    assert chart.startswith(f"![Events: 2026-11-07 to 2026-11-20, {count} of 6 lines](")


def test_nothing_is_no_chart_and_zeros_are_drawn() -> None:
    assert (small_bars("x", []), small_columns("x", []), small_lines("x", [], {"one": []}), small_lines("x", ["a"], {})) == (None,) * 4
    assert (small_lateness({}), small_lateness({60: 0})) == (None, None)
    assert texts(small_columns("x", [("a", 0)])) == ["0", "a"]
    assert texts(small_bars("x", [("a", 0)])) == ["a: 0"]
    assert texts(small_lines("x", ["a"], {"one": [0]})) == ["one: 0", "a"]


def test_neighbours_of_lateness_are_put_together_where_there_are_too_many() -> None:
    few = {60: 5, 3600: 2, 86400: 0}
    assert texts(small_lateness(few)) == ["≤ 1 min: 5", "≤ 1 h: 2"]
    many = {60 * n: n for n in range(1, BARS + 3)}
    told = texts(small_lateness(many))
    assert told[0] == "≤ 2 min: 3"
    assert sum(int(t.split(": ")[1]) for t in told) == sum(many.values())


def test_what_has_no_bound_is_told_as_longer_than_the_bar_before() -> None:
    assert texts(small_lateness({60: 5, BUCKETS[-1]: 2})) == ["≤ 1 min: 5", "> 180 d: 2"]
    told = texts(small_lateness(dict.fromkeys(BUCKETS, 1)))
    assert told[-1].split(": ")[0] in ("> 180 d", "longer")
    assert not any("36500" in text for text in told)


@pytest.mark.parametrize(
    "chart",
    [
        small_bars(HOSTILE, [(HOSTILE, 1)]),
        small_columns(HOSTILE, [(HOSTILE, 1), (HOSTILE, 2)]),
        small_lines(HOSTILE, [HOSTILE, "b"], {HOSTILE: [1.5, 2]}),
    ],
    ids=["bars", "columns", "lines"],
)
def test_no_text_becomes_a_script_and_nothing_is_loaded(chart: str | None) -> None:
    tree = drawn(chart)
    assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {"svg", "g", "path", "text"}
    assert not [n for e in tree.iter() for n in e.attrib if n.lower().startswith("on") or n.endswith("href")]
    assert chart is not None
    assert "\x00" not in chart + unquote(chart)
    assert "\u202e" not in chart + unquote(chart)


@pytest.mark.parametrize("count", [1, 2, 5, 14, 31])
@pytest.mark.parametrize("value", [0, 7, 123_456_789])
def test_whatever_is_asked_has_room(count: int, value: int) -> None:
    assert small_bars(LONG, [(f"{LONG}≤ {n}", value) for n in range(count)]) is not None
    assert small_columns(LONG, [(f"{LONG}≤ {n}", value) for n in range(count)]) is not None
    assert small_lines(LONG, DAYS[: min(count, 14)], {f"{LONG}≤ {n}": [value] * min(count, 14) for n in range(count)}) is not None


def test_a_short_number_is_short() -> None:
    assert [brief(v) for v in (0, 950, 1000, 41_352, 2_698_207, 5e9, 0.25, -1500)] == ["0", "950", "1k", "41.4k", "2.7M", "5G", "0.20", "-1.5k"]
