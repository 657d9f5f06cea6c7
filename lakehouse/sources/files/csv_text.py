"""CSV files: blocks of plain lines by columns, everything else record by record.

A line is plain when it holds no quote, no backslash, no control character and only UTF-8: then it is one record, its fields are what stands between
its delimiters, and their text is JSON text as it is. What is not plain goes through `csv_rows`, whose answer counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from lakehouse.contracts.times import parse_time
from lakehouse.datasets.model import Csv
from lakehouse.sources.files.batch import Batch, raw_line
from lakehouse.sources.files.content import Content
from lakehouse.sources.files.csv_rows import Row, RowReader, dialect

_NEWLINE, _RETURN, _BACKSLASH, _SPACE, _ASCII = 10, 13, 92, 32, 128
_MARK = b"\xef\xbb\xbf"
_MARKED = re.compile(rb"(?:\A|\n)" + _MARK)
_BYTES = pa.large_binary()


def read_csv(content: Content, form: Csv, *, known: Collection[str], wanted: Collection[str], fast: bool = True) -> Iterator[Batch]:
    """The rows of a file as JSON objects of strings, in header order; `columns` of a batch: those of `wanted` that the file has.

    `known`: the names that its contract declares. Raises `TerminalError` for a first line that cannot be a header. `fast=False` leaves out the
    columns, for tests.
    """
    blocks = _Blocks(content)
    header = _header(content, form, known, blocks)
    if header is None:
        return
    reader = _Reader(form, header, [name for name in header if name in wanted], line=blocks.lines + 1, fast=fast)
    while (block := blocks.next()) is not None:
        text, final = block
        batch, rest = reader.read(text, final=final)
        blocks.put_back(rest)
        if len(batch.numbers):
            yield batch


class _Blocks:
    """Blocks of a file; what a reader could not use yet comes again at the beginning of the next one."""

    def __init__(self, content: Content) -> None:
        self._blocks = content.blocks()
        self._ahead = next(self._blocks, None)
        self._rest = b""
        self.lines = 0

    def next(self) -> tuple[bytes, bool] | None:
        """(text, whether nothing follows it)."""
        if self._ahead is None and not self._rest:
            return None
        text = self._rest + (self._ahead or b"")
        self._ahead, self._rest = next(self._blocks, None), b""
        return text, self._ahead is None

    def put_back(self, rest: bytes) -> None:
        self._rest = rest


def _header(content: Content, form: Csv, known: Collection[str], blocks: _Blocks) -> tuple[str, ...] | None:
    """The names of the columns; None for a file without any text. What follows the header is put back."""
    if form.header is not None and len(set(form.header)) != len(form.header):
        raise content.refused(f"belongs to a feed whose header names a column twice: {form.header}. Mend the feed")
    reader = RowReader(form, ())
    while (block := blocks.next()) is not None:
        text, final = block
        found = reader.names(text, final=final)
        if found is None:
            blocks.put_back(text)
            continue
        names, end = found
        if form.header is None:
            names = _checked(content, names, known, form.delimiter)
        elif names != list(form.header):  # a header all the same is no row
            names, end = list(form.header), 0
        blocks.lines = text.count(b"\n", 0, end)
        blocks.put_back(text[end:])
        return tuple(names)
    return None


def _checked(content: Content, names: list[str] | None, known: Collection[str], delimiter: str) -> list[str]:
    """The names of a header. Raises `TerminalError` for what is none, as far as that can be told."""
    if names is None:
        raise content.refused("has a first line that cannot be split into names of columns. Expected CSV")
    why = None
    if "" in names or len(set(names)) != len(names):
        why = "names are empty or come twice"
    elif any(is_value(name) for name in names):
        why = "some names are numbers or times"
    elif not set(names) & set(known):
        wanted = ", ".join(sorted(known)[:4])
        why = f"none of its names is declared by the contract (split at {delimiter!r} it has {len(names)}, expected some such as {wanted})"
    if why is not None:
        raise content.refused(f"has a first line that is no header: {why}. If its files have none, declare the names as `header` of the feed")
    return names


def is_value(name: str) -> bool:
    """Whether a text is a number or a time, and so no name of a column."""
    try:
        float(name)
    except ValueError:
        return parse_time(name) is not None or parse_time(f"{name}T00:00:00") is not None
    return True


class _Reader:
    """Reads blocks of one file, one after the other."""

    def __init__(self, form: Csv, header: tuple[str, ...], wanted: list[str], *, line: int, fast: bool) -> None:
        self._header, self._wanted, self._line, self._fast = header, wanted, line, fast
        self._rows = RowReader(form, header)
        self._delimiter, quote = dialect(form)
        odd = np.zeros(256, bool)
        odd[:_SPACE] = True
        odd[[*quote, *b'"', _BACKSLASH]] = True
        odd[[_NEWLINE, *self._delimiter]] = False
        self._odd = odd.tobytes()
        keys = [(b"{" if i == 0 else b'",') + msgspec.json.encode(name) + b':"' for i, name in enumerate(header)]
        self._keys = [pa.scalar(key, _BYTES) for key in keys]

    def read(self, text: bytes, *, final: bool) -> tuple[Batch, bytes]:
        """The records of a block of whole lines, and what of its end must be read again with what follows."""
        text = text if text.endswith(b"\n") else text + b"\n"
        lines = _Lines(text, self._odd if self._fast else None, self._delimiter, len(self._header))
        singles: dict[int, Row] = {int(i): Row(None, b"", 0) for i in np.flatnonzero(lines.blank)}
        for i in np.flatnonzero(lines.ragged).tolist():
            singles[i] = Row(None, raw_line(lines.text(i)), 0)
        upto = 0
        for i in np.flatnonzero(lines.odd).tolist():
            if i < upto:
                continue
            row = self._rows.read(text, int(lines.starts[i]), final=final)
            if row is None:
                lines.cut(i)
                break
            upto = lines.after(row.end)
            lines.swallow(i, upto)
            singles[i] = row
        batch = self._batch(lines, {i: row for i, row in singles.items() if i < len(lines.begins) and lines.begins[i]})
        self._line += len(lines.begins)
        return batch, lines.rest

    def _batch(self, lines: _Lines, singles: dict[int, Row]) -> Batch:
        places = np.flatnonzero(lines.plain & lines.begins)
        plain, columns = self._by_columns(lines.gather(places), len(places))
        if singles:
            every = np.concatenate([places, np.fromiter(singles, np.int64, len(singles))])
            order = np.argsort(every, kind="stable")
            others: Any = pa.array([row.line + b"\n" for row in singles.values()], _BYTES)
            plain = pa.concat_arrays([plain, others]).take(pa.array(order))
            if self._wanted:  # a frame without columns has no rows to put in order
                columns = pl.concat([columns, self._told(list(singles.values()))])[order]
            places = every[order]
        text, offsets = _text_of(plain)
        return Batch(text, offsets, places + self._line, columns)

    def _by_columns(self, text: bytes, rows: int) -> tuple[Any, pl.DataFrame]:
        """The plain lines as JSON lines, and the columns that were asked for."""
        names = [str(i) for i in range(len(self._header))]
        schema = dict.fromkeys(self._wanted, pl.String)
        if not rows:
            return pa.array([], _BYTES), pl.DataFrame(schema=schema)
        source: Any = pa.BufferReader(text)
        table = pa_csv.read_csv(
            source,
            pa_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            pa_csv.ParseOptions(delimiter=self._delimiter.decode(), quote_char=False),
            pa_csv.ConvertOptions(column_types=dict.fromkeys(names, _BYTES), strings_can_be_null=False, check_utf8=False),
        ).combine_chunks()
        if table.num_rows != rows:
            raise AssertionError(f"expected {rows} rows of as many plain lines, the reader found {table.num_rows}")
        columns: list[Any] = [column.chunk(0) for column in table.columns]
        pieces: list[Any] = [piece for pair in zip(self._keys, columns, strict=True) for piece in pair]
        joined = pc.binary_join_element_wise(*pieces, pa.scalar(b'"}\n', _BYTES), pa.scalar(b"", _BYTES))
        texts = {name: columns[self._header.index(name)].cast(pa.large_string()) for name in self._wanted}
        return joined, pl.DataFrame(texts, schema=schema)

    def _told(self, rows: list[Row]) -> pl.DataFrame:
        """The columns that were asked for, of records that were read one by one."""
        places = {name: self._header.index(name) for name in self._wanted}
        told = {name: [row.fields[at] if row.fields is not None else None for row in rows] for name, at in places.items()}
        return pl.DataFrame(told, schema=dict.fromkeys(self._wanted, pl.String))


class _Lines:
    """The lines of a block by what may be done with them. Without a table of odd bytes every line is odd, and is read by itself.

    `begins`: whether a record may begin at the line: not inside of one that is longer than a line. `rest`: what is to be read again.
    """

    def __init__(self, text: bytes, odd: bytes | None, delimiter: bytes, columns: int) -> None:
        self._text = text
        self.rest = b""
        data = np.frombuffer(text, np.uint8)
        self._newlines = np.flatnonzero(data == _NEWLINE).astype(np.int64)
        self.starts = np.concatenate([[0], self._newlines[:-1] + 1])
        self.begins = np.ones(len(self.starts), bool)
        if odd is None:
            self.odd = np.ones(len(self.starts), bool)
            self.blank = self.ragged = self.plain = ~self.odd
            return
        self._returns = (self._newlines > self.starts) & (data[np.maximum(self._newlines - 1, 0)] == _RETURN)
        self._ends = self._newlines - self._returns
        self.odd = self._find_odd(data, odd)
        self.blank = ~self.odd & (self._ends == self.starts)
        delimiters = np.searchsorted(np.flatnonzero(data == delimiter[0]), self._newlines)
        fitting = np.diff(delimiters, prepend=0) == columns - 1
        self.plain = ~self.odd & ~self.blank & fitting
        self.ragged = ~self.odd & ~self.blank & ~fitting

    def _find_odd(self, data: npt.NDArray[np.uint8], table: bytes) -> npt.NDArray[np.bool_]:
        marks = np.frombuffer(self._text.translate(table), bool).copy()
        marks[self._ends[self._returns]] = False
        if not self._text.isascii() and not _is_utf8(self._text):
            marks |= data >= _ASCII
        if _MARK in self._text:  # any line may be the first that the reader of columns is given, which would take it for a byte-order mark
            marks[[found.end() - 1 for found in _MARKED.finditer(self._text)]] = True
        odd = np.zeros(len(self.starts), bool)
        odd[np.searchsorted(self._newlines, np.flatnonzero(marks))] = True
        return odd

    def text(self, line: int) -> bytes:
        """A line without its ending."""
        return self._text[self.starts[line] : self._ends[line]]

    def after(self, end: int) -> int:
        """The line that begins where a record ended."""
        return int(np.searchsorted(self._newlines, end - 1)) + 1

    def swallow(self, first: int, upto: int) -> None:
        """The lines behind the first belong to its record."""
        self.begins[first + 1 : upto] = False

    def cut(self, line: int) -> None:
        """Leave out a line and all behind it."""
        self.rest = self._text[self.starts[line] :]
        self.begins = self.begins[:line]
        self.plain = self.plain[:line]

    def gather(self, places: npt.NDArray[np.int64]) -> bytes:
        """The text of plain lines, each ended by a newline only."""
        if len(places) == len(self.starts):
            text = self._text
        else:
            offsets = np.append(self.starts, len(self._text))
            every: Any = pa.Array.from_buffers(_BYTES, len(self.starts), [None, pa.py_buffer(offsets.data), pa.py_buffer(self._text)])
            text = _text_of(every.take(pa.array(places)))[0]
        return text.replace(b"\r\n", b"\n") if b"\r" in text else text


def _text_of(lines: Any) -> tuple[bytes, npt.NDArray[np.int64]]:
    """The text of an array of large binaries, one after the other, and where each begins (and the last ends)."""
    offsets = np.frombuffer(lines.buffers()[1], np.int64)[lines.offset : lines.offset + len(lines) + 1]
    data = lines.buffers()[2]
    text = memoryview(data)[offsets[0] : offsets[-1]].tobytes() if data is not None else b""
    return text, offsets - offsets[0]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
