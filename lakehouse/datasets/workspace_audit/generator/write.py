"""The files of a sample: the lines of each hour with the server's times, and the facts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import zstandard

from lakehouse.accounts.truth import TRUTH_FILE
from lakehouse.datasets.workspace_audit.generator.facts import FACTS_FILE
from lakehouse.datasets.workspace_audit.generator.logs import LOGS
from lakehouse.datasets.workspace_audit.generator.people import micros
from lakehouse.datasets.workspace_audit.generator.render import hour_name
from lakehouse.errors import ConfigurationError


def clear_folder(folder: Path) -> None:
    """Make the folder, or empty it of an earlier sample; `ConfigurationError` when it holds anything else."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = {*LOGS, FACTS_FILE, TRUTH_FILE}
    strangers = sorted(p.name for p in folder.iterdir() if p.name not in ours)
    if strangers:
        raise ConfigurationError(f"{folder} holds {', '.join(strangers[:3])}, which no sample has. Name an empty folder or one of an earlier sample.")
    (folder / TRUTH_FILE).unlink(missing_ok=True)
    (folder / FACTS_FILE).unlink(missing_ok=True)
    for name in LOGS:
        if (folder / name).exists():
            shutil.rmtree(folder / name)


def write_hours(folder: Path, application: str, lines: pl.Series, facts: pl.DataFrame) -> None:
    """One file of lines and one of times for each hour that has any."""
    place = folder / application
    place.mkdir(exist_ok=True)
    offsets, data = _buffers(lines)
    items = facts.filter(pl.col("row") == 0)
    times = items.select(pl.col("time", "visible").cast(pl.Int64)).to_numpy()
    compressor = zstandard.ZstdCompressor(level=1)
    at = 0
    for hour, count in items.group_by("hour", maintain_order=True).len().iter_rows():
        stem = hour_name(micros(hour))
        (place / f"{stem}.jsonl.zst").write_bytes(compressor.compress(data[offsets[at] : offsets[at + count]]))
        np.save(place / f"{stem}.npy", np.ascontiguousarray(times[at : at + count]))
        at += count


def _buffers(lines: pl.Series) -> tuple[np.ndarray, memoryview]:
    """(where each line begins and the last one ends, all bytes) of a column of bytes."""
    texts: Any = lines.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = texts.buffers()
    return np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1], memoryview(data)


def read_hour(folder: Path, application: str, stem: str) -> tuple[list[bytes], np.ndarray]:
    """(lines without their newlines, times as (n, 2) microseconds: server-side event time, visible at) of one hour's file."""
    text = zstandard.ZstdDecompressor().decompress((folder / application / f"{stem}.jsonl.zst").read_bytes())
    times: np.ndarray = np.load(folder / application / f"{stem}.npy")
    return text.removesuffix(b"\n").split(b"\n"), times
