"""A process killed at any named step of landing loses nothing and doubles nothing: real processes, really killed."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lakehouse.landing
from lakehouse.accounts.books import FetchBooks
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Window
from lakehouse.landing.orphans import clear_orphans, raw_orphans
from lakehouse.storage.failpoints import ENV_FAIL_POINT, fail_point

LANDER = """
import datetime as dt, sys
sys.path.insert(0, sys.argv[2])
from conftest import CONTRACT
from lakehouse.landing.manifest import Window
from lakehouse.landing.write import land_fetch
from lakehouse.settings import open_lake
lake = open_lake(sys.argv[1])
lines = [b'{"id":{"time":"2026-11-20T%02d:30:00Z"},"n":"%d"}' % (n % 3, n) for n in range(30)] + [b"broken"]
window = Window(dt.datetime(2026, 11, 20, tzinfo=dt.UTC), dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC))
land_fetch(lake, CONTRACT, source="tests", application="web", purpose="new", window=window, covered=window, batches=[lines],
           http=dict, started_at=lake.now())
"""
EXPIRER = """
import datetime as dt, sys
sys.path.insert(0, sys.argv[2])
from conftest import CONTRACT
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.retention import delete_expired, land_retention
from lakehouse.settings import open_lake
lake, day = open_lake(sys.argv[1]), dt.date(2026, 11, 19)
if day not in load_ledger(lake, "clicks").sealed:
    land_retention(lake, CONTRACT, [day])
delete_expired(lake, load_ledger(lake, "clicks"))
"""
REWRITER = """
import datetime as dt, sys
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.erasure import land_erasure
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.vacated import delete_vacated
from lakehouse.settings import open_lake
lake = open_lake(sys.argv[1])
delete_vacated(lake, load_ledger(lake, "clicks"))
if %r == "compaction":
    land_compaction(lake, "clicks", dt.date(2026, 11, 19))
else:
    first = load_ledger(lake, "clicks").parts["2026-11-19T01"][0].part.path
    land_erasure(lake, "clicks", {first: [1]}, who="ada", reason="a test")
