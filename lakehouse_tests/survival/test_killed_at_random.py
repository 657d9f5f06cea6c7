"""`kill -9` at random moments of fetch, clean and publish, one after the other on the same lake. Nothing is lost, nothing is doubled.

The seed is printed; `LAKEHOUSE_KILL_SEED` repeats it (moments are seconds, so a machine repeats them as well as it keeps time).
"""

from __future__ import annotations

import datetime as dt
import os
import random
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest
from survival_lakes import CLEAN, DATASET, FETCH, PUBLISH, START, Mortal, kill_after

from lakehouse.marts.publish import published_path
from lakehouse.sources.reports_api.server import SimulatedReportsApi

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]

KILLS = 50
STEP = dt.timedelta(minutes=30)
PUBLISH_KILLS = 4
CHECKED = 10  # after so many kills the work is done to its end and compared with the truth
LONGEST = 120  # stages; a stage that ended before it was killed does not count


@pytest.fixture
def chance() -> random.Random:
    """The dice, with their seed in the output of the test."""
    seed = int(os.environ.get("LAKEHOUSE_KILL_SEED") or secrets.randbits(32))
    print(f"LAKEHOUSE_KILL_SEED={seed}")
    return random.Random(seed)  # noqa: S311  to be repeated


def undisturbed(mortal: Mortal, work: str) -> float:
    """How many seconds some work takes when nobody is killed."""
    worker, began = mortal.worker(work), time.monotonic()
    assert not kill_after(worker, 120)
    return time.monotonic() - began


def test_fifty_kills_in_fetch_and_clean_lose_nothing_and_double_nothing(mortal: Mortal, chance: random.Random, tmp_path: Path) -> None:
    usual = undisturbed(mortal.at(START + 2 * STEP), FETCH + CLEAN)
    kills = 0
    for stage in range(3, LONGEST):
        mortal.at(START + stage * STEP)
        seconds = chance.uniform(0, usual * 1.1)
        if kill_after(mortal.worker(FETCH + CLEAN), seconds):
            kills += 1
            print(f"stage {stage}, kill {kills} after {seconds:.3f} s of about {usual:.3f}")
            mortal.check_books()
            if kills % CHECKED == 0:
                mortal.finish_work()
                mortal.check_truth()
        else:
            usual = min(usual, seconds)  # the machine has become faster
        if kills == KILLS:
            break
    assert kills == KILLS
    mortal.check_orphans()
    with SimulatedReportsApi(mortal.sample, clock=mortal.clock) as api:
        calm = Mortal(tmp_path / "calm", mortal.sample, api).at(mortal.clock)
        calm.finish_work()
        calm.check_truth()
        assert calm.content() == mortal.content()


READER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(*con.execute("SELECT count(*), min(mart_date), max(mart_date) FROM audit_top_users").fetchone(), flush=True)
"""


def ask(reader: subprocess.Popen[str]) -> str:
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write("?\n")
    reader.stdin.flush()
    return reader.stdout.readline()


def test_kills_while_marts_are_published_leave_a_whole_version(mortal: Mortal, chance: random.Random) -> None:
    """Somebody has the published file open all the while, and keeps what was there when it was opened."""
    usual = undisturbed(mortal.at(START + dt.timedelta(hours=6)), FETCH + CLEAN + PUBLISH)
    path = published_path(mortal.lake, DATASET)
    with subprocess.Popen([sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        first = ask(reader)
        assert int(first.split()[0]) > 0
        kills = 0
        while kills < PUBLISH_KILLS:
            mortal.at(mortal.clock + dt.timedelta(hours=2))
            seconds, family = chance.uniform(0.3, usual), chance.random() < 0.5
            killed = kill_after(mortal.worker(FETCH + CLEAN + PUBLISH), seconds, family=family)
            print(f"kill {kills} after {seconds:.3f} s of about {usual:.3f}, with its children: {family}, in time: {killed}")
            kills, usual = kills + killed, usual if killed else min(usual, seconds)
            mortal.check_books()  # the accounts of the published marts with the clean version that they were built from
            assert published_path(mortal.lake, DATASET) is not None
            assert ask(reader) == first
        mortal.finish_work(publish=True)
        assert ask(reader) == first
    mortal.check_truth()
    mortal.check_orphans()


def test_commands_that_were_killed_can_be_run_again(mortal: Mortal, chance: random.Random) -> None:
    """The real assets in Dagster's history: `lakehouse fetch --build`, killed and run again."""
    command = [sys.executable, "-c", "from lakehouse.cli.main import main; main()", "fetch", "--build", "--lake", str(mortal.folder)]
    mortal.at(START + dt.timedelta(hours=2))
    began = time.monotonic()
    subprocess.run(command, env=mortal.environment(), check=True, capture_output=True)
    usual = time.monotonic() - began
    for kill in range(3):
        mortal.at(mortal.clock + dt.timedelta(hours=4))
        seconds = chance.uniform(1.5, usual)
        process = subprocess.Popen(
            command, env=mortal.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        killed = kill_after(process, seconds, family=bool(kill % 2))
        print(f"kill {kill} after {seconds:.3f} s of about {usual:.3f}, in time: {killed}")
        mortal.check_books()
    again = subprocess.run(command, env=mortal.environment(), check=False, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    mortal.finish_work(publish=True)
    mortal.check_truth()
