"""Generate a sample: file by file, the same bytes for the same arguments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.listening.generator.catalogue import write_catalogue
from lakehouse.datasets.listening.generator.defects import spoil
from lakehouse.datasets.listening.generator.draw import DAY, day_shares, draw_day
from lakehouse.datasets.listening.generator.options import Arguments
from lakehouse.datasets.listening.generator.render import write_files
from lakehouse.datasets.listening.generator.truth import Tally
from lakehouse.datasets.listening.generator.world import World, make_world
from lakehouse.datasets.sample_files import clear_sample

Progress = Callable[[int, int], None]
_FILE_EVENTS = 100_000  # bounds the memory


def generate(folder: Path, arguments: Arguments, progress: Progress | None = None) -> SampleTruth:
    """Write a sample below a folder: what is there at first in `first/`, what comes later in `late/`, and what a reader of both must find.

    `log_data/YYYY/MM/*.json` and `exports/**/*.csv` are events, `song_data/*.json` is the catalogue; `truth.json` is written last. A sample that
    was there is replaced. `progress` is told (days done, days in all). Raises `ConfigurationError` for a folder that holds anything but a sample.
    """
    clear_sample(folder)
    first = int(dt.datetime.combine(arguments.start, dt.time(), tzinfo=dt.UTC).timestamp()) * 1_000_000
    world = make_world(arguments, first, first + arguments.days * DAY)
    tally, files = Tally(world), 0
    for day, parts in enumerate(_days(arguments, world, first)):
        date = arguments.start + dt.timedelta(days=day)
        for number, part in enumerate(parts, 1):
            spoiled = spoil(part, arguments.defects, np.random.default_rng([arguments.seed, 4, day, number]))
            files += len(write_files(folder, f"{date:%Y/%m}/{date}-{number:02d}", spoiled, world))
            tally.add(spoiled)
        tally.end_day()
        if progress is not None:
            progress(day + 1, arguments.days)
    catalogue = write_catalogue(folder, world, arguments.catalogued, arguments.seed)
    facts = {**tally.facts(), "files": files, "catalogue": catalogue}
    truth = SampleTruth(msgspec.to_builtins(arguments), tally.counts(), {k: n for k, n in sorted(tally.fates.items()) if k != "kept"}, facts)
    truth.save(folder)
    return truth


def _days(arguments: Arguments, world: World, first: int) -> Iterator[Iterator[pl.DataFrame]]:
    """The events of each day, in as many frames as there are files. Each day must be taken whole before the next."""
    shares = day_shares(arguments.start.weekday(), arguments.days)
    drawing = _Drawing(arguments, world)
    for day, share in enumerate(shares):
        yield drawing.day(day, first + day * DAY, round(arguments.events * share))


class _Drawing:
    """Draws day after day. What lasts into the next day is in the first frame of that."""

    def __init__(self, arguments: Arguments, world: World) -> None:
        self._arguments, self._world = arguments, world
        self._session = 1
        self._over: list[pl.DataFrame] = []

    def day(self, day: int, start: int, wanted: int) -> Iterator[pl.DataFrame]:
        pieces = max(1, -(-wanted // _FILE_EVENTS))
        over, self._over = self._over, []
        for piece in range(pieces):
            rng = np.random.default_rng([self._arguments.seed, 2, day, piece])
            drawn = draw_day(self._world, rng, start, wanted // pieces, self._session, self._arguments.csv)
            self._session += drawn["session"].n_unique()
            frame = pl.concat([*over, drawn]) if piece == 0 else drawn
            self._over.append(frame.filter(pl.col("at") >= start + DAY))
            yield frame.filter(pl.col("at") < start + DAY).sort("at", "session", "item")
