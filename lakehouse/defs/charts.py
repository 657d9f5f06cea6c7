"""A bar chart as an SVG image that the asset page shows (its Markdown drops HTML but shows data URIs as images)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

_WIDTH, _ROW, _LABEL, _VALUE = 560, 20, 90, 90
_BAR, _TEXT = "#4f7cac", "#7a7a7a"  # both readable on white and on black


def bar_chart(title: str, bars: Sequence[tuple[str, int]]) -> str:
    """Markdown of an image with one horizontal bar per (label, value); empty for no bars."""
    if not bars:
        return ""
    most = max(value for _, value in bars) or 1
    room = _WIDTH - _LABEL - _VALUE
    rows = [
        f'<text x="{_LABEL - 8}" y="{top + 14}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LABEL}" y="{top + 3}" width="{max(1.0, room * value / most) if value else 0:.1f}" height="{_ROW - 6}" fill="{_BAR}"/>'
        f'<text x="{_LABEL + 6 + room * value / most:.1f}" y="{top + 14}">{value:,}</text>'
        for top, (label, value) in ((24 + i * _ROW, bar) for i, bar in enumerate(bars))
    ]
    height = 30 + len(bars) * _ROW
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12" fill="{_TEXT}">'
        f'<text x="0" y="14" font-weight="bold">{escape(title)}</text>{"".join(rows)}</svg>'
    )
    return f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def duration(seconds: int) -> str:
    """Seconds in the largest unit that says them in whole numbers: `45 s`, `5 min`, `3 h`, `7 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
