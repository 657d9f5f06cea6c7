"""Windows in any order, merged."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from lakehouse.landing.coverage import Coverage, add
from lakehouse.landing.manifest import Window


def union(windows: Iterable[Window]) -> Coverage:
    """Merged, sorted windows."""
    nothing: Coverage = ()
    return reduce(add, windows, nothing)
