"""Disks that may not be written or are full, through the command: what is told names the file, and work goes on when the disk does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def lakehouse(*args: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own. Root's right to write whatever the file says is taken from it."""
    command = [sys.executable, "-c", "from lakehouse.cli.main import main; main()", *map(str, args)]
    if os.getuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    return subprocess.run(command, env=os.environ | {"COLUMNS": "2000"}, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def guarded(fetched_lake: Path) -> Iterator[Path]:
    """A lake that may be read and not written."""
    if sys.platform == "win32" or (os.getuid() == 0 and shutil.which("setpriv") is None):
        pytest.skip("needs the rights of files, and as root the command setpriv")
    paths = [fetched_lake, *fetched_lake.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield fetched_lake
    for path in paths:
        path.chmod(0o755)


@pytest.mark.slow
def test_a_lake_that_may_not_be_written_can_be_read_and_says_why_it_cannot_be_changed(
    guarded: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for command in ("status", "books"):
        result = lakehouse(command, "--lake", guarded)
        assert result.returncode == 0, result.stderr
    for command, *args in (("fetch",), ("replay", "2026-11-17")):
        result = lakehouse(command, *args, "--lake", guarded)
        assert result.returncode == 4, result.stderr
        assert str(guarded) in result.stderr
        assert f"{guarded / '.dagster'} cannot be used" in result.stderr
        assert "rights" in result.stderr
        assert "Traceback" not in result.stderr

    (tmp_path / "history").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "history"))  # so that the lake's own writing is what is refused
    for command, place in ((("fetch",), "raw"), (("replay", "2026-11-17", "--no-marts"), "(clean|ops)")):
        result = lakehouse(*command, "--lake", guarded)
        assert result.returncode in (1, 4), result.stderr
        assert re.search(rf"{guarded}/{place}/\S+ cannot be written: .*Permission denied.*rights of the folder", result.stderr), result.stderr
        assert "Traceback" not in result.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(place)], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a small disk here; limits on the size of files are tried in the tests of landing, commits and marts")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill a disk but for some bytes."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"\1" * max(0, shutil.disk_usage(disk).free - leave))
    return ballast


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a small disk")
def test_a_full_disk_stops_fetch_build_and_publish_by_name_and_they_go_on_when_there_is_room(
    simulated_lake: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lake = Path(shutil.copytree(simulated_lake, small_disk / "lake"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    ballast = fill(small_disk, 0)
    history = lakehouse("fetch", "--lake", lake)
    assert history.returncode == 4, history.stderr
    assert f"{lake / '.dagster'} cannot be used" in history.stderr
    assert list((lake / ".dagster").iterdir()) == []  # and no half of its settings
    ballast.unlink()

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))  # the history is on another disk, so that the lake's own writing is what fails
    work = (("fetch",), ("replay", "--stale", "--no-marts"), ("replay", "--stale"))
    for command, left in zip((*work, work[2]), (0, 8192, 1_000_000, 4_000_000), strict=True):
        ballast = fill(small_disk, left)
        result = lakehouse(*command, "--lake", lake)
        assert result.returncode in (1, 4), (command, result.stderr)
        assert "No space left on device" in result.stderr, (command, result.stderr)
        assert "Look at" in result.stderr, (command, result.stderr)
        assert str(lake) in result.stderr, (command, result.stderr)
        assert "Traceback" not in result.stderr
        ballast.unlink()
        if command != work[2]:
            assert lakehouse(*command, "--lake", lake).returncode == 0
    assert lakehouse(*work[2], "--lake", lake).returncode == 0
    assert lakehouse("sql", "SELECT count(*) FROM marts.audit_top_users", "--lake", lake).returncode == 0
    books = lakehouse("books", "--lake", lake)
    assert books.returncode == 0, books.stdout
