"""Erasures beside other processes, and in any order with them: who was slower does it again on what is there now."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moved_parts import DAY, NINE, UNPLACED, erase, everything, named, raw, split_texts, tombstones

from lakehouse.accounts.books import FetchBooks
from lakehouse.errors import ConflictError, ErasedMeanwhileError, TerminalError
from lakehouse.landing import erasure
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.ledger import load_ledger, read_manifests
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.orphans import raw_orphans
from lakehouse.landing.read import read_line, read_part
from lakehouse.landing.redrive import land_redrive
from lakehouse.landing.state import Ledger
from lakehouse.landing.vacated import delete_vacated, vacated_files


def test_a_redrive_under_way_is_refused_when_its_line_is_erased_meanwhile(landed, contract, line, monkeypatch):
    from lakehouse.landing import redrive

    early = load_ledger(landed, "clicks")
    ref = LineRef(early.parts[UNPLACED][0].part.path, 1)
    erase(landed, {ref.part: [1]})
    monkeypatch.setattr(redrive, "load_ledger", lambda *_: early)
    with pytest.raises(TerminalError, match="erased on"):
        land_redrive(landed, contract, [(ref, line())])


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
    path, told = early.parts[NINE][0].part.path, split_texts(landed, early)
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
    now = split_texts(landed, ledger)
    assert ledger.erased(path) == ({1, 2} if faster == "erasure" else {1})
    assert now[path][2] == told[path][2]
    assert raw(landed) == named(ledger)


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
    assert raw(landed) == named(ledger)
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
    assert raw(landed) == named(ledger)


def test_successors_are_no_orphans_and_what_was_left_is(landed):
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    erase(landed, {load_ledger(landed, "clicks").parts[NINE][0].part.path: [1]})
    ledger = load_ledger(landed, "clicks")
    assert raw_orphans(landed, "clicks", now=later) == vacated_files(landed, ledger) != []
    delete_vacated(landed, ledger)
    assert raw_orphans(landed, "clicks", now=later) == []


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
    expected: dict[str, list[bytes]] = split_texts(lake, load_ledger(lake, "clicks"))
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
        there = split_texts(lake, ledger)
        expected |= {path: lines for path, lines in there.items() if path not in expected}
        assert {(path, n) for path, lines in there.items() for n in tombstones(lines)} == gone
        assert {path: ledger.erased(path) for path in there} == {path: {n for p, n in gone if p == path} for path in there}
        for path, lines in there.items():
            assert [x for n, x in enumerate(lines, 1) if (path, n) not in gone] == [
                x for n, x in enumerate(expected[path], 1) if (path, n) not in gone
            ]
        assert raw(lake) == named(ledger)
    before = load_ledger(lake, "clicks").books
    again = [x for path, lines in expected.items() for x in lines]
    window = {"source": "tests", "application": "web", "purpose": "new", "window": None, "covered": None, "http": dict, "started_at": now}
    assert land_fetch(lake, contract, batches=[again], **window).books == FetchBooks(len(again), len(again))
    assert Ledger("clicks").after(list(read_manifests(lake, "clicks"))).books == before + FetchBooks(len(again), len(again))
