"""`kill -9` at every named step of landing a file, and two processes that ingest the same files: no line is lost, and none is there twice."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import file_lakes
import pytest
from file_lakes import SALES, FileLake, csv, visit

from lakehouse.landing.orphans import clear_orphans, raw_orphans
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.storage.failpoints import ENV_FAIL_POINT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]

STEPS = (
    "landing.after_file",
    "landing.after_part",
    "landing.after_pos",
    "landing.after_parts_synced",
    "landing.after_manifest",
    "landing.after_manifest_synced",
)
WORKER = """
import sys
sys.path.insert(0, sys.argv[2])
from file_lakes import SALES, FileLake
from lakehouse.settings import open_lake
files = FileLake(open_lake(sys.argv[1]), SALES)
print("ready", flush=True)
sys.stdin.read(1)
report = files.ingest()
report.raise_for_errors()
"""


@pytest.fixture
def files(tmp_path, monkeypatch) -> FileLake:
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
    return FileLake.make(tmp_path / "lake", SALES)


def start(files: FileLake, fail_at: str | None = None) -> subprocess.Popen[bytes]:
    """A process that is about to ingest."""
    environment = os.environ | ({ENV_FAIL_POINT: fail_at} if fail_at else {})
    command = [sys.executable, "-c", WORKER, str(files.folder), str(Path(file_lakes.__file__).parent)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def go(process: subprocess.Popen[bytes]) -> int:
    process.communicate(b"x", timeout=120)
    return process.returncode


def expect(files: FileLake, count: int) -> None:
    """Every row of so many files once, the books closed, and nothing left to do."""
    files.ingest().raise_for_errors()
    files.build()
    rows = files.rows()
    assert [(row[1], row[3]) for row in sorted(rows, key=lambda r: (int(r[1]), r[3]))] == [(str(n), r) for n in range(count) for r in (1, 2)]
    assert files.ledger.last_number == count
    assert files.ingest().manifests == ()
    named = {path for parts in files.ledger.parts.values() for p in parts for path in (p.part.path, p.part.pos)}
    clear_orphans(files.lake.store, raw_orphans(files.lake, SALES.name, now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)))
    assert {e.path for e in files.lake.store.entries(f"raw/{SALES.name}") if "_fetches" not in e.path} == named
    assert files.build() == []


def test_a_kill_at_each_step_of_landing_a_file_loses_nothing_and_doubles_nothing(files):
    for number, step in enumerate(STEPS):
        files.put(f"{number}.csv", csv(visit(16, number), visit(16, number)), age=600 - number)
        assert go(start(files, step)) == -signal.SIGKILL, f"{step} was not reached"
        files.build()
    expect(files, len(STEPS))


def test_two_processes_that_ingest_the_same_files_land_each_once(files):
    for number in range(12):
        files.put(f"{number}.csv", csv(visit(16, number), visit(16, number)), age=600 - number)
    both = [start(files), start(files)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.flush()
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    expect(files, 12)
