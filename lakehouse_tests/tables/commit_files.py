"""Files of a lake that tests of commits look into and change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from build_lakes import BuildLake


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit a JSON file of a lake."""
    found = json.loads(path.read_text())
    edit(found)
    path.write_text(json.dumps(found))


def log_of(made: BuildLake, version: int) -> list[dict[str, Any]]:
    path = made.folder / "clean" / "workspace_audit" / "_delta_log" / f"{version:020d}.json"
    return [json.loads(text) for text in path.read_text().splitlines()]


def write_log(made: BuildLake, version: int, *actions: dict[str, Any]) -> Path:
    path = made.folder / "clean" / "workspace_audit" / "_delta_log" / f"{version:020d}.json"
    path.write_text("".join(json.dumps(a) + "\n" for a in actions))
    return path
