"""Writing a sample: files that are there at first, files that come later, and the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.commerce.generator.catalogue import Catalogue
from lakehouse.datasets.commerce.generator.events import make_day
from lakehouse.datasets.commerce.generator.invoices import HEADER, make_invoices, one_more
from lakehouse.datasets.commerce.generator.options import Arguments
from lakehouse.datasets.commerce.generator.truth import Tally

Progress = Callable[[int, int], None]
FIRST, LATE = "first", "late"


def generate(folder: Path, arguments: Arguments, progress: Progress | None = None) -> SampleTruth:
    """Write a sample into an empty or missing folder; the same arguments give the same bytes. Returns the truth, which is the last file written.

    `first/` holds a file of events and one of invoices for every day. `late/` holds events of all days that come afterwards and, where there are
    invoices, those of the first day published again with one line more. Memory follows the largest day: some 300 bytes an event.
    `progress` is told (days done, days in all).
    """
    rng = np.random.default_rng(arguments.seed)
    catalogue, tally = Catalogue.make(rng), Tally(arguments)
    for name in (FIRST, LATE):
        (folder / name).mkdir(parents=True)
    with (folder / LATE / "events_late.jsonl").open("wb") as late:
        for nth, day in enumerate(arguments.dates):
            events = make_day(rng, arguments, nth, catalogue)
            tally.take_events(events)
            with (folder / FIRST / f"events_{day}.jsonl").open("wb") as file:
                for now, afterwards in events.slices():
                    _write(file, now)
                    _write(late, afterwards)
            if arguments.invoice_lines:
                _write_invoices(folder, rng, arguments, nth, catalogue, tally)
            if progress is not None:
                progress(nth + 1, len(arguments.dates))
    truth = tally.truth()
    truth.save(folder)
    return truth


def _write_invoices(folder: Path, rng: np.random.Generator, arguments: Arguments, nth: int, catalogue: Catalogue, tally: Tally) -> None:
    invoices = make_invoices(rng, arguments, nth, catalogue)
    again = one_more(invoices) if nth == 0 else None
    tally.take_invoices(invoices, again=again)
    files = [(FIRST, f"retail_{invoices.day}.csv", invoices), *([(LATE, f"retail_{invoices.day}_again.csv", again)] if again else [])]
    for where, name, day in files:
        with (folder / where / name).open("wb") as file:
            _write(file, pl.concat([pl.Series("line", [HEADER]), day.frame["line"]]))


def _write(file: BinaryIO, lines: pl.Series) -> None:
    """Lines of text, each ended by a newline: the bytes of an Arrow array, newlines joined in by columns."""
    if len(lines):
        ended = lines.to_frame("line").select(pl.col("line") + "\n").to_series()
        file.write(_bytes(ended))


def _bytes(texts: pl.Series) -> memoryview:
    array: Any = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)
    return memoryview(data)[ends[array.offset] : ends[array.offset + len(array)]]
