"""Sessions and their events: who, when, what page, which song."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.datasets.listening.generator.world import World, pick

DAY = 86_400_000_000  # microseconds
_HOURS = np.array([3, 2, 1, 1, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7, 7, 8, 9, 9, 8, 8, 7, 6, 5, 4], np.float64)
_WEEKDAYS = np.array([1.0, 1.0, 1.05, 1.05, 1.2, 0.9, 0.8])  # Monday to Sunday
_PAGES = (("NextSong", 0.86, "PUT", 200), ("Home", 0.07, "GET", 200), ("Add to Playlist", 0.02, "PUT", 200), ("Logout", 0.015, "PUT", 307),
          ("Settings", 0.012, "GET", 200), ("Downgrade", 0.008, "GET", 200), ("Help", 0.008, "GET", 200), ("Error", 0.007, "GET", 404))  # fmt: skip
_SESSION_EVENTS = 9.0  # on average
_SECONDS_PER_PAGE = 40
_LOGGED_OUT = ("Home", "Login", "About")


def day_shares(first_weekday: int, days: int) -> npt.NDArray[np.float64]:
    """What share of the events each day has."""
    weights = _WEEKDAYS[(first_weekday + np.arange(days)) % 7]
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


def draw_day(world: World, rng: np.random.Generator, start: int, events: int, first_session: int, csv: float) -> pl.DataFrame:
    """The events, about so many, of the sessions that begin on the day that starts at `start` (microseconds), some of them on the next day.

    Columns: `at` (microseconds), `user` (its place, -1 logged out), `session`, `item`, `page`, `method`, `status`, `song` (its place, -1 none),
    `level` (0 free, 1 paid), `csv`.
    """
    sessions = max(1, round(events / _SESSION_EVENTS))
    lengths = rng.geometric(1 / _SESSION_EVENTS, sessions)
    count, owner = int(lengths.sum()), np.repeat(np.arange(sessions), lengths)
    begins = np.cumsum(lengths) - lengths
    item = np.arange(count) - begins[owner]
    user = pick(rng, world.fans, sessions)[owner]
    # People who log in first: the events before are nobody's.
    before_login = np.where(rng.random(sessions) < 0.12, rng.integers(1, 3, sessions), 0)[owner]
    logged_out = item < before_login
    page = pick(rng, np.cumsum([share for _, share, _, _ in _PAGES]), count)
    song = np.where((page == 0) & ~logged_out, pick(rng, world.weights, count), -1)
    lasts = np.where(song >= 0, world.songs["length"].to_numpy()[song], rng.exponential(_SECONDS_PER_PAGE, count) + 1)
    ends = np.cumsum((lasts * 1000).astype(np.int64))  # whole milliseconds, at least one apart
    offset = ends - (ends - (lasts * 1000).astype(np.int64))[begins][owner] - (lasts * 1000).astype(np.int64)
    hour = pick(rng, np.cumsum(_HOURS), sessions)
    begin = start // 1000 + hour * 3_600_000 + rng.integers(0, 3_600_000, sessions)
    at = (begin[owner] + offset) * 1000
    flips = at >= world.switch[user]
    names, _, methods, codes = (np.array(values) for values in zip(*_PAGES, strict=True))
    return pl.DataFrame(
        {
            "at": at,
            "user": np.where(logged_out, -1, user),
            "session": first_session + owner,
            "item": item,
            "page": np.where(logged_out, np.array(_LOGGED_OUT)[item % len(_LOGGED_OUT)], names[page]),
            "method": np.where(logged_out, "GET", methods[page]),
            "status": np.where(logged_out, 200, codes[page].astype(np.int64)),
            "song": song,
            "level": (world.level[user] ^ flips).astype(np.int8),
            "csv": (rng.random(sessions) < csv)[owner],
        }
    )
