"""What may become of a Parquet file, and what is told of it then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_footer(path: Path) -> None:
    """As long as before, and with the end of a Parquet file."""
    content = path.read_bytes()
    path.write_bytes(content[: -len(content) // 2] + b"\xff" * (len(content) - len(content) // 2 - 8) + content[-8:])


Damage = Callable[[Path], None]
DAMAGE = [
    (folder, "is a folder"),
    (empty, "has 0 bytes"),
    (cut, "is damaged or cut short"),
    (Path.unlink, "is gone"),
    (other_footer, "cannot be read"),
]
