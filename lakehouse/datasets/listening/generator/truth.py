"""What a sample holds, counted while it is made."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import Counts
from lakehouse.datasets.listening.generator.defects import COPIES, UNPLACED, rules
from lakehouse.datasets.listening.generator.world import World

_TOP = 10


class Tally:
    """Adds up the events of one file after the other, day after day: `add` for each file of a day, then `end_day`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lines: Counter[str] = Counter()
        self.fates: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.days: Counter[str] = Counter()
        self.plays = np.zeros(world.songs.height, np.int64)
        self.numbers: Counter[str] = Counter()
        self.of_day: list[pl.DataFrame] = []
        self.sessions: list[pl.Series] = []
        self.seen = np.zeros(world.users.height, bool)
        self.players = np.zeros(world.users.height, bool)
        self.levels = np.zeros((world.users.height, 2), bool)
        self.newest = np.full(world.users.height, -1, np.int8)

    def add(self, spoiled: pl.DataFrame) -> None:
        """Count the lines of the files of `defects.spoil`."""
        told = spoiled.with_columns(rule=rules())
        self.lines["read"] += told.height
        self.lines["unplaced"] += told.filter(pl.col("fate").is_in(UNPLACED)).height
        self.lines["unreadable"] += told.filter(pl.col("fate") == "malformed").height
        self.lines["duplicate"] += told.filter(pl.col("fate").is_in(COPIES)).height
        self.fates.update(dict(told["fate"].value_counts().iter_rows()))
        self.rules.update(dict(told["rule"].drop_nulls().value_counts().iter_rows()))
        self._kept(told.filter(pl.col("rule").is_null() & ~pl.col("fate").is_in(COPIES)))

    def _kept(self, kept: pl.DataFrame) -> None:
        days = kept.select(pl.from_epoch("at", "us").dt.strftime("%Y-%m-%d").alias("day"))["day"]
        self.days.update(dict(days.value_counts().iter_rows()))
        played = kept.filter(pl.col("song") >= 0)
        self.plays += np.bincount(played["song"].to_numpy(), minlength=len(self.plays))
        named = kept.filter(pl.col("user") >= 0)
        users, level = named["user"].to_numpy(), named["level"].to_numpy()
        self.numbers["plays"] += played.height
        self.numbers["paid_plays"] += played.filter(pl.col("level") == 1).height
        self.numbers["logged_out"] += kept.height - named.height
        self.numbers["double_encoded"] += self.world.songs["double_encoded"].to_numpy()[played["song"].to_numpy()].sum()
        self.sessions.append(kept["session"].unique())
        self.seen[users] = True
        self.players[played["user"].to_numpy()] = True
        self.levels[users, level] = True
        self.of_day.append(named.select("at", "session", "item", "user", "level"))

    def end_day(self) -> None:
        """Follow the levels of the users over the day, on from those of the day before."""
        named = pl.concat(self.of_day).sort("at", "session", "item")
        self.of_day.clear()
        users, level = named["user"].to_numpy(), named["level"].to_numpy()
        before = named.select(pl.col("level").shift().over("user").fill_null(-1)).to_series().to_numpy()
        before = np.where(before < 0, self.newest[users], before)
        self.numbers["level_switches"] += int(((before >= 0) & (before != level)).sum())
        last = named.group_by("user").agg(pl.col("level").last())
        self.newest[last["user"].to_numpy()] = last["level"].to_numpy()

    def counts(self) -> Counts:
        """The counts of everything together."""
        read, unplaced, unreadable = self.lines["read"], self.lines["unplaced"], self.lines["unreadable"]
        refused, kept = sum(self.rules.values()) - unreadable, sum(self.days.values())
        return Counts(
            fetch=FetchBooks(read=int(read), placed=int(read - unplaced), unplaced=int(unplaced)),
            books=Books(
                lines=int(read), unreadable=int(unreadable), records=int(read - unreadable), rows=int(read - unreadable),
                quarantined=int(refused), duplicate=int(self.lines["duplicate"]), kept=kept,
            ),
            rules={rule: int(n) for rule, n in sorted(self.rules.items())},
            days={day: int(n) for day, n in sorted(self.days.items())},
        )  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """What the marts must say."""
        songs = self.world.songs.with_columns(pl.Series("plays", self.plays))
        units = (songs["length"] * 100_000).round().cast(pl.Int64)  # lengths have five decimals: sums of whole numbers are exact
        pairs = (
            songs.filter(pl.col("plays") > 0)
            .group_by("song", "artist")
            .agg(pl.col("plays").sum())
            .sort("plays", "song", "artist", descending=[True, False, False])
        )
        return {
            "events": sum(self.days.values()),
            **{name: int(count) for name, count in sorted(self.numbers.items())},
            "users": int(self.seen.sum()),
            "users_with_plays": int(self.players.sum()),
            "users_two_levels": int(self.levels.all(axis=1).sum()),
            "sessions": int(pl.concat(self.sessions).n_unique()) if self.sessions else 0,
            "song_artist_pairs": pairs.height,
            "seconds": int((units * songs["plays"]).sum()) / 100_000,
            "top_songs": [list(row) for row in pairs.head(_TOP).iter_rows()],
        }
