"""Generate a sample: file by file, the same bytes for the same arguments."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from lakehouse.accounts.truth import TRUTH_FILE, SampleTruth
from lakehouse.datasets.listening.generator.catalogue import write_catalogue
from lakehouse.datasets.listening.generator.defects import spoil
from lakehouse.datasets.listening.generator.draw import DAY, day_shares, draw_day
from lakehouse.datasets.listening.generator.options import Arguments
from lakehouse.datasets.listening.generator.render import write_files
from lakehouse.datasets.listening.generator.truth import Tally
from lakehouse.datasets.listening.generator.world import World, make_world
from lakehouse.errors import ConfigurationError

Progress = Callable[[int, int], None]
_FILE_EVENTS = 250_000  # bounds the memory


def generate(folder: Path, arguments: Arguments, progress: Progress | None = None) -> SampleTruth:
    """Write a sample below a folder: what is there at first in `first/`, what comes later in `late/`, and what a reader of both must find.

    `log_data/YYYY/MM/*.json` and `exports/**/*.csv` are events, `song_data/*.json` is the catalogue; `truth.json` is written last. A sample that
    was there is replaced. `progress` is told (days done, days in all). Raises `ConfigurationError` for a folder that holds anything but a sample.
    """
    _clear(folder)
    first = int(dt.datetime.combine(arguments.start, dt.time(), tzinfo=dt.UTC).timestamp()) * 1_000_000
    world = make_world(arguments, first, first + arguments.days * DAY)
    tally, files = Tally(world), 0
    for day, parts in enumerate(_days(arguments, world, first)):
        date = arguments.start + dt.timedelta(days=day)
        spoiled = []
        for number, part in enumerate(parts, 1):
            name = f"{date:%Y/%m}/{date}" + (f"-{number:02d}" if len(parts) > 1 else "")
            spoiled.append(spoil(part, arguments.defects, np.random.default_rng([arguments.seed, 4, day, number])))
            files += len(write_files(folder, name, spoiled[-1], world))
        tally.add(pl.concat(spoiled))
        if progress is not None:
            progress(day + 1, arguments.days)
    catalogue = write_catalogue(folder, world, arguments.catalogued, arguments.seed)
    facts = {**tally.facts(), "files": files, "catalogue": catalogue}
    truth = SampleTruth(msgspec.to_builtins(arguments), tally.counts(), {k: n for k, n in sorted(tally.fates.items()) if k != "kept"}, facts)
    truth.save(folder)
    return truth


def _days(arguments: Arguments, world: World, first: int) -> Iterator[list[pl.DataFrame]]:
    """The events of each day, in as many frames as there are files. What lasts into the next day is in the first frame of that."""
    shares = day_shares(arguments.start.weekday(), arguments.days)
    session, over = 1, None
    for day, share in enumerate(shares):
        start, wanted = first + day * DAY, round(arguments.events * share)
        pieces = max(1, -(-wanted // _FILE_EVENTS))
        frames, left = [], []
        for piece in range(pieces):
            rng = np.random.default_rng([arguments.seed, 2, day, piece])
            frame = draw_day(world, rng, start, wanted // pieces, session, arguments.csv)
            session += frame["session"].n_unique()
            if piece == 0 and over is not None:
                frame = pl.concat([over, frame])
            frames.append(frame.filter(pl.col("at") < start + DAY).sort("at", "session", "item"))
            left.append(frame.filter(pl.col("at") >= start + DAY))
        over = pl.concat(left)
        yield frames


def _clear(folder: Path) -> None:
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if found - {"first", "late", TRUTH_FILE}:
        raise ConfigurationError(f"{folder} holds more than a sample: {', '.join(sorted(found))}. Name an empty folder.")
    (folder / TRUTH_FILE).unlink(missing_ok=True)
    for name in ("first", "late"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
