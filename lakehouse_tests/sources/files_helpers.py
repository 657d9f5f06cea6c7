"""Files in a folder, read as a feed has them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from lakehouse.datasets.model import Csv, Feed, FileFormat, FileSource
from lakehouse.sources.files import batch, content, csv_text, inbox

KNOWN = ("a", "b", "c", "time")


def packed(name: str, data: bytes) -> bytes:
    """The bytes as a file of that name holds them."""
    if name.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor().compress(data) if name.endswith(".zst") else data


def found(path: Path, form: FileFormat) -> inbox.FoundFile:
    """The only file of a folder."""
    source = FileSource((Feed("feed", ("**",), form),))
    (file,) = inbox._below(inbox.open_folder(path.parent), "", source)
    return file


@dataclass
class Lines:
    """What batches hold: line by line."""

    lines: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    columns: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, one: batch.Batch) -> None:
        offsets = one.offsets.tolist()
        assert one.text.count(b"\n") == len(offsets) - 1 == len(one.numbers)
        for start, end in pairwise(offsets):
            assert one.text[end - 1 : end] == b"\n"
            self.lines.append(one.text[start : end - 1])
        self.numbers += one.numbers.tolist()
        if one.columns is not None and one.columns.width:
            assert one.columns.height == len(one.numbers)
            self.columns += one.columns.rows()


def csv_lines(
    path: Path, form: Csv | None = None, *, wanted: tuple[str, ...] = ("time",), known: tuple[str, ...] = KNOWN, fast: bool = True
) -> Lines:
    """The rows of a CSV file."""
    form = form or Csv()
    told = Lines()
    for one in csv_text.read_csv(content.Content(found(path, form)), form, known=known, wanted=wanted, fast=fast):
        told.add(one)
    return told


def raw(text: str) -> bytes:
    """The line for text that cannot be split."""
    return msgspec.json.encode({"_raw": text})
