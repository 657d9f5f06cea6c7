"""Erasure: the text of lines is gone from raw, their places stay, and all other lines are what they were."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import ConflictError, ErasedMeanwhileError, TerminalError
from lakehouse.landing import erasure
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.erasure import land_erasure
from lakehouse.landing.ledger import checkpoint_path, load_ledger, read_manifests, refresh
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.moved import Erasure
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.read import line_text, read_line, read_part
from lakehouse.landing.redrive import land_redrive
from lakehouse.landing.retention import delete_expired, land_retention
from lakehouse.landing.state import Ledger
from lakehouse.landing.vacated import delete_vacated, vacated_files

DAY = dt.date(2026, 11, 18)
NINE, UNPLACED = "2026-11-18T09", "unplaced-2026-11-18"


@pytest.fixture
def landed(lake, land, line, at):
    """Three parts in an hour, of three lines each, and an unplaced line of each fetch, on a day that is over."""
    then = at(lake, dt.datetime(2026, 11, 18, 18, tzinfo=dt.UTC))
    for n in range(3):
        land(then, [line("2026-11-18T09:00:00Z", f"person-{n}{k}") for k in range(3)] + [b"broken by person-%d9" % n])
    return at(lake, dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC))


def erase(lake, lines, **more):
    return land_erasure(lake, "clicks", lines, who="ada", reason="request 1", **more)


def texts(lake, ledger: Ledger) -> dict[str, list[bytes]]:
    return {p.part.path: b"".join(read_part(lake, p.part)).splitlines() for parts in ledger.parts.values() for p in parts}


def raw(lake) -> set[str]:
    return {e.path for e in lake.store.entries("raw/clicks") if "/_fetches/" not in e.path}


def everything(lake) -> bytes:
    """All bytes of the lake, unpacked where they are packed."""
    found = b""
    for entry in lake.store.entries(""):
        data = lake.store.read(entry.path)
        while data and entry.path.endswith(".zst"):
            unpack = zstandard.ZstdDecompressor().decompressobj()
            found += unpack.decompress(data)
            data = unpack.unused_data
        found += data
    return found


def tombstones(lines: list[bytes]) -> list[int]:
    return [number for number, text in enumerate(lines, 1) if json.loads(text).keys() == {"_erased"}]


def test_an_erased_line_is_a_mark_in_its_place_and_the_others_are_what_they_were(landed):
    before = load_ledger(landed, "clicks")
    path, told = before.parts[NINE][1].part.path, texts(landed, before)
    manifest = erase(landed, {path: [1, 3]}, run_id="r1")
    assert (manifest.number, manifest.kind, manifest.purpose, manifest.run_id) == (4, "erasure", "erasure", "r1")
    assert (manifest.who, manifest.reason, manifest.parts, manifest.books) == ("ada", "request 1", (), FetchBooks())
    ledger = load_ledger(landed, "clicks")
    assert refresh(landed, before) == ledger
    assert ledger.erasures == {path: (Erasure(4, landed.now(), frozenset({1, 3})),)}
    assert (ledger.erased(path), ledger.erased("raw/other")) == ({1, 3}, frozenset())
    assert ledger.touched == before.touched | {DAY: 4}
    assert (ledger.books, ledger.coverage, ledger.sealed, ledger.superseded) == (before.books, before.coverage, before.sealed, before.superseded)
    new, old = ledger.parts[NINE][1], before.parts[NINE][1]
    assert (new.number, new.fetch_id, new.landed_at) == (old.number, old.fetch_id, old.landed_at)
    assert (new.part.path, new.part.lines, new.part.ids, new.part.offset) == (path, 3, old.part.ids, 0)
    assert new.part.stored == f"{path.removesuffix('.jsonl.zst')}.{manifest.fetch_id}.jsonl.zst"
    stored = landed.store.read(new.part.stored)
    assert (new.part.size, new.part.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())
    now = texts(landed, ledger)
    assert new.part.raw_bytes == sum(len(x) + 1 for x in now[path])
    assert now[path] == [(mark := b'{"_erased":"%s"}' % manifest.fetch_id.encode()), told[path][1], mark]
    assert {p: x for p, x in now.items() if p != path} == {p: x for p, x in told.items() if p != path}


def test_the_text_is_nowhere_on_disk_when_the_file_that_held_it_is_deleted(landed):
    path = load_ledger(landed, "clicks").parts[NINE][1].part.path
    erase(landed, {path: [2]})
    assert b"person-11" in everything(landed)
    (gone,) = delete_vacated(landed, load_ledger(landed, "clicks"))
    assert gone.path == path
    assert b"person-11" not in everything(landed)
    assert all(b"person-%d" % n in everything(landed) for n in (10, 12, 19))


def test_an_erased_line_is_known_and_does_not_come_back(landed, land, line):
    path = load_ledger(landed, "clicks").parts[NINE][1].part.path
    erase(landed, {path: [2]})
    delete_vacated(landed, load_ledger(landed, "clicks"))
    again = [line("2026-11-18T09:00:00Z", "person-11"), line("2026-11-18T09:00:00Z", "person-11", etag='"new/1"')]
    assert land(landed, again, purpose="weekly_sweep").books == FetchBooks(read=2, re_read=2)
    land_compaction(landed, "clicks", DAY)
    delete_vacated(landed, load_ledger(landed, "clicks"))
    assert land(landed, again).books == FetchBooks(read=2, re_read=2)


def test_of_a_container_the_erased_line_goes_and_its_neighbours_move_out(landed):
    land_compaction(landed, "clicks", DAY)
    delete_vacated(landed, load_ledger(landed, "clicks"))
    before = load_ledger(landed, "clicks")
    path, told = before.parts[NINE][1].part.path, texts(landed, before)
    manifest = erase(landed, {path: [1]})
    assert [(m.part == path, m.erased) for m in manifest.moves] == [(True, (1,)), (False, ()), (False, ())]
    delete_vacated(landed, load_ledger(landed, "clicks"))
    assert b"person-10" not in everything(landed)
    ledger = load_ledger(landed, "clicks")
    now = texts(landed, ledger)
    assert tombstones(now[path]) == [1]
    assert now[path][1:] == told[path][1:]
    assert {p: x for p, x in now.items() if p != path} == {p: x for p, x in told.items() if p != path}
    others = [p.part for p in ledger.parts[NINE] if p.part.path != path]
    assert [p.sha256 for p in others] == [p.part.sha256 for p in before.parts[NINE] if p.part.path != path]
    assert len({p.file for p in others}) == 1
    assert ledger.vacated == {before.parts[NINE][0].part.file}
    assert raw(landed) == {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}
    again = land_compaction(landed, "clicks", DAY)
    assert len({m.stored for m in again.moves}) == 1
    assert texts(landed, load_ledger(landed, "clicks")) == now


def test_what_was_erased_before_is_not_erased_again(landed):
    path = load_ledger(landed, "clicks").parts[NINE][1].part.path
    erase(landed, {path: [2]})
    assert erase(landed, {path: [2]}) is None
    manifest = erase(landed, {path: [1, 2]})
    assert [m.erased for m in manifest.moves] == [(1,)]
    ledger = load_ledger(landed, "clicks")
    assert [(e.number, e.lines) for e in ledger.erasures[path]] == [(4, {2}), (5, {1})]
    assert (ledger.erasure_of(path, 1).number, ledger.erasure_of(path, 2).number, ledger.erasure_of(path, 3)) == (5, 4, None)
    assert tombstones(texts(landed, ledger)[path][:2]) == [1, 2]
    delete_vacated(landed, ledger)
    assert not {f for f in raw(landed) if f.startswith(path.removesuffix(".jsonl.zst"))} - {
        ledger.parts[NINE][1].part.file,
        ledger.parts[NINE][1].part.ids,
    }


def test_a_line_that_was_erased_says_so_and_cannot_be_mended(landed, contract, line):
    before = load_ledger(landed, "clicks")
    ref = LineRef(before.parts[UNPLACED][0].part.path, 1)
    erase(landed, {ref.part: [1]})
    ledger = load_ledger(landed, "clicks")
    assert line_text(landed, ledger, ref) == (None, "erased on 2026-11-20 by manifest 4")
    with pytest.raises(TerminalError, match=r"Line 1 of .* cannot be mended any more: erased on 2026-11-20 by manifest 4"):
        land_redrive(landed, contract, [(ref, line())])
    assert load_ledger(landed, "clicks").last_number == 4


def test_a_redrive_under_way_is_refused_when_its_line_is_erased_meanwhile(landed, contract, line, monkeypatch):
    from lakehouse.landing import redrive

    early = load_ledger(landed, "clicks")
    ref = LineRef(early.parts[UNPLACED][0].part.path, 1)
    erase(landed, {ref.part: [1]})
    monkeypatch.setattr(redrive, "load_ledger", lambda *_: early)
    with pytest.raises(TerminalError, match="erased on"):
        land_redrive(landed, contract, [(ref, line())])


def test_superseded_and_mended_lines_can_be_erased(landed, contract, line):
    ref = LineRef(load_ledger(landed, "clicks").parts[UNPLACED][0].part.path, 1)
    mended = land_redrive(landed, contract, [(ref, line("2026-11-18T09:00:00Z", "person-09"))]).parts[0].path
    erase(landed, {ref.part: [1], mended: [1]})
    delete_vacated(landed, load_ledger(landed, "clicks"))
    assert b"person-09" not in everything(landed)
    ledger = load_ledger(landed, "clicks")
    assert (ledger.superseded[ref.part], ledger.erased(ref.part), ledger.erased(mended)) == ({1}, {1}, {1})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ({"raw/clicks/date=2026-11-18/hour=09/none.jsonl.zst": [1]}, "There is no part"),
        ({"PART": [4]}, "has 3 lines, so there is no line 4"),
        ({"PART": [0]}, "has 3 lines, so there is no line 0"),
    ],
)
def test_what_is_not_there_is_refused_and_nothing_is_written(landed, lines, message):
    path, before = load_ledger(landed, "clicks").parts[NINE][0].part.path, raw(landed)
    with pytest.raises(TerminalError, match=message):
        erase(landed, {path: [1]} | {path if p == "PART" else p: numbers for p, numbers in lines.items()})
    assert (load_ledger(landed, "clicks").last_number, raw(landed)) == (3, before)


def test_a_blank_line_holds_nothing_that_could_be_erased(lake, land):
    path = land(lake, [b"  ", b"broken"], by="position").parts[0].path
    before = raw(lake)
    with pytest.raises(TerminalError, match=r"Line 1 of .* is blank"):
        erase(lake, {path: [1, 2]})
    assert raw(lake) == before
    assert erase(lake, {path: [2]}).moves[0].ids == ""


def test_sealed_days_have_nothing_left_to_erase(landed, contract):
    path = load_ledger(landed, "clicks").parts[NINE][0].part.path
    erase(landed, {path: [1]})
    land_retention(landed, contract, [DAY])
    with pytest.raises(TerminalError, match=r"no text that could be erased: raw of 2026-11-18 has expired.*rows of the clean table.*tokens"):
        erase(landed, {path: [2]})
    delete_expired(landed, load_ledger(landed, "clicks"))
    assert all(file.endswith(".ids") for file in raw(landed))
    assert line_text(landed, load_ledger(landed, "clicks"), LineRef(path, 1))[1] == "erased on 2026-11-20 by manifest 4"
    assert "has expired" in line_text(landed, load_ledger(landed, "clicks"), LineRef(path, 2))[1]


def test_who_reads_by_an_older_ledger_is_told_that_the_part_says_something_else_now(landed):
    early = load_ledger(landed, "clicks")
    part = early.parts[NINE][0].part
    erase(landed, {part.path: [1]})
    delete_vacated(landed, load_ledger(landed, "clicks"))
    with pytest.raises(ErasedMeanwhileError, match="were erased while it was about to be read"):
        list(read_part(landed, part))
    assert tombstones([read_line(landed, LineRef(part.path, 1))]) == [1]


@pytest.mark.parametrize("faster", ["compaction", "erasure", "same lines", "fetch"])
def test_who_was_slower_does_it_again_on_what_is_there_now(landed, land, line, monkeypatch, faster):
    """The ledger that the erasure begins with is older than what the other process has done, and deleted."""
    early = load_ledger(landed, "clicks")
    path, told = early.parts[NINE][0].part.path, texts(landed, early)
    if faster == "fetch":
        land(landed, [line("2026-11-18T09:00:00Z", "another")])
    elif faster == "compaction":
        land_compaction(landed, "clicks", DAY)
    else:
        erase(landed, {path: [2] if faster == "erasure" else [1]})
    delete_vacated(landed, load_ledger(landed, "clicks"))
    monkeypatch.setattr(erasure, "load_ledger", lambda *_: early)
    manifest = erase(landed, {path: [1]})
    assert (manifest is None) is (faster == "same lines")
    monkeypatch.undo()
    ledger = load_ledger(landed, "clicks")
    delete_vacated(landed, ledger)
    now = texts(landed, ledger)
    assert ledger.erased(path) == ({1, 2} if faster == "erasure" else {1})
    assert now[path][2] == told[path][2]
    assert raw(landed) == {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}


def test_what_is_moved_between_writing_and_the_manifest_is_done_again(landed, monkeypatch):
    path = load_ledger(landed, "clicks").parts[NINE][0].part.path
    sync, times = erasure.Rewritten.sync, []

    def slowly(self):
        sync(self)
        times.append(1)
        if len(times) == 1:
            land_compaction(landed, "clicks", DAY)
            delete_vacated(landed, load_ledger(landed, "clicks"))

    monkeypatch.setattr(erasure.Rewritten, "sync", slowly)
    assert erase(landed, {path: [1]}).number == 5
    ledger = load_ledger(landed, "clicks")
    delete_vacated(landed, ledger)
    assert raw(landed) == {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}
    assert b"person-00" not in everything(landed)


def test_who_is_always_slower_gives_up_and_leaves_nothing(landed, monkeypatch):
    ledger = load_ledger(landed, "clicks")
    mine, other = ledger.parts[NINE][0].part.path, iter([(p.part.path, n) for p in ledger.parts[NINE][1:] for n in (1, 2, 3)])
    land_compaction(landed, "clicks", DAY)
    sync = erasure.Rewritten.sync
    depth: list[int] = []

    def slowly(self):
        sync(self)
        if not depth:
            depth.append(1)
            path, number = next(other)
            erase(landed, {path: [number]})
            land_compaction(landed, "clicks", DAY)
            depth.clear()

    monkeypatch.setattr(erasure.Rewritten, "sync", slowly)
    with pytest.raises(ConflictError, match="5 times"):
        erase(landed, {mine: [1]})
    monkeypatch.undo()
    ledger = load_ledger(landed, "clicks")
    delete_vacated(landed, ledger)
    assert ledger.erased(mine) == frozenset()
    assert raw(landed) == {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}


def test_successors_are_no_orphans_and_what_was_left_is(landed):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    erase(landed, {load_ledger(landed, "clicks").parts[NINE][0].part.path: [1]})
    ledger = load_ledger(landed, "clicks")
    assert raw_orphans(landed, "clicks", now=later) == vacated_files(landed, ledger) != []
    delete_vacated(landed, ledger)
    assert raw_orphans(landed, "clicks", now=later) == []


def test_a_checkpoint_keeps_what_was_erased(landed, land):
    erase(landed, {load_ledger(landed, "clicks").parts[NINE][0].part.path: [1]})
    for _ in range(100):
        land(landed, [])
    assert landed.store.exists(checkpoint_path("clicks", 100))
    with_checkpoint = load_ledger(landed, "clicks")
    assert Ledger("clicks").after(list(read_manifests(landed, "clicks"))) == with_checkpoint
    assert msgspec.json.decode(msgspec.json.encode(with_checkpoint), type=Ledger) == with_checkpoint


steps = st.lists(st.one_of(st.just("compact"), st.just("land"), st.sets(st.tuples(st.integers(0, 5), st.integers(1, 3)), min_size=1)), max_size=6)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])  # the fixtures are constants
@given(told=steps)
def test_whatever_is_compacted_and_erased_in_whatever_order_the_other_lines_stay_what_they_were(tmp_path_factory, contract, now, told):
    from lakehouse.landing.write import land_fetch
    from lakehouse.settings import DatasetSettings, LakeSettings, open_lake

    lake = open_lake(tmp_path_factory.mktemp("any") / "lake").with_settings(
        LakeSettings(clock=now, datasets={"clicks": DatasetSettings(start=dt.date(2026, 6, 1))})
    )
    count = 0

    def fetch():
        nonlocal count
        lines = [b'{"id":{"time":"2026-11-18T09:%02d:00Z"},"n":"%d-%d"}' % (count, count, k) for k in range(3)]
        count += 1
        land_fetch(
            lake, contract, source="tests", application="web", purpose="new", window=None, covered=None, batches=[lines], http=dict,
            started_at=now,
        )  # fmt: skip

    fetch()
    fetch()
    expected: dict[str, list[bytes]] = texts(lake, load_ledger(lake, "clicks"))
    gone: set[tuple[str, int]] = set()
    for step in told:
        if step == "land":
            fetch()
        elif step == "compact":
            land_compaction(lake, "clicks", DAY)
        else:
            parts = [p.part.path for p in load_ledger(lake, "clicks").parts[NINE]]
            refs = {(parts[p], n) for p, n in step if p < len(parts)}
            if refs:
                erase(lake, {path: [n for p, n in refs if p == path] for path, _ in refs})
            gone |= refs
        ledger = load_ledger(lake, "clicks")
        delete_vacated(lake, ledger)
        there = texts(lake, ledger)
        expected |= {path: lines for path, lines in there.items() if path not in expected}
        assert {(path, n) for path, lines in there.items() for n in tombstones(lines)} == gone
        assert {path: ledger.erased(path) for path in there} == {path: {n for p, n in gone if p == path} for path in there}
        for path, lines in there.items():
            assert [x for n, x in enumerate(lines, 1) if (path, n) not in gone] == [
                x for n, x in enumerate(expected[path], 1) if (path, n) not in gone
            ]
        assert raw(lake) == {file for parts in ledger.parts.values() for p in parts for file in (p.part.file, p.part.ids)}
    before = load_ledger(lake, "clicks").books
    again = [x for path, lines in expected.items() for x in lines]
    window = {"source": "tests", "application": "web", "purpose": "new", "window": None, "covered": None, "http": dict, "started_at": now}
    assert land_fetch(lake, contract, batches=[again], **window).books == FetchBooks(len(again), len(again))
    assert Ledger("clicks").after(list(read_manifests(lake, "clicks"))).books == before + FetchBooks(len(again), len(again))
