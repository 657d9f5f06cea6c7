"""Folders of builds: what is of no use is cleared, and builds that clear at the same time do not stumble over each other."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.marts.build_folders import FAILED, clear_folders


def folder(builds: Path, name: str) -> Path:
    (builds / name / "target").mkdir(parents=True)
    return builds / name


def test_folders_of_refused_builds_and_of_those_that_never_ended_are_cleared(tmp_path: Path) -> None:
    (folder(tmp_path, "refused") / FAILED).touch()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(folder(tmp_path, "left"), (two_days_ago, two_days_ago))
    folder(tmp_path, "under_way")
    clear_folders(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["under_way"]


def test_a_dataset_that_was_never_built_has_nothing_to_clear(tmp_path: Path) -> None:
    clear_folders(tmp_path / ".build")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_build_removes_while_it_is_looked_at_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder(tmp_path, "refused") / FAILED).touch()
    folder(tmp_path, "ended")
    listed = Path.iterdir

    def and_then_another_build_ends(self: Path) -> Iterator[Path]:
        found = sorted(listed(self))
        shutil.rmtree(self / "ended")
        return iter(found)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", and_then_another_build_ends)
        clear_folders(tmp_path)
    assert list(tmp_path.iterdir()) == []
