"""Mended lines supersede the lines that they were made of."""

from __future__ import annotations

import datetime as dt

import pytest

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TerminalError
from lakehouse.landing import redrive
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.redrive import land_redrive

DAY = dt.date(2026, 11, 20)


@pytest.fixture
def broken(lake, land, line):
    """Two broken lines among good ones: the references of both."""
    manifest = land(lake, [b"broken one", line("2026-11-19T10:00:00Z"), b"broken two"])
    path = next(p.path for p in manifest.parts if p.grain.startswith("unplaced"))
    return LineRef(path, 1), LineRef(path, 2)


def test_a_mended_line_lands_in_the_grain_of_its_own_time_and_supersedes(lake, line, text, contract, broken):
    manifest = land_redrive(lake, contract, [(broken[0], line("2026-11-18T09:00:00Z", 7)), (broken[1], b"still broken")], run_id="r1")
    assert (manifest.number, manifest.kind, manifest.purpose, manifest.run_id) == (2, "redrive", "redrive", "r1")
    assert (manifest.source, manifest.application, manifest.window, manifest.reference_time) == ("tests", "web", None, None)
    assert manifest.books == FetchBooks(read=2, placed=1, unplaced=1)
    by_grain = {p.grain: p for p in manifest.parts}
    assert text(lake, by_grain["2026-11-18T09"].path) == line("2026-11-18T09:00:00Z", 7) + b"\n"

    ledger = load_ledger(lake, "clicks")
    assert ledger.superseded == {broken[0].part: frozenset({1, 2})}
    assert ledger.superseded_by == {broken[0].part: (2,)}
    assert ledger.touched == {DAY: 2, dt.date(2026, 11, 19): 1, dt.date(2026, 11, 18): 2}
    assert ledger.lateness == {0: 1}


def test_a_line_of_an_old_day_touches_that_day_when_it_is_superseded(lake, land, line, contract):
    part = land(lake, [line("2026-11-10T10:00:00Z")]).parts[0]
    land_redrive(lake, contract, [(LineRef(part.path, 1), line("2026-11-12T10:00:00Z"))])
    assert load_ledger(lake, "clicks").touched == {dt.date(2026, 11, 10): 2, dt.date(2026, 11, 12): 2}


def test_the_broken_line_does_not_come_back_with_the_next_sweep_nor_the_mended_one(lake, land, line, contract, broken):
    mended = line("2026-11-18T09:00:00Z", 7)
    land_redrive(lake, contract, [(broken[0], mended)])
    assert land(lake, [b"broken one", mended]).books == FetchBooks(read=2, re_read=2)


def test_a_mended_line_can_be_mended_again(lake, line, contract, broken):
    first = land_redrive(lake, contract, [(broken[0], b"still broken")])
    again = LineRef(first.parts[0].path, 1)
    land_redrive(lake, contract, [(again, line())])
    ledger = load_ledger(lake, "clicks")
    assert ledger.superseded == {broken[0].part: frozenset({1}), again.part: frozenset({1})}


def test_what_may_not_be_superseded_is_refused_and_nothing_lands(lake, line, contract, broken):
    land_redrive(lake, contract, [(broken[0], line())])
    files = len(list(lake.store.entries("raw")))
    cases = [
        ([], "nothing to redrive"),
        ([(broken[0], line())], "superseded already"),
        ([(LineRef(broken[0].part, 3), line())], "has 2 lines, so there is no line 3"),
        ([(LineRef(broken[0].part, 0), line())], "no line 0"),
        ([(LineRef("raw/clicks/date=2026-11-20/none.jsonl.zst", 1), line())], "There is no part"),
        ([(LineRef("elsewhere", 1), line())], "There is no part"),
        ([(broken[1], line()), (broken[1], line(n=2))], "mended twice"),
    ]
    for mended, message in cases:
        with pytest.raises(TerminalError, match=message):
            land_redrive(lake, contract, mended)
    assert len(list(lake.store.entries("raw"))) == files
    for text in (b"", b"  ", b"two\nlines"):
        with pytest.raises(TerminalError, match="one record on one line"):
            land_redrive(lake, contract, [(broken[1], text)])
    assert load_ledger(lake, "clicks").last_number == 2


def test_lines_of_two_applications_need_two_redrives(lake, land, line, contract, broken):
    other = land(lake, [b"broken three"], application="app").parts[0]
    with pytest.raises(TerminalError, match=r"several sources, applications or files.*tests/app, tests/web"):
        land_redrive(lake, contract, [(broken[0], line()), (LineRef(other.path, 1), line(n=2))])


def test_of_two_redrives_of_one_line_at_the_same_moment_one_is_refused(lake, line, contract, broken, monkeypatch):
    early = load_ledger(lake, "clicks")
    land_redrive(lake, contract, [(broken[0], line(n=1))])
    # What a second process has: a ledger from before the first one committed.
    monkeypatch.setattr(redrive, "load_ledger", lambda *_: early)
    with pytest.raises(TerminalError, match="superseded already"):
        land_redrive(lake, contract, [(broken[0], line(n=2))])
    assert land_redrive(lake, contract, [(broken[1], line(n=3))]).number == 3
