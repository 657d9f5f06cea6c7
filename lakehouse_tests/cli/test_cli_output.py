"""How values look to people."""

from __future__ import annotations

import datetime as dt

import pytest
from rich.console import Console

from lakehouse.cli.output import table, text


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


@pytest.mark.parametrize("width", [80, 100, 140])
def test_nothing_of_a_table_is_cut_off_in_a_narrow_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(width=width, record=True)
    monkeypatch.setattr("lakehouse.cli.output.facts", lambda: console)
    names = ("dataset", "lines", "unreadable", "rows", "quarantined", "filtered", "held", "duplicate", "kept", "closes", "agrees with the truth")
    console.print(
        table(
            None,
            names,
            [("workspace_audit", 60_212, 59, 63_455, 229, 1_064, 30, 1_372, 62_969, "[green]✓[/]", "[green]✓[/] 31 of 31 terms")],
            raw=True,
        )
    )
    told = console.export_text()
    assert max(len(line) for line in told.splitlines()) <= width
    assert all(number in told for number in ("60,212", "63,455", "1,064", "62,969"))
    assert told.count("31") == 2
