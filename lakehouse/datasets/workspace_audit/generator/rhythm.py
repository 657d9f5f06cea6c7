"""When things happen: how many activities fall into which hour, and how the work is cut into blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lakehouse.datasets.workspace_audit.generator.logs import Log, find_log
from lakehouse.datasets.workspace_audit.generator.people import HOUR, World

BLOCK = 100_000
_WEEKEND = 0.3
_ANOMALY = 2.5
# Share of the noon's traffic for each hour of a working day (UTC).
_DAY = np.array([0, 0, 0, 0, 2, 6, 18, 45, 80, 95, 100, 90, 72, 88, 98, 95, 82, 60, 35, 22, 15, 10, 5, 2]) / 100


@dataclass(frozen=True)
class Block:
    """Consecutive hours of one application. `hours`: their first microseconds; `first`: number of the first activity in its application."""

    application: str
    number: int
    first: int
    hours: np.ndarray
    counts: np.ndarray

    @property
    def activities(self) -> int:
        """How many activities the block has."""
        return int(self.counts.sum())


def hour_starts(world: World) -> np.ndarray:
    """First microsecond of every hour of the sample."""
    return np.arange(world.start, world.end, HOUR)


def anomaly_hour(world: World) -> int:
    """First microsecond of the hour with far too many token calls: a quiet one, about two thirds into the sample."""
    hours = hour_starts(world)
    late = {int(h.hour.timestamp()) * 1_000_000 for h in world.arguments.late}
    later = [int(h) for h in hours[len(hours) * 2 // 3 :] if int(h) not in late]
    quiet = [h for h in later if 1 <= h // HOUR % 24 <= 4]
    return (quiet or later or [int(hours[0])])[0]


def plan_blocks(world: World) -> list[Block]:
    """The blocks of all applications: the numbers of activities add up to what was asked for."""
    arguments = world.arguments
    logs = [find_log(name) for name in arguments.applications]
    rng = np.random.default_rng([arguments.seed, 2])
    shares = np.array([log.share for log in logs])
    totals = rng.multinomial(arguments.events, shares / shares.sum())
    hours = hour_starts(world)
    return [block for log, total in zip(logs, totals, strict=True) for block in _cut(log.name, hours, rng.multinomial(total, _weights(log, world)))]


def _weights(log: Log, world: World) -> np.ndarray:
    hours = hour_starts(world)
    weekday = (hours // (24 * HOUR) + 3) % 7
    rhythm = log.background + (1 - log.background) * _DAY[hours // HOUR % 24]
    weights = rhythm * np.where(weekday >= 5, _WEEKEND, 1.0)
    if log.name == "token":
        weights[hours == anomaly_hour(world)] = _ANOMALY * weights.max()
    normed: np.ndarray = weights / weights.sum()
    return normed


def _cut(application: str, hours: np.ndarray, counts: np.ndarray) -> list[Block]:
    number = (np.cumsum(counts) - counts) // BLOCK
    first = np.concatenate([[0], np.cumsum(counts)])
    blocks = []
    for n, value in enumerate(np.unique(number)):
        where = np.flatnonzero(number == value)
        blocks.append(Block(application, n, int(first[where[0]]), hours[where], counts[where]))
    return blocks
