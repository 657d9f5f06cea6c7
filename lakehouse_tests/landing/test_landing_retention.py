"""Sealed days: their raw is gone, what landed is known, and nothing lands on them any more."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from position_lines import land_by_position

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import ConflictError, TerminalError, TransientError
from lakehouse.landing.ledger import checkpoint_path, load_ledger, read_manifests, refresh
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.read import line_text, read_line
from lakehouse.landing.redrive import land_redrive
from lakehouse.landing.retention import delete_expired, expired_files, land_retention
from lakehouse.landing.state import Ledger, Seal

OLD = dt.date(2026, 11, 10)
OTHER = dt.date(2026, 11, 12)
TODAY = "unplaced-2026-11-20"


@pytest.fixture
def landed(lake, land, line, at):
    """Two lines in one hour of an old day and one in another, an unplaced line that landed on that day, a line of another day."""
    then = at(lake, dt.datetime(2026, 11, 10, 18, tzinfo=dt.UTC))
    land(then, [line("2026-11-10T09:00:00Z", 1), line("2026-11-10T09:30:00Z", 2), line("2026-11-10T11:00:00Z", 3), b"broken"])
    lake = at(lake, dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC))
    land(lake, [line("2026-11-12T09:00:00Z", 4)])
    return lake


@pytest.fixture
def sealed(landed, contract):
    land_retention(landed, contract, [OLD])
    delete_expired(landed, load_ledger(landed, "clicks"))
    return landed


def stored(lake) -> list[str]:
    return sorted(e.path.removeprefix("raw/clicks/").rsplit("/", 1)[0] + "/" + e.path.rsplit(".", 1)[1] for e in lake.store.entries("raw/clicks"))


def test_a_retention_manifest_says_which_days_are_sealed_and_touches_none(landed, contract):
    before = load_ledger(landed, "clicks")
    manifest = land_retention(landed, contract, [OTHER, OLD], "r1")
    assert (manifest.number, manifest.kind, manifest.purpose, manifest.sealed, manifest.run_id) == (3, "retention", "retention", (OLD, OTHER), "r1")
    assert manifest.books == FetchBooks()
    ledger = load_ledger(landed, "clicks")
    assert ledger.sealed == dict.fromkeys((OLD, OTHER), Seal(3, landed.now()))
    assert (ledger.parts, ledger.touched, ledger.coverage, ledger.books) == (before.parts, before.touched, before.coverage, before.books)
    assert refresh(landed, before) == ledger


def test_a_checkpoint_keeps_what_is_sealed(sealed, land):
    for _ in range(100):
        land(sealed, [])
    assert sealed.store.exists(checkpoint_path("clicks", 100))
    with_checkpoint = load_ledger(sealed, "clicks")
    assert with_checkpoint.sealed == {OLD: Seal(3, sealed.now())}
    assert Ledger("clicks").after(list(read_manifests(sealed, "clicks"))) == with_checkpoint
    assert msgspec.json.decode(msgspec.json.encode(with_checkpoint), type=Ledger) == with_checkpoint


def test_the_parts_of_a_sealed_day_go_and_its_identities_stay(landed, contract):
    whole = {e.path: e.size for e in landed.store.entries("raw/clicks")}
    land_retention(landed, contract, [OLD])
    assert {e.path for e in landed.store.entries("raw/clicks")} > set(whole)
    gone = delete_expired(landed, load_ledger(landed, "clicks"))
    assert len(gone) == 3
    assert [e.size for e in gone] == [whole[e.path] for e in gone]
    assert stored(landed) == [
        "_fetches/json", "_fetches/json", "_fetches/json", "date=2026-11-10/hour=09/ids", "date=2026-11-10/hour=11/ids",
        "date=2026-11-12/hour=09/ids", "date=2026-11-12/hour=09/zst", "unplaced/landed=2026-11-10/ids",
    ]  # fmt: skip
    assert delete_expired(landed, load_ledger(landed, "clicks")) == []


def test_nothing_is_deleted_where_nothing_is_sealed(landed):
    ledger = load_ledger(landed, "clicks")
    assert delete_expired(landed, ledger) == []
    assert len(expired_files(landed, ledger, [OLD])) == 3
    assert len(stored(landed)) == 10


def test_a_sweep_over_a_sealed_day_lands_nothing_again(sealed, land, line):
    again = [line("2026-11-10T09:00:00Z", 1, etag='"b/2"'), line("2026-11-10T09:30:00Z", 2), line("2026-11-10T11:00:00Z", 3), b"broken"]
    manifest = land(sealed, again, purpose="weekly_sweep")
    assert manifest.books == FetchBooks(read=4, re_read=4)
    assert manifest.parts == ()


def test_a_late_line_of_a_sealed_day_lands_unplaced_once(sealed, land, line, text):
    late = [line("2026-11-10T09:00:00Z", 7), line("2026-11-10T23:00:00Z", 8)]
    manifest = land(sealed, [late[0], line("2026-11-10T09:30:00Z", 2), *late, line("2026-11-12T09:00:00Z", 9)])
    assert manifest.books == FetchBooks(read=5, re_read=2, placed=1, unplaced=2)
    assert [p.grain for p in manifest.parts] == ["2026-11-12T09", TODAY]
    (unplaced,) = (p for p in manifest.parts if p.grain == TODAY)
    assert text(sealed, unplaced.path) == b"".join(x + b"\n" for x in late)
    assert (unplaced.min_time, unplaced.max_time) == (None, None)
    assert land(sealed, late).books == FetchBooks(read=2, re_read=2)
    assert load_ledger(sealed, "clicks").touched[OLD] == 1


def test_by_position_every_line_of_a_sealed_day_lands_unplaced(sealed, contract, line):
    manifest = land_by_position(sealed, contract, [line("2026-11-10T09:30:00Z", 2), line("2026-11-10T09:30:00Z", 2)])
    assert manifest.books == FetchBooks(read=2, unplaced=2)


def test_a_line_on_the_edge_of_a_window_of_a_sealed_day_finds_its_place_too(sealed, land, line, hours):
    edge = [line("2026-11-10T09:00:00Z", 1), line("2026-11-10T10:00:00Z", 5)]
    assert land(sealed, edge, window=hours(9, day=OLD)).books == FetchBooks(read=2, re_read=1, unplaced=1)


def test_a_fetch_under_way_does_not_land_on_a_day_that_was_sealed_meanwhile(landed, land, line, contract):
    early = load_ledger(landed, "clicks")
    land_retention(landed, contract, [OLD])
    with pytest.raises(TransientError, match=r"raw of 2026-11-10 has expired \(sealed on 2026-11-20 13:00 UTC by manifest 3\).*Fetch them again"):
        land(landed, [line("2026-11-10T09:00:00Z", 7)], ledger=early)
    assert load_ledger(landed, "clicks").last_number == 3
    assert land(landed, [line("2026-11-10T09:00:00Z", 7)]).books == FetchBooks(read=1, unplaced=1)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ([], "nothing to seal"),
        ([OLD, dt.date(2026, 11, 11)], "Nothing landed on 2026-11-11"),
        ([dt.date(2026, 11, 20)], "is not over by the lake's clock"),
    ],
)
def test_what_cannot_expire_is_refused(landed, land, line, contract, days, message):
    land(landed, [line("2026-11-20T09:00:00Z")])
    with pytest.raises(TerminalError, match=message):
        land_retention(landed, contract, days)
    assert load_ledger(landed, "clicks").sealed == {}


def test_of_two_that_seal_at_once_one_is_refused_and_so_is_who_did_not_see_the_last_line(landed, land, line, contract):
    judged = load_ledger(landed, "clicks")
    land(landed, [line("2026-11-12T09:00:00Z", 9)])
    with pytest.raises(ConflictError, match="landed on clicks 2026-11-12"):
        land_retention(landed, contract, [OLD, OTHER], ledger=judged)
    land_retention(landed, contract, [OLD], ledger=judged)  # nothing landed on this one
    with pytest.raises(ConflictError, match=r"has expired .* already"):
        land_retention(landed, contract, [OLD], ledger=judged)
    assert set(load_ledger(landed, "clicks").sealed) == {OLD}


def test_a_line_of_a_sealed_day_cannot_be_mended(sealed, line, contract):
    ledger = load_ledger(sealed, "clicks")
    for key in ("2026-11-10T09", "unplaced-2026-11-10"):
        (part,) = ledger.parts[key]
        with pytest.raises(TerminalError, match="cannot be mended any more: raw of 2026-11-10 has expired"):
            land_redrive(sealed, contract, [(LineRef(part.part.path, 1), line())])
    assert load_ledger(sealed, "clicks").last_number == 3


def test_a_mended_line_that_turns_out_to_be_of_a_sealed_day_lands_unplaced(sealed, land, line, contract):
    part = land(sealed, [b"broken as well"]).parts[0]
    manifest = land_redrive(sealed, contract, [(LineRef(part.path, 1), line("2026-11-10T09:00:00Z", 7))])
    assert manifest.books == FetchBooks(read=1, unplaced=1)
    assert [(p.grain, p.min_time) for p in manifest.parts] == [(TODAY, None)]


def test_reading_what_has_expired_says_so(sealed, line):
    ledger = load_ledger(sealed, "clicks")
    ref = LineRef(ledger.parts["2026-11-10T09"][0].part.path, 1)
    with pytest.raises(TerminalError, match=r"cannot be read: raw of 2026-11-10 has expired \(sealed on 2026-11-20"):
        read_line(sealed, ref)
    assert line_text(sealed, ledger, ref) == (None, "raw of 2026-11-10 has expired (sealed on 2026-11-20 13:00 UTC by manifest 3)")
    kept = LineRef(ledger.parts["2026-11-12T09"][0].part.path, 1)
    assert line_text(sealed, ledger, kept) == (line("2026-11-12T09:00:00Z", 4).decode(), None)
    sealed.store.delete(kept.part)
    with pytest.raises(TerminalError, match=r"is missing, expected a raw part\. Restore"):
        read_line(sealed, kept)


def test_parts_that_a_crash_left_of_a_sealed_day_are_orphans_and_identities_are_not(landed, contract):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    assert raw_orphans(landed, "clicks", now=later) == []
    land_retention(landed, contract, [OLD])
    ledger = load_ledger(landed, "clicks")
    assert raw_orphans(landed, "clicks", now=later) == expired_files(landed, ledger)
    delete_expired(landed, ledger)
    assert raw_orphans(landed, "clicks", now=later) == []
