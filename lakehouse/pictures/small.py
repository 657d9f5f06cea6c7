"""Charts for the page of an asset: Dagster's UI shows Markdown of fewer than 1,000 characters as it is and hides longer behind a click, so these are
drawn by hand in as few characters as they need. What has no room is left out, the exact numbers last.

They say the same as the charts of a report, without its tables. Pure; the pictures load nothing and hold no script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

from lakehouse.pictures.charts import image, number, plain, within

LIMIT = 1000  # characters, less than which the UI unfolds
BARS, LINES = 9, 4  # that have room
_WIDTH, _ROW, _TOP, _LOW = 460, 17, 22, 74
_FIGURE, _DATE = 40, 66  # how wide a short number and a date are
_LINES = 310  # where lines end, and their names begin
_BAR = 210  # where bars begin, to the right of their labels
_COLOURS = ("#07b", "#d50", "#097", "#c7a")  # Okabe and Ito's, as near as three digits say
# What Markdown and an address let stand. A link ends at a blank or a lone bracket, and `&` and `\` mean something to Markdown.
_SAFE = "<>/=':;,!?@*+$"


def small_bars(title: str, values: Sequence[tuple[str, int]]) -> str | None:
    """Markdown of horizontal bars with their labels and values, the first on top; None for no values.

    Of more than `BARS` the last is the sum of those that have no room.
    """
    if not values:
        return None
    most = max(values, key=lambda item: item[1])
    told = f"{title}: {len(values)} bars, the longest is {most[0]} with {most[1]:,}"
    return next(
        fitting
        for count, letters in ((BARS, 24), (BARS, 18), (BARS - 2, 14), (4, 10))
        if (fitting := _markdown(told, _draw_bars(_first(values, count), letters), 8 + _ROW * min(len(values), count))) is not None
    )


def small_columns(title: str, values: Sequence[tuple[str, int]]) -> str | None:
    """Markdown of a column for each label, left to right; None for no values and for many more than 31, which have no room.

    As many of the values stand above as have room, the largest always. The first and the last label stand below.
    """
    if not values:
        return None
    told = f"{title}: {values[0][0]} to {values[-1][0]}, {sum(n for _, n in values):,} in all"
    least = -(-_FIGURE * len(values) // _WIDTH)
    drawings = (_draw_columns(values, every) for every in (least, 2 * least, len(values)))
    return next((fitting for drawing in drawings if (fitting := _markdown(told, drawing, 92)) is not None), None)


def small_lines(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str | None:
    """Markdown of a line for each series over the labels, broken where there is no value; None for no labels.

    The series come with their newest values, and as many of them as have room, `LINES` at most, from the first on.
    """
    if not labels or not series:
        return None
    for count in range(min(LINES, len(series)), 0, -1):
        some = {name: series[name] for name in list(series)[:count]}
        of_all = f", {count} of {len(series)} lines" if count < len(series) else ""
        fitting = _markdown(f"{title}: {labels[0]} to {labels[-1]}{of_all}", _draw_lines(labels, some), 92)
        if fitting is not None:
            return fitting
    return None


def small_lateness(buckets: Mapping[int, int]) -> str | None:
    """Markdown of rows by the time from event to landing: upper bound in seconds -> rows. Neighbours are put together where there are too many."""
    found = [(within(seconds), count) for seconds, count in sorted(buckets.items()) if count]
    while len(found) > BARS:
        found = [_together(found[n : n + 2]) for n in range(0, len(found), 2)]
    return small_bars("Rows by time from event to landing", found)


def _together(bars: Sequence[tuple[str, int]]) -> tuple[str, int]:
    """Neighbours as one bar. With the one that has no bound it is all that is longer than the bar before."""
    label = bars[-1][0]
    return label if len(bars) == 1 or label.startswith("≤") else "longer", sum(count for _, count in bars)


def brief(value: float) -> str:
    """A number in five characters or so: 950, 41.4k, 2.7M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return number(round(value, 1))


