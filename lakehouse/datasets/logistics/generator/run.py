"""Writing a sample: files that are there at first, files that come later, and the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.logistics.generator import world
from lakehouse.datasets.logistics.generator.exports import HEADER, Orders, flight_lines, order_lines
from lakehouse.datasets.logistics.generator.lines import make_lines
from lakehouse.datasets.logistics.generator.options import Arguments
from lakehouse.datasets.logistics.generator.render import event_lines
from lakehouse.datasets.logistics.generator.shipments import EVENTS_PER_SHIPMENT, make_positions, make_shipments
from lakehouse.datasets.logistics.generator.truth import Tally

Progress = Callable[[int, int], None]
FIRST, LATE = "first", "late"
_POSITIONS = 0.4  # share of the events
_SLICE = 200_000  # lines that are written out at a time


def generate(folder: Path, arguments: Arguments, progress: Progress | None = None) -> SampleTruth:
    """Write a sample into an empty or missing folder; the same arguments give the same bytes. Returns the truth, which is the last file written.

    `first/` holds a file of events for every day, an export of orders, flights, and the dimensions as they were at the beginning. `late/` holds
    events of all days that come afterwards, another export of orders, and how the dimensions changed. Memory follows the largest day: some 600 bytes
    an event.
    """
    rng, tally = np.random.default_rng(arguments.seed), Tally(arguments)
    for name in (FIRST, LATE):
        (folder / name / "dimensions").mkdir(parents=True)
    per_day = arguments.events / arguments.days
    count, number = round(per_day * (1 - _POSITIONS) / EVENTS_PER_SHIPMENT), 0
    for nth, day in enumerate(arguments.dates):
        if progress is not None:
            progress(nth + 1, len(arguments.dates))
        events = pl.concat(
            [make_shipments(rng, arguments, day, nth * count, count), make_positions(rng, arguments, day, round(per_day * _POSITIONS))]
        )
        lines = make_lines(rng, arguments, events, number)
        number += events.height
        tally.take_events(lines)
        _write_events(folder, lines)
    _write_exports(folder, rng, arguments, tally)
    _write_dimensions(folder, arguments)
    truth = tally.truth()
    truth.save(folder)
    return truth


def _write_events(folder: Path, lines: pl.DataFrame) -> None:
    """Append the lines of shipments of a day to the files of the days on which things happened, as they came."""
    dated = lines.with_columns((pl.col("at") // 86_400_000).alias("_day")).sort("late", "_day", "ingest", "number", "resent")
    for (late, _), some in dated.group_by(["late", "_day"], maintain_order=True):
        day = pl.select(pl.lit(some["_day"][0], dtype=pl.Int32).cast(pl.Date)).item()
        path = folder / LATE / "events_late.jsonl" if late else folder / FIRST / f"events_{day}.jsonl"
        with path.open("ab") as file:
            for chunk in some.iter_slices(_SLICE):
                _write(file, event_lines(chunk))


def _write_exports(folder: Path, rng: np.random.Generator, arguments: Arguments, tally: Tally) -> None:
    if arguments.orders:
        exports = Orders(rng, arguments).exports()
        tally.take_orders(*exports)
        for where, export in zip((FIRST, LATE), exports, strict=True):
            (folder / where / "orders").mkdir()
            with (folder / where / "orders" / f"olist_orders_dataset_{where}.csv").open("wb") as file:
                _write(file, pl.concat([pl.Series("line", [HEADER]), order_lines(export)]))
    if arguments.flights:
        (folder / FIRST / "flights").mkdir()
        for day in arguments.dates:
            lines, facts = flight_lines(rng, day, round(arguments.flights / arguments.days))
            tally.take_flights(day, facts)
            with (folder / FIRST / "flights" / f"airlineStats_{day}.jsonl").open("wb") as file:
                _write(file, lines)


def _write_dimensions(folder: Path, arguments: Arguments) -> None:
    told = {
        "carriers": (world.CARRIER_HEADER, world.carriers),
        "facilities": (world.FACILITY_HEADER, world.facilities),
        "lanes": (world.LANE_HEADER, world.lanes),
    }
    for name, (header, make) in told.items():
        for where, rows in zip((FIRST, LATE), make(arguments.start, arguments.half), strict=True):
            (folder / where / "dimensions" / f"{name}_{where}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def _write(file: Any, lines: pl.Series) -> None:
    """Lines of text, each ended by a newline: the bytes of an Arrow array, newlines joined in by columns."""
    if not len(lines):
        return
    array: Any = lines.to_frame("line").select(pl.col("line") + "\n").to_series().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)
    file.write(memoryview(data)[ends[array.offset] : ends[array.offset + len(array)]])
