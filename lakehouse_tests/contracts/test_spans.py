"""Stretches of time in words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakehouse.contracts.spans import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (12_060, "3h 21m"), (86_399, "23h 59m"), (86_400, "1d"), (187_200, "2d 4h")],
)
def test_the_two_largest_units_are_told(seconds: int, words: str) -> None:
    assert span(seconds) == words


def test_the_words_wait_for_no_library() -> None:
    script = "import sys, lakehouse.contracts.spans; print({'polars', 'pyarrow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "set()\n"
