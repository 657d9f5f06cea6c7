"""How values look to people."""

from __future__ import annotations

import datetime as dt

import pytest

from lakehouse.cli.output import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.3333"),
        (2.0, "2.0"),
        (0.0, "0.0"),
        (123456789.125, "123,456,789.125"),
        (-0.00012345678, "-0.0001235"),
        (1.5e300, "1.5e+300"),
        (float("nan"), "nan"),
        (dt.datetime(2026, 11, 17, 9, 5, 0, 123456, tzinfo=dt.UTC), "2026-11-17 09:05:00"),
        ("[red]", "\\[red]"),
    ],
)
def test_a_cell_is_written_for_people(value: object, shown: str) -> None:
    assert text(value) == shown
