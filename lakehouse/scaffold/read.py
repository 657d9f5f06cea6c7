"""Sample files: in which format they are, and their records."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import polars as pl

from lakehouse.contracts.times import parse_times
from lakehouse.datasets.model import CombinedLog, Csv, Feed, FileFormat, JsonDocument, JsonLines
from lakehouse.errors import ConfigurationError, TransientError
from lakehouse.scaffold.times import PATTERNS
from lakehouse.sources.files.access_log import read_access_log
from lakehouse.sources.files.batch import Batch
from lakehouse.sources.files.content import Content
from lakehouse.sources.files.csv_rows import RowReader
from lakehouse.sources.files.csv_text import is_value, read_csv
from lakehouse.sources.files.inbox import FoundFile
from lakehouse.sources.files.json_text import read_json_document, read_json_lines
from lakehouse.storage import open_folder
from lakehouse.storage.unpack import packing_of

MOST_RECORDS = 100_000  # of a file: what more records would tell is not worth the wait
_BEGINNING = 1 << 20  # bytes by which the format is told
_DELIMITERS = ",;\t|"
_LOG = re.compile(rb'^\S+ \S+ \S.*? \[\d{2}/\w{3}/\d{4}:[^\]]+\] "')
_DATUM = re.compile(r"[-+]?[0-9][0-9.,]*|\S+@\S+\.\S+")  # a decimal comma; an e-mail address
_NAMES: dict[type, tuple[str, str]] = {  # format -> (feed, ending of its files)
    JsonLines: ("lines", ".jsonl"),
    JsonDocument: ("documents", ".json"),
    Csv: ("csv", ".csv"),
    CombinedLog: ("log", ".log"),
}


@dataclass(frozen=True)
class Sample:
    """`feeds`: one for each format. `records`: in the order of the files, distinct lines once. `lines`: how many were read, `broken`: those that are
    no record. `strings`: every value of a record is a string (CSV, access logs). `suffix`: the ending of the files of the first feed."""

    feeds: tuple[Feed, ...]
    records: list[dict[str, Any]]
    lines: int
    broken: int
    strings: bool
    suffix: str


def read_sample(paths: Iterable[Path]) -> Sample:
    """The records of some files. Raises `ConfigurationError` for a file that is not there, holds no record, or is in no known format."""
    forms: dict[FileFormat, list[str]] = {}
    seen: dict[bytes, dict[str, Any]] = {}
    lines = broken = 0
    for path in paths:
        found = _found(path)
        form = format_of(found)
        forms.setdefault(form, []).append(path.name)
        for line in itertools.islice(_lines(found, form), MOST_RECORDS):
            if not line:
                continue
            lines += 1
            record = _record(line)
            if record is None:
                broken += 1
            else:
                seen.setdefault(line, record)
    if not seen or broken > lines / 2:
        names = ", ".join(name for names in forms.values() for name in names) or "the sample"
        raise ConfigurationError(f"{names}: {lines:,} lines, {broken:,} of them no record. Expected a sample with records in most of its lines.")
    feeds = _feeds(forms)
    strings = all(isinstance(form, Csv | CombinedLog) for form in forms)
    return Sample(feeds, list(seen.values()), lines, broken, strings, _suffix(next(iter(forms.values()))[0]) or _NAMES[type(feeds[0].format)][1])


def format_of(found: FoundFile) -> FileFormat:
    """The format of a file, by its beginning. Raises `ConfigurationError` for one that is empty or no text in a format that is known."""
    text = b"".join(_until(Content(found).texts(), _BEGINNING))
    if not text.strip():
        raise ConfigurationError(f"{found.url} is empty. Expected a sample with some records.")
    if b"\0" in text:
        raise ConfigurationError(f"{found.url} is no text. Expected JSON Lines, a JSON document, CSV or an access log, plain, .gz or .zst.")
    lines = [line for line in text.split(b"\n")[:1000] if line.strip()]
    if text.lstrip()[:1] in (b"{", b"["):
        return _json_format(found, lines)
    if sum(bool(_LOG.match(line)) for line in lines) > 0.8 * len(lines):
        return CombinedLog()
    return _csv_format(found, text)


def _json_format(found: FoundFile, lines: list[bytes]) -> FileFormat:
    records = [_record(line) for line in lines[:200]]
    sound = [record for record in records if record is not None]
    if len(lines) > 1 and len(sound) > len(records) / 2:
        return JsonLines()
    if len(lines) == 1 and sound and (_suffix(found.name) in (".jsonl", ".ndjson") or _array(sound[0]) is None):
        return JsonLines()
    path = _array(_document(found))
    if path is None:
        raise ConfigurationError(
            f"{found.url} is JSON but neither one object per line nor a document with an array of objects in it. Write one record per line."
        )
    return JsonDocument(path)


def _document(found: FoundFile) -> Any:
    try:
        return msgspec.json.decode(b"".join(Content(found).texts()))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{found.url} begins as JSON does but cannot be read: {error}. Put a whole file in its place.") from error


def _array(value: Any) -> str | None:
    """The dotted path of the longest array of objects; empty for the value itself, None where there is none."""
    if isinstance(value, list):
        return "" if any(isinstance(item, dict) for item in value) else None
    best: tuple[int, str] | None = None
    for path, items in _arrays(value, ()):
        if best is None or len(items) > best[0]:
            best = (len(items), ".".join(path))
    return best[1] if best is not None else None


def _arrays(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if not isinstance(value, dict) or len(path) > 3:
        return
    for name, below in value.items():
        if isinstance(below, list) and len(below) > 1 and all(isinstance(item, dict) for item in below):
            yield (*path, name), below
        else:
            yield from _arrays(below, (*path, name))


def _csv_format(found: FoundFile, text: bytes) -> Csv:
    """The dialect under which most rows have as many fields as the first, and as many as possible."""
    whole = text[: text.rfind(b"\n") + 1] if len(text) >= _BEGINNING else text
    ranked = sorted((_fit(whole, delimiter) for delimiter in _DELIMITERS), key=lambda fit: fit[:2], reverse=True)
    share, width, delimiter, names = ranked[0]
    if width == 1 and names is not None:
        _check_one_column(found, names[0], whole)
    if share < 0.5 or names is None:
        raise ConfigurationError(
            f"{found.url} is neither JSON nor an access log, and no delimiter of {_DELIMITERS!r} makes rows of equal width of it."
        )
    if any(_is_data(name) for name in names):
        return Csv(delimiter=delimiter, header=tuple(f"column_{number}" for number in range(1, width + 1)))
    if odd := [name for name, often in Counter(names).items() if often > 1 or not name]:
        raise ConfigurationError(
            f"{found.url} has names of columns that are empty or come twice: {', '.join(map(repr, odd))}. Fields are known by their names: give each "
            "column a name of its own in the first line, of every file that is to come too (a delimiter at the end of the lines makes one without)."
        )
    return Csv(delimiter=delimiter)


def _is_data(name: str) -> bool:
    """Whether a text of the first line is of a record, and so no name of a column: a number, a time as anybody writes it, an address."""
    few = pl.Series([name])
    return is_value(name) or bool(_DATUM.fullmatch(name)) or any(parse_times(few, pattern).item() is not None for pattern in PATTERNS)


def _check_one_column(found: FoundFile, name: str, text: bytes) -> None:
    """Raise `ConfigurationError` where the only column is named like several: its rows are not as wide as its header."""
    delimiter = max(_DELIMITERS, key=name.count)
    if delimiter in name:
        share, width, *_ = _fit(text, delimiter)
        raise ConfigurationError(
            f"{found.url} has {width} columns in its first line, but only {share:.0%} of its rows have as many fields. "
            f"Expected rows as wide as the header, an empty field where there is no value ({delimiter!r} between all of them)."
        )


def _fit(text: bytes, delimiter: str) -> tuple[float, int, str, list[str] | None]:
    """(share of the rows that are as wide as the first, its width, the delimiter, its fields)."""
    header = RowReader(Csv(delimiter=delimiter), ()).names(text, final=True)
    if header is None or header[0] is None:
        return 0.0, 0, delimiter, None
    names, at = header[0], header[1]
    reader, widths = RowReader(Csv(delimiter=delimiter), names), Counter[bool]()
    while at < len(text) and widths.total() < 1000:
        row = reader.read(text, at, final=True)
        if row is None or row.end <= at:
            break
        if row.line:
            widths[row.fields is not None] += 1
        at = row.end
    share = widths[True] / widths.total() if widths else 1.0
    return share if len(names) > 1 else share / 2, len(names), delimiter, names


def _lines(found: FoundFile, form: FileFormat) -> Iterator[bytes]:
    for batch in _batches(found, form):
        for start, end in itertools.pairwise(batch.offsets.tolist()):
            yield batch.text[start : end - 1]


def _batches(found: FoundFile, form: FileFormat) -> Iterator[Batch]:
    content = Content(found)
    match form:
        case JsonLines():
            yield from read_json_lines(content)
        case JsonDocument():
            yield from read_json_document(content, form)
        case CombinedLog():
            yield from read_access_log(content, wanted=())
        case Csv():
            head = b"".join(_until(Content(found).texts(), _BEGINNING))
            names = RowReader(form, ()).names(head, final=True)
            yield from read_csv(content, form, known=(names[0] if names is not None else None) or (), wanted=())


def _record(line: bytes) -> dict[str, Any] | None:
    """The record of a line; None where it is none."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() != {"_raw"} else None


