"""What a manifest names is on the disk before the manifest is there, and the manifest before anybody is told of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest

from lakehouse.landing.batches import FewerLines
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.erasure import land_erasure
from lakehouse.landing.files import commit_file, write_file
from lakehouse.landing.ledger import load_ledger, manifest_path, read_manifest
from lakehouse.landing.manifest import LineRef, Manifest, SourceFile
from lakehouse.landing.redrive import land_redrive
from lakehouse.storage import Store, store

DAY = dt.date(2026, 11, 19)


@pytest.fixture
def done(lake: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """What was created and what was synced of the lake, in order."""
    events: list[tuple[str, str]] = []
    create, fsync = Store.create, store._fsync

    def creating(self: Store, path: str, data: bytes) -> bool:
        events.append(("create", path))
        return create(self, path, data)

    def syncing(path: Any) -> None:
        fsync(path)
        events.append(("sync", path.relative_to(lake.store.root).as_posix()))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "create", creating)
        patch.setattr(store, "_fsync", syncing)
        yield events


def check(manifest: Manifest, done: list[tuple[str, str]]) -> None:
    path = manifest_path(manifest.dataset, manifest.number)
    begun = done.index(("create", path))
    named = {p for part in manifest.parts for p in (part.path, part.ids, part.pos) if p} | {p for m in manifest.moves for p in (m.stored, m.ids) if p}
    assert named
    for one in named:
        written = done.index(("create", one))
        for needed in (one, str(PurePosixPath(one).parent)):
            assert ("sync", needed) in done[written:begun], f"{needed} is not synced between its writing and the manifest"
    for needed in (path, str(PurePosixPath(path).parent)):
        assert ("sync", needed) in done[begun:], f"{needed} is not synced at the end"


def two_fetches(lake: Any, land: Any, line: Any) -> Manifest:
    land(lake, [line(f"{DAY}T10:00:00Z", 1), line(f"{DAY}T10:00:00Z", 2)])
    manifest: Manifest = land(lake, [line(f"{DAY}T10:00:00Z", 3), b"broken"])
    return manifest


def test_of_a_fetch(lake, land, line, done):
    check(two_fetches(lake, land, line), done)


def test_of_a_file(lake, contract, line, done):
    text = line() + b"\n"
    batch = FewerLines(text, np.array([0, len(text)], np.int64), np.array([1], np.int64), None)
    told = SourceFile("a.jsonl", "/inbox/a.jsonl", "1", 1, dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    ledger = load_ledger(lake, "clicks")
    written = write_file(lake, contract, ledger, source="files", application="web", batches=[batch], file=lambda: told)
    check(commit_file(lake, written, ledger, lateness=dt.timedelta()), done)


def test_of_a_redrive(lake, contract, land, line, done):
    broken = next(p.path for p in two_fetches(lake, land, line).parts if p.grain.startswith("unplaced"))
    check(land_redrive(lake, contract, [(LineRef(broken, 1), line())]), done)


def test_of_an_erasure_and_of_a_compaction(lake, land, line, done):
    two_fetches(lake, land, line)
    first = load_ledger(lake, "clicks").parts[f"{DAY}T10"][0].part.path
    erased = land_erasure(lake, "clicks", {first: [1]}, who="ada", reason="a test")
    assert erased is not None
    check(erased, done)
    land_compaction(lake, "clicks", DAY)
    ledger = load_ledger(lake, "clicks")
    check(read_manifest(lake.store, "clicks", ledger.last_number), done)
    assert ledger.last_number == 4
