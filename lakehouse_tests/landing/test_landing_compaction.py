"""Compaction: the parts of a grain in one file. Nothing that is said of them changes, only where their bytes are."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib

import msgspec
import pytest
import zstandard

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TerminalError
from lakehouse.landing import compaction
from lakehouse.landing.compaction import containers, land_compaction
from lakehouse.landing.identity import read_ids
from lakehouse.landing.ledger import checkpoint_path, load_ledger, read_manifests, refresh
from lakehouse.landing.manifest import LineRef, Move
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.read import read_line, read_lines, read_part
from lakehouse.landing.release import land_release
from lakehouse.landing.retention import delete_expired, expired_files, land_retention
from lakehouse.landing.state import Ledger
from lakehouse.landing.vacated import delete_vacated, vacated_files

DAY = dt.date(2026, 11, 18)
NINE, TEN, UNPLACED = "2026-11-18T09", "2026-11-18T10", "unplaced-2026-11-18"
LATER = dt.timedelta(days=2)


@pytest.fixture
def small(lake, land, line, at):
    """A day that is over: three parts in each of two hours, two unplaced ones, one in an hour of its own."""
    then = at(lake, dt.datetime(2026, 11, 18, 18, tzinfo=dt.UTC))
    for n in range(3):
        extra = [b"broken %d" % n] if n else [line("2026-11-18T12:00:00Z", 99)]
        land(then, [line("2026-11-18T09:00:00Z", 10 + n), line("2026-11-18T09:30:00Z", 20 + n), line("2026-11-18T10:00:00Z", 30 + n), *extra])
    return at(lake, dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC))


@pytest.fixture
def compacted(small):
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    return small


def texts(lake, ledger: Ledger) -> dict[str, bytes]:
    return {p.part.path: b"".join(read_part(lake, p.part)) for parts in ledger.parts.values() for p in parts}


def raw(lake) -> set[str]:
    return {e.path for e in lake.store.entries("raw/clicks") if "/_fetches/" not in e.path}


def test_a_compaction_moves_bytes_and_changes_nothing_else(small):
    before = load_ledger(small, "clicks")
    told = texts(small, before)
    manifest = land_compaction(small, "clicks", DAY, run_id="r1")
    assert (manifest.number, manifest.kind, manifest.purpose, manifest.run_id) == (4, "compaction", "compaction", "r1")
    assert (manifest.source, manifest.parts, manifest.books, manifest.covered, manifest.who) == ("", (), FetchBooks(), None, None)
    ledger = load_ledger(small, "clicks")
    assert refresh(small, before) == ledger
    for field in ("books", "coverage", "touched", "superseded", "released", "sealed", "erasures", "lateness_by_application"):
        assert getattr(ledger, field) == getattr(before, field)
    assert (ledger.moved_by, ledger.vacated) == ({DAY: (4,)}, frozenset())
    assert texts(small, ledger) == told
    for key, parts in before.parts.items():
        for old, new in zip(parts, ledger.parts[key], strict=True):
            same = {"stored": "", "offset": 0, "ids": ""}
            assert msgspec.structs.replace(new.part, **same) == msgspec.structs.replace(old.part, **same)
            assert msgspec.structs.replace(new, part=old.part) == old
            stored = small.store.read(new.part.file)[new.part.offset : new.part.offset + new.part.size]
            assert hashlib.sha256(stored).hexdigest() == old.part.sha256
    assert {key: len({p.part.file for p in parts}) for key, parts in ledger.parts.items()} == {
        NINE: 1, TEN: 1, "2026-11-18T12": 1, UNPLACED: 1,
    }  # fmt: skip
    assert [p.part.stored for p in ledger.parts["2026-11-18T12"]] == [""]
    assert [m.offset for m in manifest.moves[:3]] == [0, manifest.moves[0].size, manifest.moves[0].size + manifest.moves[1].size]


def test_the_files_that_were_left_are_deleted_and_only_those(small):
    before = raw(small)
    land_compaction(small, "clicks", DAY)
    ledger = load_ledger(small, "clicks")
    named = {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}
    assert raw(small) == before | named
    gone = delete_vacated(small, ledger)
    assert {e.path for e in gone} == before - named
    assert len(gone) == 2 * (3 + 3 + 2)
    assert raw(small) == named
    assert delete_vacated(small, ledger) == []
    assert land_compaction(small, "clicks", DAY) is None


def test_a_path_alone_finds_its_bytes_wherever_they_are(compacted):
    ledger = load_ledger(compacted, "clicks")
    for parts in ledger.parts.values():
        for p in parts:
            whole = b"".join(read_part(compacted, p.part)).splitlines()
            assert list(read_lines(compacted, p.part.path, range(1, p.part.lines + 1))) == list(enumerate(whole, 1))
            assert read_line(compacted, LineRef(p.part.path, p.part.lines)) == whole[-1]
    with pytest.raises(TerminalError, match="has 2 lines, so there is no line 3"):
        read_line(compacted, LineRef(ledger.parts[NINE][0].part.path, 3))


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


def test_identities_are_merged_and_read_once(small, monkeypatch):
    before = load_ledger(small, "clicks")
    known = {key: len(read_ids(small.store, [p.part.ids for p in parts])) for key, parts in before.parts.items()}
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    ledger = load_ledger(small, "clicks")
    read: list[str] = []
    store = type(small.store)
    real = store.read
    monkeypatch.setattr(store, "read", lambda self, path: (read.append(path), real(self, path))[1])
    for key, parts in ledger.parts.items():
        assert len(read_ids(small.store, [p.part.ids for p in parts])) == known[key]
    assert len(read) == len(set(read)) == 4


def test_identities_that_several_files_hold_are_kept_once(lake, land, line, at):
    then = at(lake, dt.datetime(2026, 11, 18, 18, tzinfo=dt.UTC))
    empty = load_ledger(then, "clicks")
    for _ in range(2):  # of two fetches that did not see each other
        land(then, [line("2026-11-18T09:00:00Z", 1), line("2026-11-18T09:00:00Z", 2)], ledger=empty)
    now = at(lake, dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    (move, _) = land_compaction(now, "clicks", DAY).moves
    data = now.store.read(move.ids)
    assert [data[:16], data[16:]] == sorted([data[:16], data[16:]])
    assert len(data) == 32


def test_what_landed_is_known_after_a_compaction_and_what_is_new_lands(compacted, land, line):
    again = [line("2026-11-18T09:00:00Z", 10, etag='"b/2"'), line("2026-11-18T10:00:00Z", 32), b"broken 1"]
    assert land(compacted, again).books == FetchBooks(read=3, re_read=3)
    assert land(compacted, [*again, line("2026-11-18T09:00:00Z", 77)]).books == FetchBooks(read=4, re_read=3, placed=1)


def test_a_fetch_under_way_finds_the_identities_that_were_put_together_meanwhile(small, land, line):
    early = load_ledger(small, "clicks")
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    lines = [line("2026-11-18T09:00:00Z", 10), line("2026-11-18T10:00:00Z", 30), line("2026-11-18T09:00:00Z", 78), b"broken 2"]
    assert land(small, lines, ledger=early).books == FetchBooks(read=4, re_read=3, placed=1)


def test_a_second_compaction_takes_the_first_ones_file_and_what_came_since(compacted, land, line):
    land(compacted, [line("2026-11-18T09:00:00Z", 77)])
    before = load_ledger(compacted, "clicks")
    told = texts(compacted, before)
    manifest = land_compaction(compacted, "clicks", DAY)
    assert {m.part.split("/hour=")[1][:2] for m in manifest.moves} == {"09"}
    ledger = load_ledger(compacted, "clicks")
    first = {before.parts[NINE][0].part.file, before.parts[NINE][0].part.ids}
    assert ledger.vacated == first
    delete_vacated(compacted, ledger, [DAY])
    assert not any(compacted.store.exists(file) for file in first)
    assert texts(compacted, ledger) == told
    assert vacated_files(compacted, ledger) == []


def test_parts_released_and_superseded_keep_their_names(compacted, small):
    path = load_ledger(compacted, "clicks").parts[NINE][1].part.path
    land_release(compacted, "clicks", [path])
    assert load_ledger(compacted, "clicks").released == {path: 5}


def test_a_checkpoint_keeps_where_the_bytes_are(compacted, land):
    for _ in range(100):
        land(compacted, [])
    assert compacted.store.exists(checkpoint_path("clicks", 100))
    with_checkpoint = load_ledger(compacted, "clicks")
    assert Ledger("clicks").after(list(read_manifests(compacted, "clicks"))) == with_checkpoint
    assert msgspec.json.decode(msgspec.json.encode(with_checkpoint), type=Ledger) == with_checkpoint
    assert len(b"".join(texts(compacted, with_checkpoint).values()).splitlines()) == 12


@pytest.mark.parametrize(("files", "grains"), [(2, {NINE, TEN, UNPLACED}), (3, {NINE, TEN}), (4, set())])
def test_grains_with_few_files_are_left_alone(small, files, grains):
    assert {c.grain.key for c in containers(load_ledger(small, "clicks"), DAY, files)} == grains


def test_compressions_are_not_mixed_and_plain_files_stay(small):
    """Parts of other compressions, as another writer may land them: a manifest whose parts they are is made by hand."""
    ledger = load_ledger(small, "clicks")
    landed = ledger.parts[NINE]
    made = []
    for number, (suffix, pack) in enumerate([(".gz", gzip.compress), ("", bytes), (".gz", gzip.compress), ("", bytes)]):
        data = pack(b'{"n":%d}\n' % number)
        path = f"{landed[0].part.path.removesuffix('.jsonl.zst')}-{number}.jsonl{suffix}"
        small.store.create(path, data)
        made.append(msgspec.structs.replace(landed[0].part, path=path, ids="", lines=1, size=len(data), sha256=hashlib.sha256(data).hexdigest()))
    (manifest,) = read_manifests(small, "clicks", after=2)
    small.store.create(
        "raw/clicks/_fetches/00000004.json",
        msgspec.json.encode(msgspec.structs.replace(manifest, number=4, fetch_id="other", parts=tuple(made))),
    )
    told = texts(small, load_ledger(small, "clicks"))
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    ledger = load_ledger(small, "clicks")
    assert texts(small, ledger) == told
    files = [p.part.file.rpartition(".jsonl")[2] for p in ledger.parts[NINE]]
    assert files == [".zst"] * 3 + [".gz", "", ".gz", ""]
    assert len({p.part.file for p in ledger.parts[NINE]}) == 1 + 1 + 2


def test_a_grain_that_is_too_large_for_one_file_becomes_several(small, monkeypatch):
    ledger = load_ledger(small, "clicks")
    monkeypatch.setattr(compaction, "CONTAINER_BYTES", sum(p.part.size for p in ledger.parts[NINE][:2]))
    told = texts(small, ledger)
    land_compaction(small, "clicks", DAY)
    ledger = load_ledger(small, "clicks")
    assert len({p.part.file for p in ledger.parts[NINE]}) == 2
    assert ledger.parts[NINE][2].part.stored == "", "a container of one file would be the same file"
    assert texts(small, ledger) == told


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
    later = dt.datetime.now(dt.UTC) + LATER
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
    assert raw(small) == {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}


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


def test_moves_are_written_as_they_are_read():
    move = Move("raw/x/a.jsonl.zst", "raw/x/b.jsonl.zst", 7, 8, "ab", 9, "raw/x/b.ids", (1, 3))
    assert msgspec.json.decode(msgspec.json.encode(move), type=Move) == move
