"""JSON Lines, and JSON documents with their records in an array."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from lakehouse.datasets.model import JsonDocument
from lakehouse.sources import slices
from lakehouse.sources.files.batch import RAW_TEXT, Batch, of_lines, raw_line
from lakehouse.sources.files.content import Content

LARGEST_DOCUMENT = 512 << 20  # bytes of text: a document is in memory as a whole
_NEWLINE = ord("\n")
_ARRAY, _OBJECT = re.compile(rb"\s*\[\s*\{"), re.compile(rb'\s*\{[ \t\r]*\n\s*"[^"\n]*"\s*:')


def read_json_lines(content: Content) -> Iterator[Batch]:
    """Every line as it stands, blank ones too. The carriage return of a line ending is no part of its line.

    Raises `TerminalError` for a file that begins as a document does: with an array of objects that is all there is or goes on over its first line, or
    with an object whose first line is its bracket.
    """
    before = 0
    for block in content.blocks():
        if not before and _begins_document(block):  # each of its lines would be refused, or the one that it is: few lines, and all records
            raise content.refused("is a JSON document, expected JSON Lines. Write one object per line, as `jq -c '.[]'` does of an array")
        text = block if block.endswith(b"\n") else block + b"\n"
        if b"\r\n" in text:
            text = text.replace(b"\r\n", b"\n")
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE).astype(np.int64) + 1
        yield Batch(text, np.concatenate([[0], ends]), np.arange(before + 1, before + 1 + len(ends), dtype=np.int64))
        before += len(ends)


def _begins_document(block: bytes) -> bool:
    """Whether a file that begins so is a document. A line by itself that is an array, or a bracket, before others is a bad line and no more."""
    if not _ARRAY.match(block):
        return _OBJECT.match(block) is not None
    first, _, others = block.lstrip().partition(b"\n")
    if first.rstrip() != b"[":
        return not others.strip() or first.rstrip().endswith((b",", b"{", b"["))
    second, _, others = others.lstrip().partition(b"\n")
    return second.rstrip().endswith((b",", b"{")) or others.lstrip().startswith(b"]")


def read_json_document(content: Content, form: JsonDocument) -> Iterator[Batch]:
    """Every record of the array, as it stands but without line breaks between its tokens; its number is its place in the array, from 1.

    What is no such document is one line `{"_raw": ...}` with its beginning. Raises `TerminalError` for one that is too large to be held.
    """
    pieces: list[bytes] = []
    size = 0
    for text in content.texts():
        pieces.append(text)
        size += len(text)
        if size > LARGEST_DOCUMENT:
            raise content.refused(f"is a JSON document of more than {LARGEST_DOCUMENT >> 20} MiB. Write it as JSON Lines, which is read as it comes")
    document = b"".join(pieces)
    del pieces
    if not document.strip():
        return
    lines = _records(document, form)
    if lines is None:
        lines = [raw_line(document[:RAW_TEXT])]
    yield of_lines(lines, range(1, len(lines) + 1))


def _records(document: bytes, form: JsonDocument) -> list[bytes] | None:
    """The items of the array; None where the document does not close or has no array there."""
    path = form.records.split(".") if form.records else []
    try:
        found: Any = _reader(path).decode(document)
        for _ in path:
            found = found.below
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError):
        try:
            return slices.array_at(document, path)
        except slices.NotClosedError:
            return None
    items = [bytes(item) for item in found]
    if b"\n" in document or b"\r" in document:
        items = [slices.unbroken(item) for item in items]
    return items


def _reader(path: list[str]) -> msgspec.json.Decoder[Any]:
    kind: Any = list[msgspec.Raw]
    for name in reversed(path):
        kind = msgspec.defstruct("Outer", [("below", kind)], rename={"below": name})
    return msgspec.json.Decoder(kind)