delete_vacated(lake, load_ledger(lake, "clicks"))
"""
WINDOW = Window(dt.datetime(2026, 11, 20, tzinfo=dt.UTC), dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC))
BEFORE_COMMIT = ("landing.after_read", "landing.after_part", "landing.after_ids", "landing.after_parts_synced")
OF_FILES = ("landing.after_file", "landing.after_pos")
AFTER_COMMIT = ("landing.after_manifest", "landing.after_manifest_synced")
REWRITING = ("landing.after_rewritten", "landing.after_vacated")


def _run(lake, fail_at: str | None, script: str = LANDER) -> int:
    environment = {**os.environ, **({ENV_FAIL_POINT: fail_at} if fail_at else {})}
    command = [sys.executable, "-c", script, str(lake.store.root), str(Path(__file__).parent)]
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


def test_the_steps_named_here_are_all_there_are():
    folder = Path(lakehouse.landing.__file__).parent
    named = {name for file in folder.glob("*.py") for name in re.findall(r'fail_point\("([^"]+)"\)', file.read_text())}
    assert named == {*BEFORE_COMMIT, *OF_FILES, *AFTER_COMMIT, *REWRITING, "landing.after_checkpoint", "landing.after_expired"}


@pytest.mark.parametrize("step", [*BEFORE_COMMIT, *AFTER_COMMIT])
def test_a_landing_killed_at_a_step_can_be_run_again(lake, text, step):
    assert _run(lake, step) == -signal.SIGKILL

    ledger = load_ledger(lake, "clicks")
    committed = step in AFTER_COMMIT
    assert ledger.last_number == int(committed)
    assert ledger.coverage == ({"web": (WINDOW,)} if committed else {})

    assert _run(lake, None) == 0
    ledger = load_ledger(lake, "clicks")
    assert ledger.coverage == {"web": (WINDOW,)}
    assert ledger.books == (FetchBooks(62, 31, 30, 1) if committed else FetchBooks(31, 0, 30, 1))
    landed = [x for parts in ledger.parts.values() for p in parts for x in text(lake, p.part.path).splitlines()]
    assert len(landed) == len(set(landed)) == 31


@pytest.mark.parametrize(("step", "left"), [("landing.after_manifest", 3), ("landing.after_manifest_synced", 3), ("landing.after_expired", 2)])
def test_an_expiry_killed_at_a_step_is_finished_by_the_next_one(lake, land, line, step, left):
    manifest = land(lake, [line(f"2026-11-19T{hour:02d}:00:00Z") for hour in range(3)])
    parts, ids = [p.path for p in manifest.parts], [p.ids for p in manifest.parts]
    assert _run(lake, step, EXPIRER) == -signal.SIGKILL
    assert load_ledger(lake, "clicks").sealed.keys() == {dt.date(2026, 11, 19)}
    assert sum(map(lake.store.exists, parts)) == left
    assert land(lake, [line("2026-11-19T01:00:00Z")]).books == FetchBooks(1, 1)  # known, whether its part is still there or not

    assert _run(lake, None, EXPIRER) == 0
    assert not any(map(lake.store.exists, parts))
    assert all(map(lake.store.exists, ids))
    assert load_ledger(lake, "clicks").last_number == 3


@pytest.mark.parametrize("kind", ["compaction", "erasure"])
@pytest.mark.parametrize("step", [*AFTER_COMMIT, *REWRITING])
def test_bytes_that_were_on_the_move_when_it_was_killed_are_where_the_ledger_says(lake, land, line, text, kind, step):
    for n in range(3):
        land(lake, [line("2026-11-19T01:00:00Z", f"{n}-{k}") for k in range(2)])
    everyone = {f"{n}-{k}" for n in range(3) for k in range(2)}

    def there() -> set[str]:
        ledger = load_ledger(lake, "clicks")
        found = [x for p in ledger.parts["2026-11-19T01"] for x in text(lake, p.part.path).splitlines()]
        assert len(found) == 6
        return {name for name in everyone if any(b'"%s"' % name.encode() in x for x in found)}

    assert _run(lake, step, REWRITER % kind) == -signal.SIGKILL
    committed = load_ledger(lake, "clicks").last_number == 4
    assert committed is (step != "landing.after_rewritten")
    assert there() == (everyone - {"0-0"} if committed and kind == "erasure" else everyone)
    assert _run(lake, None, REWRITER % kind) == 0
    assert there() == (everyone if kind == "compaction" else everyone - {"0-0"})
    ledger = load_ledger(lake, "clicks")
    assert ledger.last_number == 4
    clear_orphans(lake.store, raw_orphans(lake, "clicks", now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)))
    stored = {e.path for e in lake.store.entries("raw/clicks") if "/_fetches/" not in e.path}
    assert stored == {file for p in ledger.parts["2026-11-19T01"] for file in (p.part.file, p.part.ids)}
    assert land(lake, [line("2026-11-19T01:00:00Z", name) for name in sorted(everyone)]).books == FetchBooks(6, 6)


def test_what_a_killed_landing_left_behind_is_found_and_cleared(lake, text):
    _run(lake, "landing.after_ids")
    _run(lake, None)
    soon, later = dt.datetime.now(dt.UTC), dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
    assert raw_orphans(lake, "clicks", now=soon) == []
    orphans = raw_orphans(lake, "clicks", now=later)
    assert sorted(e.path.rsplit(".", 1)[1] for e in orphans) == ["ids", "zst"]
    assert clear_orphans(lake.store, orphans) == sum(e.size for e in orphans) > 0
    assert raw_orphans(lake, "clicks", now=later) == []
    assert sum(text(lake, p.part.path).count(b"\n") for parts in load_ledger(lake, "clicks").parts.values() for p in parts) == 31


def test_a_checkpoint_is_whole_when_its_writer_is_killed_after_it(lake, land):
    for _ in range(99):
        land(lake, [])
    assert _run(lake, "landing.after_checkpoint") == -signal.SIGKILL
    assert load_ledger(lake, "clicks").last_number == 100
    assert _run(lake, None) == 0
    assert load_ledger(lake, "clicks").books == FetchBooks(62, 31, 30, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_takes_no_more_is_told_by_name_and_leaves_nothing_visible(lake):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n" + LANDER
    command = [sys.executable, "-c", limited, str(lake.store.root), str(Path(__file__).parent)]
    run = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
    assert run.returncode == 1
    assert re.search(r"TerminalError: .*raw/clicks/.*cannot be written: .*File too large.*free space", run.stderr)
    assert load_ledger(lake, "clicks").last_number == 0
    assert _run(lake, None) == 0
    assert load_ledger(lake, "clicks").books == FetchBooks(31, 0, 30, 1)


def test_without_the_variable_a_fail_point_does_nothing(monkeypatch):
    monkeypatch.delenv(ENV_FAIL_POINT, raising=False)
    fail_point("landing.after_part")
    monkeypatch.setenv(ENV_FAIL_POINT, "landing.after_ids")
    fail_point("landing.after_part")
