"""Charts as SVG: small frames of labels and numbers in, a picture with its words out. Pure; the pictures load nothing and hold no script."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.accounts.lateness import LONGEST, unbounded

# Blue, orange, green, ... that people with any sight of colours tell apart (Okabe and Ito), the strongest contrast to white first.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555")
MOST_SERIES = len(_COLOURS)
_WIDTH, _HEIGHT, _ROW = 480, 300, 28  # narrow: on a phone a picture shrinks with its letters
_LABEL = 24  # characters of a label that have room
_LEGEND, _LEGEND_ROW = 2, 24  # names in a row of the legend, and how high it is
_TICKS = 4  # dates that have room below
_STYLE = (
    "svg{background:#fff}.background{fill:#fff}text{fill:#222;font-family:sans-serif;font-size:15px;stroke:none}"
    ".axis.y text{text-anchor:end}.axis.x text,.plot_title,.title,.centered{text-anchor:middle}.legend text,.text-overlay text{text-anchor:start}"
    ".line{stroke:#888;stroke-width:1;fill:none}.guide.line{stroke:#ddd}.nofill{fill:none;stroke-width:2.5}"
    ".horizontal .axis.y .guide.line,.vertical .axis.x .guide.line{stroke:none}"
)


@dataclass(frozen=True)
class Chart:
    """A picture. `title` and `alt` are plain text; `alt` tells those who do not see it what is in it."""

    title: str
    alt: str
    svg: str

    @property
    def uri(self) -> str:
        """The picture as an address that holds it."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode()}"

    @property
    def markdown(self) -> str:
        """An image of Markdown that holds it; an asset page drops HTML, and shows this."""
        return image(self.alt, self.uri)


def image(alt: str, address: str) -> str:
    """An image of Markdown."""
    words = alt.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return f"![{words}]({address})"


def bars(title: str, values: Sequence[tuple[str, int]]) -> Chart | None:
    """One horizontal bar for each label, the first on top, with its value; None for no values."""
    if not values:
        return None
    from pygal import HorizontalBar

    title = plain(title)
    labels = [f"{_short(label)}  {value:,}" for label, value in values]
    chart = HorizontalBar(**_look(title, height=60 + _ROW * len(values)), show_x_labels=False, show_y_guides=False)
    chart.x_labels = labels[::-1]
    chart.add(title, [value for _, value in values][::-1])
    label, most = max(values, key=lambda item: item[1])
    return Chart(title, f"{title}. Bar chart, {len(values)} bars; the longest is {plain(label)} with {most:,}.", _svg(chart, fills=True))


