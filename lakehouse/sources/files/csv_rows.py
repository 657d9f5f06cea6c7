"""One CSV record at a time, exactly: the rule that the fast path over whole blocks is measured against.

A record ends at a newline outside quotes. A field that begins with the quote goes up to the next quote that is not doubled, behind which a
delimiter or the end of the record must stand; any other field goes up to the delimiter, quotes in it are text. A record with too few or too many
fields lands as it stands as one `{"_raw": ...}`. Where a quote is never closed (not within `LONGEST_RECORD` bytes) or more text follows the closing
one, nobody knows where the record ends: its first line lands as `{"_raw": ...}`, and reading goes on at the next line. A record that is no UTF-8
lands as `{"_raw": ...}` too. An empty line lands as an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from lakehouse.datasets.model import Csv
from lakehouse.errors import ConfigurationError
from lakehouse.sources.files.batch import raw_line

LONGEST_RECORD = 1 << 20  # bytes of a record with quotes


@dataclass(frozen=True)
class Row:
    """A record: its fields (None where it cannot be split, or is an empty line), the line it lands as, and where it ends in the text."""

    fields: list[str] | None
    line: bytes
    end: int


class RowReader:
    """Reads records of a dialect. `header`: the names of the fields."""

    def __init__(self, form: Csv, header: Sequence[str]) -> None:
        self._delimiter, self._quote = dialect(form)
        self._header = tuple(header)
        quote, delimiter = re.escape(self._quote), re.escape(self._delimiter)
        self._quoted = re.compile(quote + rb"((?:[^" + quote + rb"]|" + quote * 2 + rb")*+)" + quote, re.DOTALL) if quote else None
        self._plain = re.compile(rb"[^" + delimiter + rb"\n]*+", re.DOTALL)

    def read(self, text: bytes, at: int, *, final: bool) -> Row | None:
        """The record that begins at `at`. None when the text must go on before that can be told; never when it is `final`."""
        fields, end = self._split(text, at)
        if fields is None:
            if not final and len(text) - at < LONGEST_RECORD:
                return None
            end = _line_end(text, at)
            return Row(None, raw_line(_bare(text[at:end])), end)
        raw = _bare(text[at:end])
        if not raw:
            return Row(None, b"", end)
        try:
            decoded = [field.decode() for field in fields]
        except UnicodeDecodeError:
            return Row(None, raw_line(raw), end)
        if len(decoded) != len(self._header):
            return Row(None, raw_line(raw), end)
        return Row(decoded, msgspec.json.encode(dict(zip(self._header, decoded, strict=True))), end)

    def names(self, text: bytes, *, final: bool) -> tuple[list[str] | None, int] | None:
        """The fields of the first record as names, with where it ends; no names where it cannot be split. None when the text must go on."""
        fields, end = self._split(text, 0)
        if fields is None:
            return None if not final and len(text) < LONGEST_RECORD else (None, 0)
        try:
            return [field.decode() for field in fields], end
        except UnicodeDecodeError:
            return None, 0

    def _split(self, text: bytes, at: int) -> tuple[list[bytes] | None, int]:
        """(fields, end of the record); (None, 0) where a quote is not closed, or text follows behind one that is."""
        fields: list[bytes] = []
        limit = min(len(text), at + LONGEST_RECORD)
        while True:
            if self._quoted is not None and text.startswith(self._quote, at):
                found = self._quoted.match(text, at, limit)
                if found is None:
                    return None, 0
                fields.append(found[1].replace(self._quote * 2, self._quote))
                at = found.end()
                ending = at if text[at : at + 1] in (b"", b"\n", self._delimiter) else at + 1 if text[at : at + 2] in (b"\r\n", b"\r") else -1
                if ending < 0:
                    return None, 0
                at = ending
            else:
                found = self._plain.match(text, at)
                value, at = (found[0], found.end()) if found is not None else (b"", at)
                fields.append(value if text[at : at + 1] == self._delimiter else value.removesuffix(b"\r"))
            if text[at : at + 1] != self._delimiter:
                return fields, min(at + 1, len(text))
            at += 1


def dialect(form: Csv) -> tuple[bytes, bytes]:
    """(delimiter, quote) as bytes; the quote may be empty. `ConfigurationError` for what is no dialect."""
    delimiter, quote = form.delimiter.encode(), form.quote.encode()
    if len(delimiter) != 1 or len(quote) > 1 or delimiter == quote or {delimiter, quote} & {b"\n", b"\r"}:
        raise ConfigurationError(
            f"A CSV feed has the delimiter {form.delimiter!r} and the quote {form.quote!r}: expected one ASCII character each (or no quote), not the "
            "same, and no line break."
        )
    return delimiter, quote


def _line_end(text: bytes, at: int) -> int:
    return text.find(b"\n", at) + 1 or len(text)


def _bare(line: bytes) -> bytes:
    """A record without its line ending."""
    return line.removesuffix(b"\n").removesuffix(b"\r")