def _until(texts: Iterator[bytes], size: int) -> Iterator[bytes]:
    for text in texts:
        yield text
        size -= len(text)
        if size <= 0:
            return


def _feeds(forms: dict[FileFormat, list[str]]) -> tuple[Feed, ...]:
    """One feed for each format. Raises `ConfigurationError` where two have files of the same ending, which nobody could tell apart later."""
    feeds: dict[str, Feed] = {}
    taken: dict[str, FileFormat] = {}
    for form, names in forms.items():
        patterns = list(dict.fromkeys(f"**/*{_suffix(name)}" if _suffix(name) else f"**/{_unpacked(name)}" for name in names))
        for pattern in patterns:
            if pattern in taken:
                raise ConfigurationError(f"Files of {pattern} are in two formats: {taken[pattern]} and {form}. Name samples of one, or rename them.")
            taken[pattern] = form
        name, ending = _NAMES[type(form)]
        if not any(pattern.endswith(".*") or "*." in pattern for pattern in patterns):
            patterns.append(f"**/*{ending}")
        name = name if name not in feeds else f"{name}_{len(feeds) + 1}"
        feeds[name] = Feed(name, tuple(patterns), form)
    return tuple(feeds.values())


def _unpacked(name: str) -> str:
    return name[: name.rindex(".")] if packing_of(name) is not None else name


def _suffix(name: str) -> str:
    """`.csv` of `plays.csv.gz`; empty for a name without a telling ending (`access.log.1`)."""
    suffix = PurePosixPath(_unpacked(name)).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]*", suffix) else ""


def _found(path: Path) -> FoundFile:
    if not path.is_file():
        raise ConfigurationError(f"There is no file {path}. Expected files with sample records; name them one by one.")
    store = open_folder(path.resolve().parent)
    try:
        entry = store.entry(path.resolve().name)
    except FileNotFoundError as error:
        raise TransientError(f"{path} is gone.") from error
    return FoundFile(path.name, Feed("sample", ("**",), JsonLines()), entry.size, entry.modified, store, entry.path)