def columns(title: str, labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> Chart | None:
    """A column for each label, of the series one above the other; None for no labels. At most `MOST_SERIES` series."""
    if not labels or not series:
        return None
    from pygal import StackedBar

    title = plain(title)
    chart = StackedBar(**_look(title, legend=len(series)))
    _put(chart, labels, series)
    told = "; ".join(f"{plain(name)} {sum(values):,} in all" for name, values in series.items())
    return Chart(title, f"{title}. Column chart, {_span(labels)}; {told}.", _svg(chart, fills=True))


def lines(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> Chart | None:
    """A line for each series over the labels, broken where there is no value; None for no labels. At most `MOST_SERIES` series."""
    if not labels or not series:
        return None
    from pygal import Line

    title = plain(title)
    chart = Line(**_look(title, legend=len(series)), allow_interruptions=True, dots_size=3, include_x_axis=True)
    _put(chart, labels, series)
    told = "; ".join(f"{plain(name)} {_range([v for v in values if v is not None])}" for name, values in series.items())
    return Chart(title, f"{title}. Line chart, {_span(labels)}; {told}.", _svg(chart, fills=False))


def rows_per_day(days: Mapping[dt.date, Mapping[str, int]], *, title: str = "Rows per day") -> Chart | None:
    """A column for each day: day -> term -> rows. A day between that is not there has an empty place."""
    dates = every_date(sorted(days))
    terms = list(dict.fromkeys(term for counts in days.values() for term in counts))
    return columns(title, [str(d) for d in dates], {term: [days.get(d, {}).get(term, 0) for d in dates] for term in terms})


def lateness_chart(buckets: Mapping[int, int]) -> Chart | None:
    """Rows by the time from event to landing: upper bound in seconds -> rows. Empty buckets are left out."""
    return bars("Rows by time from event to landing", [(within(seconds), count) for seconds, count in sorted(buckets.items()) if count])


def reasons_chart(rules: Sequence[tuple[str, int]]) -> Chart | None:
    """Rows and lines by the rule that refused or holds them, in the order given."""
    return bars("In quarantine, by rule", rules)


def every_date(dates: Sequence[dt.date]) -> list[dt.date]:
    """The sorted dates and those between them, unless gaps would take most of the room."""
    if not dates:
        return []
    span = (dates[-1] - dates[0]).days + 1
    return list(dates) if span > 4 * len(dates) else [dates[0] + dt.timedelta(days=n) for n in range(span)]


def duration(seconds: int) -> str:
    """Seconds in the largest unit that says them in whole numbers: `45 s`, `5 min`, `3 h`, `7 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def within(bound: int) -> str:
    """The bound of a bucket of lateness: `≤ 7 d`; `> 180 d` of the one that takes the rest."""
    return f"> {duration(LONGEST)}" if unbounded(bound) else f"≤ {duration(bound)}"


def number(value: float | None) -> str:
    """A number for people: separators, two decimals at most; `-` for none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def plain(text: str) -> str:
    """The text without what XML forbids or what hides or turns text around: each such character is a question mark in a diamond."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _short(text: str) -> str:
    text = plain(text)
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _span(labels: Sequence[str]) -> str:
    return plain(labels[0]) if len(labels) == 1 else f"{plain(labels[0])} to {plain(labels[-1])}"


def _range(values: Sequence[float]) -> str:
    return f"from {number(min(values))} to {number(max(values))}" if values else "without a value"


def _look(title: str, *, height: int = _HEIGHT, legend: int = 0) -> dict[str, Any]:
    """Options of a chart with so many names in its legend; one name says no more than the title."""
    from pygal.style import Style

    per_row = max(1, min(_LEGEND, legend))
    rows = -(-legend // per_row) if legend > 1 else 0
    unseen = rows - legend // per_row if rows else 0  # pygal makes room for full rows only

    sizes = dict.fromkeys(("label_font_size", "major_label_font_size", "legend_font_size", "value_font_size", "title_font_size"), 15)
    return {
        "title": title,
        "width": _WIDTH,
        "height": height + _LEGEND_ROW * rows,
        "style": Style(font_family="sans-serif", **sizes),
        "css": [f"inline:{_STYLE}"],
        "js": [],
        "no_prefix": True,
        "show_legend": rows > 0,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": per_row,
        "truncate_label": -1,
        "truncate_legend": 22,
        "value_formatter": number,
        "margin": 8,
        "margin_right": 40 if legend else 8,  # the last date is wider than its place
        "margin_bottom": 8 + _LEGEND_ROW * unseen,
        "max_scale": 8,
        "explicit_size": True,
    }


def _put(chart: Any, labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> None:
    step = -(-len(labels) // _TICKS)
    chart.x_labels = [plain(label) for label in labels]
    chart.x_labels_major = chart.x_labels[::step]
    chart.show_minor_x_labels = step == 1
    for name, values in series.items():
        chart.add(_short(name), list(values))


def _svg(chart: Any, *, fills: bool) -> str:
    """The drawn chart, less what only scripts need: texts of tooltips, options, comments with links."""
    import xml.etree.ElementTree as ET

    root = chart.render_tree()
    for parent in list(root.iter()):
        for child in list(parent):
            if _dropped(child) or (child.tag == "title" and parent is not root):
                parent.remove(child)
    del root.attrib["id"]
    drawn = "{{fill:{0}}}" if fills else " .line{{stroke:{0}}}"
    for style in root.iter("style"):
        style.text = _STYLE + "".join(f".color-{i}{drawn.format(c)}.legends .color-{i},.color-{i} .dot{{fill:{c}}}" for i, c in enumerate(_COLOURS))
    return ET.tostring(root, encoding="unicode")


def _dropped(node: Any) -> bool:
    return not isinstance(node.tag, str) or node.tag in ("script", "desc") or "tooltip-overlay" in node.get("class", "")
