"""The users and songs of a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.datasets.listening.generator.options import Arguments

_FIRST = ("Lily", "Ryan", "Kate", "Samuel", "Aleena", "Jacob", "Chloe", "Noah", "Tegan", "Rylan", "Mohammad", "Anabelle")
_LAST = ("Koch", "Smith", "Harrell", "Gonzalez", "Kirby", "Klein", "Cuevas", "Simpson", "Levine", "George", "Rodriguez", "Lynch")
_PLACES = (
    "Chicago-Naperville-Elgin, IL-IN-WI", "San Jose-Sunnyvale-Santa Clara, CA", "Lansing-East Lansing, MI", "Houston-The Woodlands-Sugar Land, TX",
    "Waterloo-Cedar Falls, IA", "Tampa-St. Petersburg-Clearwater, FL", "San Francisco-Oakland-Hayward, CA", "Portland-South Portland, ME",
    "Atlanta-Sandy Springs-Roswell, GA", "New York-Newark-Jersey City, NY-NJ-PA", "Marinette, WI-MI", "Red Bluff, CA",
)  # fmt: skip
_AGENTS = (
    '"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.125 Safari/537.36"',
    "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0",
    '"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/36.0.1985.125 Chrome/36.0.1985.125 Safari/537.36"',
    '"Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D257 Safari/9537.53"',
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0)",
    '"Mozilla/5.0 (iPad; CPU OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/11D257 Safari/9537.53"',
)
_WORDS = (
    "Blue",
    "Night",
    "River",
    "Café",
    "Señor",
    "Golden",
    "Björn",
    "Winter",
    "Paper",
    "Électrique",
    "Moon",
    "Hotel",
    "Broken",
    "Dance",
    "Zürich",
    "Sun",
)
_BANDS = ("The", "Los", "Sigur", "DJ", "Queen", "Iron", "Little", "New", "Mötley", "Saint", "Black", "Beyoncé")


@dataclass(frozen=True)
class World:
    """`users`: one row per user, without level. `songs`: title, artist, length, as the log writes them, and as the catalogue does.

    `level[u]`: 0 free, 1 paid at first; `switch[u]`: microsecond at which user u changes to the other one (far away for most).
    `weights`, `fans`: how likely a song is played, how likely a session is of a user.
    """

    users: pl.DataFrame
    songs: pl.DataFrame
    level: npt.NDArray[np.int8]
    switch: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    fans: npt.NDArray[np.float64]


def make_world(arguments: Arguments, first: int, last: int) -> World:
    """Users and songs of a sample whose events lie between two instants (microseconds since 1970)."""
    rng = np.random.default_rng([arguments.seed, 1])
    users, songs = arguments.population, arguments.repertoire
    level = (rng.random(users) < 0.4).astype(np.int8)
    switch = np.where(rng.random(users) < 0.15, rng.integers(first, last, users), np.iinfo(np.int64).max)
    return World(
        _users(rng, users, first),
        _songs(rng, songs, arguments.double_encoded),
        level,
        switch,
        _zipf(songs, 0.9),
        _zipf(users, 0.6),
    )


def _zipf(count: int, exponent: float) -> npt.NDArray[np.float64]:
    weights = 1 / np.arange(1, count + 1) ** exponent
    found: npt.NDArray[np.float64] = np.cumsum(weights / weights.sum())
    return found


def pick(rng: np.random.Generator, cumulated: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Places drawn by cumulated weights."""
    found: npt.NDArray[np.int64] = np.searchsorted(cumulated, rng.random(count) * cumulated[-1]).clip(max=len(cumulated) - 1)
    return found


def _users(rng: np.random.Generator, count: int, first: int) -> pl.DataFrame:
    def some(values: tuple[str, ...]) -> Any:
        return np.array(values)[rng.integers(0, len(values), count)]

    return pl.DataFrame(
        {
            "userId": pl.int_range(1, count + 1, eager=True).cast(pl.String),
            "firstName": some(_FIRST),
            "lastName": some(_LAST),
            "gender": some(("F", "M")),
            "location": some(_PLACES),
            "userAgent": some(_AGENTS),
            # Milliseconds, before the first event.
            "registration": first // 1000 - rng.integers(1, 30 * 86_400_000, count),
        }
    )


def _songs(rng: np.random.Generator, count: int, damaged: float) -> pl.DataFrame:
    bands = max(20, count // 6)
    names = [f"{_BANDS[b % len(_BANDS)]} {_WORDS[int(w)]} {b}" for b, w in enumerate(rng.integers(0, len(_WORDS), bands))]
    one, two = rng.integers(0, len(_WORDS), (2, count))
    title = [f"{_WORDS[int(a)]} {_WORDS[int(b)]} {n}" for n, (a, b) in enumerate(zip(one, two, strict=True))]
    artist = [names[int(b)] for b in rng.integers(0, bands, count)]
    twice = rng.random(count) < damaged
    return pl.DataFrame(
        {
            "title": title,
            "artist_name": artist,
            "song": [double_encoded(f"{t} ö") if d else t for t, d in zip(title, twice, strict=True)],
            "artist": artist,
            "length": np.round(rng.gamma(8.0, 30.0, count).clip(30, 900), 5),
            "double_encoded": twice,
        }
    )


def double_encoded(text: str) -> str:
    """The text as a program writes it that takes its UTF-8 for Latin-1."""
    return text.encode().decode("latin-1")
