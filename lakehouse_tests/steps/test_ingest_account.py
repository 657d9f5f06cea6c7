"""What is told of files that were read: where a line came from, how far a feed is complete, what is late, progress."""

from __future__ import annotations

import datetime as dt
import os
import random

from file_lakes import SALES, FileLake, csv, visit

from lakehouse.landing.frontiers import read_before
from lakehouse.landing.manifest import LineRef, Window
from lakehouse.landing.read import read_line
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps import ingest as steps
from lakehouse.steps.build import stale_days
from lakehouse.steps.compact import compact
from lakehouse.steps.erase import erase
from lakehouse.steps.explain import explain_line


def test_explain_leads_from_a_raw_line_to_the_line_of_its_file(files):
    path = files.put("a.csv", b'at,id,note\n2026-11-16T12:00:00Z,1,"two\nlines"\nbroken\n2026-11-17T12:00:00Z,2,x\n2026-11-16T12:00:00Z,3,x\n')
    files.ingest()
    files.build()
    found = {}
    for parts in files.ledger.parts.values():
        for landed in parts:
            for number in range(1, landed.part.lines + 1):
                text = read_line(files.lake, LineRef(landed.part.path, number))
                told = explain_line(files.lake, files.dataset, landed.part.path, number)
                found[text] = (told.fate, str(told.origin))
    assert [found[text] for text in sorted(found)] == [
        ("quarantined", f"{path} line 4"),
        ("kept", f"{path} line 2"),
        ("kept", f"{path} line 6"),
        ("kept", f"{path} line 5"),
    ]


def test_coverage_ends_at_the_watermark_and_completes_the_days_before_it(files):
    files.put("a.csv", csv(visit(15, 1), visit(16, 2, hour=5)), age=30)
    files.ingest()
    days = {d.day: d.build.complete for d in files.build()}
    assert files.ledger.coverage["table"] == (Window(dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 11, 15, 23, tzinfo=dt.UTC)),)
    assert days == {dt.date(2026, 11, 15): False, dt.date(2026, 11, 16): False}

    files.put("b.csv", csv(visit(17, 3, hour=6)), age=20)
    files.ingest()

    assert [s.day for s in stale_days(files.lake, files.dataset)] == [dt.date(2026, 11, 15), dt.date(2026, 11, 16), dt.date(2026, 11, 17)]
    assert {d.day: d.build.complete for d in files.build()} == {
        dt.date(2026, 11, 15): True,
        dt.date(2026, 11, 16): True,
        dt.date(2026, 11, 17): False,
    }


def test_an_event_behind_the_watermark_is_late_and_none_else(files):
    files.put("a.csv", csv(visit(17, 1, hour=6)), age=30)
    (first,) = files.ingest().manifests
    files.put("b.csv", csv(visit(16, 2, hour=23), visit(16, 3, hour=0), visit(17, 4, hour=0)), age=20)
    (second,) = files.ingest().manifests

    assert (first.lateness, first.late_recovered) == ({0: 1}, 0)
    assert (second.lateness, second.late_recovered) == ({0: 1, 3600: 1, 86400: 1}, 2)
    assert read_before((first, second)) == {second.number: dt.datetime(2026, 11, 17, tzinfo=dt.UTC)}


def test_a_feed_that_never_landed_an_event_keeps_no_day_from_being_complete(files):
    files.put("a.csv", csv(visit(18, 1)), age=30)
    files.put("b.jsonl", b"", age=20)
    files.put("c.csv", csv(visit(16, 1)), age=10.5)
    files.ingest().raise_for_errors()
    assert {d.day.day: d.build.complete for d in files.build()} == {16: True, 18: False}


def test_identical_lines_of_a_file_are_rows_and_the_same_file_again_is_duplicates(tmp_path, monkeypatch):
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
    files = FileLake.make(tmp_path / "lake", SALES)
    content = csv(visit(16, 1), visit(16, 1), visit(16, 2), visit(16, 1))
    files.put("a.csv", content)
    files.ingest()
    files.build()
    assert [row[1:] for row in files.rows()] == [("1", "x", 1), ("1", "x", 2), ("1", "x", 3), ("2", "x", 1)]

    files.put("again.csv", content)
    files.ingest()
    (day,) = files.build()

    (account,) = day.accounts.values()
    assert (account.books.kept, account.books.duplicate) == (4, 4)
    parts = files.ledger.parts["2026-11-16"]
    fates = [explain_line(files.lake, files.dataset, p.part.path, n).fate for p in parts for n in range(1, 5)]
    assert sorted(fates) == ["duplicate"] * 4 + ["kept"] * 4


def test_any_order_and_any_groups_of_files_come_to_the_same_rows(tmp_path, monkeypatch):
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
    chance = random.Random(7)  # noqa: S311  no secret
    contents = {f"{n}.csv": csv(*(visit(chance.randint(14, 18), chance.randint(1, 9), chance.choice("xy")) for _ in range(20))) for n in range(8)}
    results = []
    for attempt in range(3):
        files = FileLake.make(tmp_path / f"lake{attempt}", SALES)
        names = list(contents)
        chance.shuffle(names)
        while names:
            for name in [names.pop() for _ in range(min(len(names), chance.randint(1, 3)))]:
                files.put(name, contents[name], age=chance.randint(20, 1000))
            files.ingest().raise_for_errors()
            files.build()
        results.append(files.rows())
    assert results[0] == results[1] == results[2]
    assert results[0]


def test_progress_is_told_file_by_file_and_files_come_in_order_of_modification_then_name(files):
    for name, age in (("b.csv", 50), ("a.csv", 50), ("z.csv", 100), ("c.csv", 20)):
        path = files.put(name, csv(visit(16, name)), age=age)
        if age == 50:
            os.utime(path, (1_700_000_000, 1_700_000_000))
    told = []
    steps.ingest(files.lake, files.dataset, progress=lambda outcome, done, every: told.append((outcome.name, done, every)))
    assert told == [("a.csv", 1, 4), ("b.csv", 2, 4), ("z.csv", 3, 4), ("c.csv", 4, 4)]
    assert [files.ledger.files[name].newest.name for name in ("a.csv", "z.csv")] == ["a.csv", "z.csv"]


def test_positions_and_repeats_outlive_compaction_and_erasure(tmp_path, monkeypatch):
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
    files = FileLake.make(tmp_path / "lake", SALES)
    for number in range(3):
        files.put(f"{number}.csv", csv(*[visit(16, number)] * 3), age=600 - number)
    files.ingest()
    files.build()
    rows = files.rows()
    paths = [p.part.path for p in files.ledger.parts["2026-11-16"]]
    assert len(compact(files.lake, files.dataset).days) == 1
    erase(files.lake, files.dataset, {paths[1]: frozenset({2})}, reason="asked for")
    files.build()

    assert files.rows() == [row for row in rows if row[1:] != ("1", "x", 2)]
    told = [str(explain_line(files.lake, files.dataset, path, 3).origin) for path in paths]
    assert told == [f"{files.inbox / f'{number}.csv'} line 4" for number in range(3)]
