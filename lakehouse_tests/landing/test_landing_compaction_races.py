"""Compactions beside other processes: two at once, sealed days, damaged parts, and what a killed one leaves."""

from __future__ import annotations

import datetime as dt

import pytest
import zstandard
from moved_parts import DAY, NINE, named, raw, texts

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TerminalError
from lakehouse.landing.compaction import containers, land_compaction
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.read import read_part
from lakehouse.landing.retention import delete_expired, expired_files, land_retention
from lakehouse.landing.vacated import delete_vacated, vacated_files


def test_who_opened_an_older_ledger_reads_on(small):
    old = load_ledger(small, "clicks")
    told = texts(small, old)
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    assert texts(small, old) == told


def test_a_reader_that_is_at_it_reads_its_file_to_the_end(small):
    part = load_ledger(small, "clicks").parts[NINE][0].part
    whole = b"".join(read_part(small, part))
    blocks = read_part(small, part, block_bytes=10)
    first = next(blocks)
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    assert first + b"".join(blocks) == whole


def test_a_fetch_under_way_finds_the_identities_that_were_put_together_meanwhile(small, land, line):
    early = load_ledger(small, "clicks")
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    lines = [line("2026-11-18T09:00:00Z", 10), line("2026-11-18T10:00:00Z", 30), line("2026-11-18T09:00:00Z", 78), b"broken 2"]
    assert land(small, lines, ledger=early).books == FetchBooks(read=4, re_read=3, placed=1)


def test_sealed_days_are_not_compacted_and_their_containers_go(compacted, contract):
    files = {p.part.file for parts in load_ledger(compacted, "clicks").parts.values() for p in parts}
    land_retention(compacted, contract, [DAY])
    ledger = load_ledger(compacted, "clicks")
    assert containers(ledger, DAY) == []
    assert land_compaction(compacted, "clicks", DAY) is None
    assert {e.path for e in delete_expired(compacted, ledger)} == files
    assert all(path.endswith(".ids") for path in raw(compacted))
    with pytest.raises(TerminalError, match="raw of 2026-11-18 has expired"):
        list(read_part(compacted, ledger.parts[NINE][0].part))


def test_what_a_killed_compaction_left_goes_with_its_sealed_day(small, contract):
    land_compaction(small, "clicks", DAY)
    land_retention(small, contract, [DAY])
    ledger = load_ledger(small, "clicks")
    left = {e.path for e in expired_files(small, ledger)}
    delete_expired(small, ledger)
    assert raw(small) == {p.part.ids for parts in ledger.parts.values() for p in parts}
    assert left


def test_containers_are_no_orphans_and_what_was_left_is(small):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    assert raw_orphans(small, "clicks", now=later) == []
    land_compaction(small, "clicks", DAY)
    ledger = load_ledger(small, "clicks")
    assert raw_orphans(small, "clicks", now=later) == vacated_files(small, ledger)
    delete_vacated(small, ledger)
    assert raw_orphans(small, "clicks", now=later) == []


def test_of_two_compactions_at_once_one_does_it_and_nothing_is_left_of_the_other(small):
    early = load_ledger(small, "clicks")
    assert land_compaction(small, "clicks", DAY, ledger=early) is not None
    assert land_compaction(small, "clicks", DAY, ledger=early) is None
    delete_vacated(small, load_ledger(small, "clicks"))
    assert land_compaction(small, "clicks", DAY, ledger=early) is None, "the files of the older ledger are gone by now"
    ledger = load_ledger(small, "clicks")
    assert (ledger.last_number, ledger.moved_by) == (4, {DAY: (4,)})
    assert raw(small) == named(ledger)


def test_a_compaction_of_a_day_that_is_sealed_meanwhile_leaves_nothing(small, contract):
    early = load_ledger(small, "clicks")
    before = raw(small)
    land_retention(small, contract, [DAY])
    assert land_compaction(small, "clicks", DAY, ledger=early) is None
    assert raw(small) == before


@pytest.mark.parametrize("damage", ["torn", "other", "gone"])
def test_a_damaged_or_missing_part_stops_it_and_nothing_moves(small, damage):
    part = load_ledger(small, "clicks").parts[NINE][1].part
    before = raw(small)
    data = small.store.read(part.path)
    if damage == "gone":
        small.store.delete(part.path)
    else:
        small.store.replace(part.path, data[:-3] if damage == "torn" else zstandard.compress(b'{"n":"another"}\n'))
    message = "is missing, expected a raw part" if damage == "gone" else "is damaged: what it holds"
    with pytest.raises(TerminalError, match=message):
        land_compaction(small, "clicks", DAY)
    assert load_ledger(small, "clicks").last_number == 3
    assert raw(small) | {part.path} == before


@pytest.mark.parametrize("cut", [1, 10_000])
def test_a_container_that_is_cut_short_is_told_by_name(compacted, cut):
    part = load_ledger(compacted, "clicks").parts[NINE][2].part
    compacted.store.replace(part.file, compacted.store.read(part.file)[: max(0, part.offset + part.size - cut)])
    with pytest.raises(TerminalError, match=r"-compaction-.*jsonl\.zst is damaged or cut short: it has \d+ bytes, expected"):
        list(read_part(compacted, part))
