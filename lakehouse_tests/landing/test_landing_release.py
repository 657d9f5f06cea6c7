"""A release admits the held rows of parts: a manifest that lands nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TerminalError
from lakehouse.landing import release
from lakehouse.landing.ledger import load_ledger, read_manifests, refresh
from lakehouse.landing.release import land_release

DAY = dt.date(2026, 11, 20)


@pytest.fixture
def parts(lake, land, line) -> list[str]:
    """Paths of three parts, of three days and two applications."""
    first = land(lake, [line("2026-11-20T10:00:00Z"), line("2026-11-19T10:00:00Z")])
    second = land(lake, [line("2026-11-18T10:00:00Z")], application="app")
    return [p.path for m in (first, second) for p in sorted(m.parts, key=lambda p: p.grain)]


def test_a_release_names_its_parts_and_touches_their_days_and_nothing_else(lake, parts):
    before = load_ledger(lake, "clicks")
    manifest = land_release(lake, "clicks", [parts[0], parts[2]], run_id="r1")
    assert (manifest.number, manifest.kind, manifest.purpose, manifest.run_id) == (3, "release", "release", "r1")
    assert (manifest.source, manifest.application, manifest.parts, manifest.books) == ("", "", (), FetchBooks())
    assert list(read_manifests(lake, "clicks", after=2)) == [manifest]
    ledger = load_ledger(lake, "clicks")
    assert ledger.released == {parts[0]: 3, parts[2]: 3}
    assert ledger.touched == {dt.date(2026, 11, 18): 3, dt.date(2026, 11, 19): 3, DAY: 1}
    assert (ledger.parts, ledger.books, ledger.coverage) == (before.parts, before.books, before.coverage)
    assert (ledger.lateness_by_application, ledger.first_landed_by_application) == (
        before.lateness_by_application, before.first_landed_by_application,
    )  # fmt: skip
    assert refresh(lake, before) == ledger


def test_what_cannot_be_released_is_refused_and_nothing_is_written(lake, parts):
    land_release(lake, "clicks", [parts[0]])
    cases = [
        ([], "nothing to release"),
        ([parts[1], parts[1]], "named twice"),
        ([parts[1], "raw/clicks/date=2026-11-20/hour=10/none.jsonl.zst"], "There is no part"),
        ([parts[1], parts[0]], "released already, by manifest 3"),
    ]
    for named, message in cases:
        with pytest.raises(TerminalError, match=message):
            land_release(lake, "clicks", named)
    assert load_ledger(lake, "clicks").last_number == 3


def test_of_two_releases_of_one_part_at_the_same_moment_one_is_refused(lake, parts, monkeypatch):
    early = load_ledger(lake, "clicks")
    land_release(lake, "clicks", parts[:2])
    # What a second process has: a ledger from before the first one committed.
    monkeypatch.setattr(release, "load_ledger", lambda *_: early)
    with pytest.raises(TerminalError, match="released already"):
        land_release(lake, "clicks", parts[1:])
    assert land_release(lake, "clicks", parts[2:]).number == 4
