"""Erasure: the text of lines is gone from raw, their places stay, and all other lines are what they were."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from moved_parts import DAY, NINE, UNPLACED, erase, everything, named, raw, split_texts, tombstones
from position_lines import land_by_position

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TerminalError
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.ledger import checkpoint_path, load_ledger, read_manifests, refresh
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.moved import Erasure
from lakehouse.landing.read import line_text
from lakehouse.landing.redrive import land_redrive
from lakehouse.landing.retention import delete_expired, land_retention
from lakehouse.landing.state import Ledger
from lakehouse.landing.vacated import delete_vacated


def test_an_erased_line_is_a_mark_in_its_place_and_the_others_are_what_they_were(landed):
    before = load_ledger(landed, "clicks")
    path, told = before.parts[NINE][1].part.path, split_texts(landed, before)
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
    now = split_texts(landed, ledger)
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
    path, told = before.parts[NINE][1].part.path, split_texts(landed, before)
    manifest = erase(landed, {path: [1]})
    assert [(m.part == path, m.erased) for m in manifest.moves] == [(True, (1,)), (False, ()), (False, ())]
    delete_vacated(landed, load_ledger(landed, "clicks"))
    assert b"person-10" not in everything(landed)
    ledger = load_ledger(landed, "clicks")
    now = split_texts(landed, ledger)
    assert tombstones(now[path]) == [1]
    assert now[path][1:] == told[path][1:]
    assert {p: x for p, x in now.items() if p != path} == {p: x for p, x in told.items() if p != path}
    others = [p.part for p in ledger.parts[NINE] if p.part.path != path]
    assert [p.sha256 for p in others] == [p.part.sha256 for p in before.parts[NINE] if p.part.path != path]
    assert len({p.file for p in others}) == 1
    assert ledger.vacated == {before.parts[NINE][0].part.file}
    assert raw(landed) == named(ledger)
    again = land_compaction(landed, "clicks", DAY)
    assert len({m.stored for m in again.moves}) == 1
    assert split_texts(landed, load_ledger(landed, "clicks")) == now


def test_what_was_erased_before_is_not_erased_again(landed):
    path = load_ledger(landed, "clicks").parts[NINE][1].part.path
    erase(landed, {path: [2]})
    assert erase(landed, {path: [2]}) is None
    manifest = erase(landed, {path: [1, 2]})
    assert [m.erased for m in manifest.moves] == [(1,)]
    ledger = load_ledger(landed, "clicks")
    assert [(e.number, e.lines) for e in ledger.erasures[path]] == [(4, {2}), (5, {1})]
    assert (ledger.erasure_of(path, 1).number, ledger.erasure_of(path, 2).number, ledger.erasure_of(path, 3)) == (5, 4, None)
    assert tombstones(split_texts(landed, ledger)[path][:2]) == [1, 2]
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


def test_a_blank_line_holds_nothing_that_could_be_erased(lake, contract):
    path = land_by_position(lake, contract, [b"  ", b"broken"]).parts[0].path
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


def test_a_checkpoint_keeps_what_was_erased(landed, land):
    erase(landed, {load_ledger(landed, "clicks").parts[NINE][0].part.path: [1]})
    for _ in range(100):
        land(landed, [])
    assert landed.store.exists(checkpoint_path("clicks", 100))
    with_checkpoint = load_ledger(landed, "clicks")
    assert Ledger("clicks").after(list(read_manifests(landed, "clicks"))) == with_checkpoint
    assert msgspec.json.decode(msgspec.json.encode(with_checkpoint), type=Ledger) == with_checkpoint
