"""Files that nothing names."""

from __future__ import annotations

import datetime as dt

from lakehouse.landing.orphans import clear_orphans, find_orphans, raw_orphans


def test_only_old_files_that_nobody_names_are_orphans(lake):
    for path in ("clean/a/1.parquet", "clean/a/2.parquet", "clean/b.parquet", "other/c"):
        lake.store.create(path, b"1234")
    now = dt.datetime.now(dt.UTC)
    assert find_orphans(lake.store, "clean", {"clean/a/1.parquet"}, now) == []
    found = find_orphans(lake.store, "clean", {"clean/a/1.parquet"}, now + dt.timedelta(hours=24, minutes=1))
    assert [(e.path, e.size) for e in found] == [("clean/a/2.parquet", 4), ("clean/b.parquet", 4)]
    assert len(find_orphans(lake.store, "clean", set(), now + dt.timedelta(minutes=1), older_than=dt.timedelta(seconds=1))) == 3
    assert clear_orphans(lake.store, found) == 8
    assert sorted(e.path for e in lake.store.entries("clean")) == ["clean/a/1.parquet"]


def test_landed_files_manifests_and_checkpoints_are_no_orphans(lake, land, line):
    for n in range(101):
        land(lake, [line(n=n), b"?%d" % n])
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=400)
    assert raw_orphans(lake, "clicks", now=later) == []
    lake.store.create("raw/clicks/date=2026-11-20/hour=12/x.jsonl.zst", b"x")
    assert [e.path for e in raw_orphans(lake, "clicks", now=later)] == ["raw/clicks/date=2026-11-20/hour=12/x.jsonl.zst"]
    assert raw_orphans(lake, "clicks") == []


def test_a_dataset_that_never_landed_has_no_orphans(lake):
    assert raw_orphans(lake, "never") == []


def test_files_that_were_never_finished_are_found_and_cleared(lake, land, line):
    land(lake, [line()])
    unfinished = ["raw/clicks/_fetches/00000002.json#1", "raw/clicks/date=2026-11-20/hour=12/y.jsonl.zst#12"]
    for path in unfinished:
        (lake.store.root / path).write_bytes(b"half")
    assert raw_orphans(lake, "clicks") == []
    found = raw_orphans(lake, "clicks", now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    assert [e.path for e in found] == unfinished
    assert clear_orphans(lake.store, found) == 8
    assert not any((lake.store.root / path).exists() for path in unfinished)
