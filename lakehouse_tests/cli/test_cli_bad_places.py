"""Files where folders of the lake should be, folders where files should be, and a history of Dagster's that is none: each is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def a_file(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(exist_ok=True)
    path.write_text("no folder")


def half(path: Path) -> None:
    path.write_text("run_monitoring:\n  enabled: [tr")


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage " * 4096)


def a_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


@pytest.mark.parametrize(
    ("pattern", "damage", "command", "told"),
    [
        ("ops", a_file, ("status",), "folders"),
        ("clean", a_file, ("status",), "is a file, expected the folder of clean tables"),
        ("clean/workspace_audit", a_file, ("sql", "SELECT 1"), "is a file, expected the folder of clean tables"),
        ("marts/workspace_audit", a_file, ("replay", "--stale"), ""),
        (".dev/token.key", a_folder, ("replay", "2026-11-17", "--no-marts"), "is a folder, expected the development key"),
        (".dagster/dagster.yaml", half, ("fetch",), "move it away"),
        (".dagster/**/runs.db", garbage, ("fetch",), "is no SQLite database"),
    ],
)
def test_what_stands_in_the_wrong_place_is_named(
    run: Any, fetched_lake: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, damage: Callable[[Path], None], command: tuple[str, ...], told: str
) -> None:
    monkeypatch.delenv("LAKEHOUSE_TOKEN_KEY", raising=False)
    path = sorted(fetched_lake.glob(pattern))[0] if "*" in pattern else fetched_lake / pattern
    damage(path)
    result = run(*command, "--lake", fetched_lake)
    assert result.code in (1, 2, 4), result.err
    assert str(path) in result.err
    assert told in result.err
    assert "Traceback" not in result.err
