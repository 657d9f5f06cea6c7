"""Rooms import one way, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lakehouse.datasets.registry import all_datasets
from lakehouse.settings import project_root

PACKAGE = project_root() / "lakehouse"
ARCHITECTURE = (project_root() / "docs" / "architecture.md").read_text()
TOP = {"__init__", "__main__", "definitions"}  # they open the package, the command and the code location


def below() -> dict[str, set[str]]:
    """Room -> the rooms that it may import from, by the lines `a <- (b, c) <- d` of the page."""
    found: dict[str, set[str]] = {}
    for line in re.findall(r"^    (.+ <- .+)$", ARCHITECTURE.partition("## Rooms")[2].partition("\n## ")[0], re.MULTILINE):
        tiers = [re.findall(r"\w+", tier) for tier in line.split("<-")]
        for lower, upper in zip([[], *tiers], tiers, strict=False):
            for room in upper:
                found.setdefault(room, set()).update(lower)
    for _ in found:  # what is below a room that is below
        for rooms in found.values():
            rooms.update(*(found[room] for room in rooms))
    return found


def imported(file: Path) -> set[str]:
    """The rooms that a file imports from, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update([f"lakehouse.{one.name}" for one in node.names] if node.module == "lakehouse" else [str(node.module)])
    return {name.split(".")[1] for name in names if name.startswith("lakehouse.")}


def test_no_room_imports_from_one_that_is_not_below_it() -> None:
    may = below()
    rooms = {room: sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"] for room in may}
    wrong = [f"{file.relative_to(PACKAGE)}: {other}" for room in may for file in rooms[room] for other in sorted(imported(file) - may[room] - {room})]
    assert wrong == []
    assert all(room not in lower for room, lower in may.items()), "The page draws a circle."


def test_every_room_is_drawn_and_described() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - TOP
    assert there == set(below())
    described = re.findall(r"`(\w+)(?:/|\.py)`", "".join(re.findall(r"^\| `.+?\|", ARCHITECTURE.partition("## Rooms")[2], re.MULTILINE)))
    assert there <= set(described)


def names_of_datasets(file: Path) -> set[str]:
    """The datasets that a file names: as a package that it imports from, or as a text of its own."""
    names = {dataset.name for dataset in all_datasets()}
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and node.value in names:
            found.add(node.value)
        elif isinstance(node, ast.Import):
            found.update(part for one in node.names for part in one.name.split(".") if one.name.startswith("lakehouse.datasets."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lakehouse.datasets"):
            found.update(str(node.module).split("."), (one.name for one in node.names))
    return found & names


def test_no_room_knows_a_dataset_by_its_name() -> None:
    datasets = PACKAGE / "datasets"
    shared = [file for file in PACKAGE.rglob("*.py") if not any(file.is_relative_to(datasets / d.name) for d in all_datasets())]
    assert {str(file.relative_to(PACKAGE)): found for file in shared if (found := names_of_datasets(file))} == {}
    assert names_of_datasets(datasets / "listening" / "dataset.py") == {"listening"}
