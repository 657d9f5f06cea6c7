"""Compaction: the parts of a grain in one file. Nothing that is said of them changes, only where their bytes are."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib

import msgspec
import pytest
from moved_parts import DAY, NINE, TEN, UNPLACED, named, raw, texts

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import TerminalError
from lakehouse.landing import compaction
from lakehouse.landing.compaction import containers, land_compaction
from lakehouse.landing.identity import read_ids
from lakehouse.landing.ledger import checkpoint_path, load_ledger, read_manifests, refresh
from lakehouse.landing.manifest import LineRef, Move
from lakehouse.landing.read import read_line, read_lines, read_part
from lakehouse.landing.release import land_release
from lakehouse.landing.state import Ledger
from lakehouse.landing.vacated import delete_vacated, vacated_files


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
    assert raw(small) == before | named(ledger)
    gone = delete_vacated(small, ledger)
    assert {e.path for e in gone} == before - named(ledger)
    assert len(gone) == 2 * (3 + 3 + 2)
    assert raw(small) == named(ledger)
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


def identities(lake, parts) -> list[bytes]:
    """What the identity files of parts hold, sorted; what two of them hold comes once."""
    held = [lake.store.read(path) for path in dict.fromkeys(p.part.ids for p in parts)]
    return sorted({data[at : at + 16] for data in held for at in range(0, len(data), 16)})


def test_identities_are_merged_and_read_once(small, monkeypatch):
    before = load_ledger(small, "clicks")
    known = {key: identities(small, parts) for key, parts in before.parts.items()}
    land_compaction(small, "clicks", DAY)
    delete_vacated(small, load_ledger(small, "clicks"))
    ledger = load_ledger(small, "clicks")
    assert {key: identities(small, parts) for key, parts in ledger.parts.items()} == known
    read: list[str] = []
    store = type(small.store)
    real = store.read
    monkeypatch.setattr(store, "read", lambda self, path: (read.append(path), real(self, path))[1])
    for key, parts in ledger.parts.items():
        assert all(read_ids(small.store, [p.part.ids for p in parts]).contains(known[key]))
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


def test_moves_are_written_as_they_are_read():
    move = Move("raw/x/a.jsonl.zst", "raw/x/b.jsonl.zst", 7, 8, "ab", 9, "raw/x/b.ids", (1, 3))
    assert msgspec.json.decode(msgspec.json.encode(move), type=Move) == move
