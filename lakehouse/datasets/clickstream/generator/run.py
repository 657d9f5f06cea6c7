"""Writing a sample, day by day: bounded memory however many events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.clickstream.generator import clicks, events, logs
from lakehouse.datasets.clickstream.generator.arguments import Arguments, Tally
from lakehouse.datasets.clickstream.generator.world import World

Progress = Callable[[int, int], None]

DEMO_DAYS = 5
_DEMO = Arguments(seed=11, days=DEMO_DAYS, events=9_000, clicks=0.3, requests=0.2, agents=120)


def generate(folder: Path, arguments: Arguments, progress: Progress | None = None) -> SampleTruth:
    """Write the files of a sample below `folder/first` and `folder/late`, then its truth.

    `progress` is told (days done, days in all). A folder must not hold another sample.
    """
    tally, world = Tally(), World.make(arguments.agents)
    visits = events.Visits(arguments, world, np.random.default_rng([arguments.seed, 1]))
    rng = np.random.default_rng([arguments.seed, 2])
    for number, (day, rows) in enumerate(visits.days(), 1):
        events.write_day(day, rows, visits, folder, tally)
        clicks.write_day(day, arguments, rng, folder, tally)
        logs.write_day(day, arguments, world, rng, folder, tally)
        if progress is not None:
            progress(number, arguments.days)
    facts = dict(sorted(tally.facts.items())) | {
        "users": int(visits.users.sum()),
        "filtered": dict(sorted(tally.filtered.items())),
        "kept": {feed: sum(n for (f, _), n in tally.kept.items() if f == feed) for feed in ("events", "globo", "access_log")},
    }
    truth = SampleTruth(msgspec.to_builtins(arguments), tally.counts(), dict(sorted(tally.defects.items())), facts)
    truth.save(folder)
    return truth


def small_demo(folder: Path, now: dt.datetime, progress: Progress | None = None) -> SampleTruth:
    """A small sample of `DEMO_DAYS` days that end with the day before `now`."""
    return generate(folder, msgspec.structs.replace(_DEMO, start=now.date() - dt.timedelta(days=DEMO_DAYS)), progress)
