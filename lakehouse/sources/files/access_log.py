"""Access logs in the combined or common format."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.sources.files.batch import Batch, of_lines, raw_line
from lakehouse.sources.files.content import Content
from lakehouse.sources.files.json_text import read_json_lines

FIELDS = ("host", "ident", "user", "time", "request", "status", "size", "referer", "agent")
_TEXT = r'"((?:[^"\\]|\\.)*)"'  # the server writes a quote in a text as \"
_LINE = rf"^(\S+) (\S+) (\S.*?) \[([^\]]+)\] {_TEXT} (\d{{3}}|-) (\d+|-)(?: {_TEXT} {_TEXT})?$"


def read_access_log(content: Content, *, wanted: Collection[str]) -> Iterator[Batch]:
    """Every line as a JSON object of strings; one in the common format lacks `referer` and `agent`. What is no such line is `{"_raw": ...}`."""
    for batch in read_json_lines(content):
        ends = batch.offsets[1:] - 1
        lines = [batch.text[start:end] for start, end in zip(batch.offsets[:-1].tolist(), ends.tolist(), strict=True)]
        yield _split(lines, batch.numbers, wanted)


def _split(lines: list[bytes], numbers: npt.NDArray[np.int64], wanted: Collection[str]) -> Batch:
    texts = pl.Series("line", [_decoded(line) for line in lines], dtype=pl.String)
    groups = texts.str.extract_groups(_LINE).struct.rename_fields(list(FIELDS)).struct.unnest()
    combined = pl.struct(*FIELDS).struct.json_encode()
    common = pl.struct(*FIELDS[:7]).struct.json_encode()
    told = groups.select(pl.when(pl.col("host").is_null()).then(None).when(pl.col("agent").is_null()).then(common).otherwise(combined).alias("json"))[
        "json"
    ]
    split = [record.encode() if record is not None else raw_line(line) if line else b"" for record, line in zip(told.to_list(), lines, strict=True)]
    return replace(of_lines(split, ()), numbers=numbers, columns=groups.select(name for name in FIELDS if name in wanted))


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