def _first(values: Sequence[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    if len(values) <= count:
        return list(values)
    rest = values[count - 1 :]
    return [*values[: count - 1], (f"{len(rest)} others", sum(n for _, n in rest))]


def _draw_bars(values: Sequence[tuple[str, int]], letters: int) -> str:
    most = max((n for _, n in values), default=0) or 1
    path = "".join(f"M{_BAR},{_ROW * row + 12}h{_long(n, most, _WIDTH - _BAR - 6)}" for row, (_, n) in enumerate(values) if n)
    labels = "".join(f"<text y='{_ROW * row + 16}'>{_text(label, letters)}: {n:,}</text>" for row, (label, n) in enumerate(values))
    return f"<path d='{path}' stroke='{_COLOURS[0]}' stroke-width='11'/>{labels}"


def _draw_columns(values: Sequence[tuple[str, int]], every: int) -> str:
    """`every`: one of so many columns has its value above, counted from the last, and the largest always."""
    most, step = max(n for _, n in values) or 1, _WIDTH / max(len(values), 5)
    middles = [round(step * (place + 0.5)) for place in range(len(values))]
    path = "".join(f"M{x},{_LOW}v-{_long(n, most, _LOW - _TOP)}" for x, (_, n) in zip(middles, values, strict=True) if n)
    largest = max(range(len(values)), key=lambda place: values[place][1])
    # Beside the largest there is no room for others.
    wanted = [p for p in range(len(values)) if (len(values) - 1 - p) % every == 0 and values[p][1] and abs(p - largest) * step >= _FIGURE]
    above = "".join(f"<text x='{_inside(middles[p], _FIGURE)}' y='14'>{brief(values[p][1])}</text>" for p in sorted({*wanted, largest}))
    ends = _ends([label for label, _ in values], (_inside(middles[0], _DATE), _inside(middles[-1], _DATE)))
    return f"<path d='{path}' stroke='{_COLOURS[0]}' stroke-width='{max(1, round(step * 0.7))}'/><g text-anchor='middle'>{above}{ends}</g>"


def _inside(middle: int, wide: int) -> int:
    """Where the middle of a text must be so that all of it is seen."""
    return min(max(middle, wide // 2), _WIDTH - wide // 2)


def _draw_lines(labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    known = [v for values in series.values() for v in values if v is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    drawn = _Scale(len(labels), low, (high - low) or 1)
    paths = "".join(f"<path d='{drawn.path(values)}' stroke='{colour}'/>" for values, colour in zip(series.values(), _COLOURS, strict=False))
    names = ""
    for place, (name, values) in enumerate(series.items()):
        newest = next((brief(v) for v in reversed(values) if v is not None), "-")
        names += f"<text x='{_LINES + 12}' y='{_ROW * place + 18}' fill='{_COLOURS[place]}'>{_text(name, 16)}: {newest}</text>"
    ends = _ends(labels, (_DATE // 2, _LINES - _DATE // 2))
    return f"<g fill='none' stroke-width='2' stroke-linecap='round'>{paths}</g>{names}<g text-anchor='middle'>{ends}</g>"


@dataclass(frozen=True)
class _Scale:
    """Where values stand: so many places from left to right, from `low` at the bottom over `span` to the top."""

    places: int
    low: float
    span: float

    def path(self, values: Sequence[float | None]) -> str:
        """A line through the values that there are; one that stands alone is a dot."""
        points = [None if value is None else (self._x(place), self._y(value)) for place, value in enumerate(values)]
        found = ""
        for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False):
            if point is not None and before is not None:
                found += f"l{point[0] - before[0]},{point[1] - before[1]}".replace(",-", "-")
            elif point is not None:
                found += f"M{point[0]},{point[1]}" + ("h2" if after is None else "")
        return found

    def _x(self, place: int) -> int:
        return round(4 + (_LINES - 8) * place / max(self.places - 1, 1))

    def _y(self, value: float) -> int:
        return round(_LOW - (value - self.low) / self.span * (_LOW - 8))


def _long(value: int, most: int, room: int) -> int:
    """How long a bar is; what is more than nothing is seen."""
    return max(1, round(value / most * room)) if value else 0


def _ends(labels: Sequence[str], places: tuple[int, int]) -> str:
    first, last = (f"<text x='{x}' y='88'>{_text(label, 12)}</text>" for x, label in zip(places, (labels[0], labels[-1]), strict=True))
    return first if len(labels) == 1 else first + last


def _text(text: str, letters: int) -> str:
    text = plain(text)
    return escape(text if len(text) <= letters else text[: letters - 1] + "…")


def _markdown(told: str, drawn: str, height: int) -> str | None:
    """The picture as an image of Markdown; None when it is too long to be unfolded."""
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{height}' font-family='sans-serif' font-size='12' "
        f"style='background:white'>{drawn}</svg>"
    )
    found = image(plain(told), f"data:image/svg+xml,{quote(svg, safe=_SAFE)}")
    return found if len(found.encode("utf-16-le")) // 2 < LIMIT else None
