"""The feed `events`: sessions of page views, clicks and steps to an order, day by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from lakehouse.datasets.clickstream.generator.arguments import Arguments, Index, Mask, Tally, chosen
from lakehouse.datasets.clickstream.generator.world import EVENT_TYPES, TYPE_SHARES, World

DAY_MS = 86_400_000
_PER_SESSION = 8
_HEARTBEAT = EVENT_TYPES.index("heartbeat")
_FATES = ("fine", "unknown_fields", "malformed", "wrong_types", "missing_keys", "unreadable_times")
_FATE = {name: number for number, name in enumerate(_FATES)}


@dataclass
class Visits:
    """Sessions of all days. `carry`: events of the day before that happened after midnight. What is met of users and sessions is for the truth."""

    arguments: Arguments
    world: World
    rng: np.random.Generator
    carry: pl.DataFrame | None = None
    sessions: int = 0
    users: Mask = field(init=False)
    before: Index = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        self.users = np.zeros(max(10, self.arguments.events // 25), bool)

    def days(self) -> Iterator[tuple[dt.date, pl.DataFrame]]:
        """For each day its events, by time: `time` (ms of the epoch), numbers of `session`, `user`, `agent`, `type`, `page`, `referrer`."""
        share = self.arguments.events // self.arguments.days
        for number in range(self.arguments.days):
            day = self.arguments.start + dt.timedelta(days=number)
            end = _ms(day) + DAY_MS
            made = self._sessions(day, share - (0 if self.carry is None else self.carry.height))
            here = made if self.carry is None else pl.concat([self.carry, made])
            self.carry = here.filter(pl.col("time") >= end)  # nobody waits for what the last day began
            yield day, here.filter(pl.col("time") < end).sort("time")

    def _sessions(self, day: dt.date, rows: int) -> pl.DataFrame:
        rng = self.rng
        sizes = 1 + rng.poisson(_PER_SESSION - 1, rows // _PER_SESSION * 2 + 1)
        owner = np.repeat(np.arange(len(sizes)), sizes)[:rows]
        count = int(owner[-1]) + 1 if rows else 0
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])[owner]
        gaps = np.cumsum(rng.exponential(90_000, rows)).astype(np.int64)
        begins = _ms(day) + (rng.random(count) * DAY_MS).astype(np.int64)
        kinds = rng.choice(len(TYPE_SHARES), rows, p=TYPE_SHARES)
        kinds = np.where(rng.random(rows) < self.arguments.heartbeats, _HEARTBEAT, kinds)
        base, self.sessions = self.sessions, self.sessions + count
        return pl.DataFrame(
            {
                "time": begins[owner] + gaps - gaps[first],
                "session": owner + base,
                "user": rng.integers(0, len(self.users), count)[owner],
                "agent": self.world.draw_agents(rng, count, self.arguments.bots)[owner],
                "type": kinds,
                "page": (rng.random(rows) ** 2 * len(self.world.pages)).astype(np.int64),
                "referrer": np.where(np.arange(rows) == first, rng.integers(-1, len(self.world.referrers), rows), -1),
            }
        )


def write_day(day: dt.date, rows: pl.DataFrame, visits: Visits, folder: Path, tally: Tally) -> None:
    """Write the file of a day, and the file of its late events; count what is in them."""
    arguments, rng = visits.arguments, visits.rng
    size = rows.height
    fate = np.zeros(size, np.int8)
    for name in _FATES[1:]:
        fate[chosen(rng, getattr(arguments, name), size, fate == 0)] = _FATE[name]
    fine = fate <= _FATE["unknown_fields"]
    late = chosen(rng, arguments.late, size, np.ones(size, bool))
    twice = chosen(rng, arguments.duplicates, size, fine)
    places = np.arange(size, dtype=np.float64)
    moved = chosen(rng, arguments.out_of_order, size, ~late)
    places[moved] += rng.uniform(-0.4, 0.4, int(moved.sum())) * size / 60  # up to some ten minutes
    lines = _lines(day, rows, fate, visits.world, arguments.seed)
    order = pl.DataFrame({"line": lines, "place": places, "late": late})
    again = order.filter(pl.Series(twice))
    _write(folder / "first" / "events" / f"events_{day}.jsonl", pl.concat([order.filter(~pl.col("late")), again]).sort("place", maintain_order=True))
    if late.any():
        _write(folder / "late" / "events" / f"events_{day}_late.jsonl", order.filter("late"))
    _count(day, rows, fate, twice, visits, tally)
    tally.defects.update({"late": int(late.sum()), "out_of_order": int(moved.sum()), "duplicates": int(twice.sum())})


def _count(day: dt.date, rows: pl.DataFrame, fate: np.ndarray, twice: Mask, visits: Visits, tally: Tally) -> None:
    fine = fate <= _FATE["unknown_fields"]
    bot = rows["agent"].to_numpy() >= visits.world.people
    heartbeat = (rows["type"].to_numpy() == _HEARTBEAT) & ~bot
    kept = fine & ~bot & ~heartbeat
    for rule, mask in (("bot", bot), ("heartbeat", heartbeat)):
        tally.filter(rule, int((mask & fine).sum() + (mask & twice).sum()))
    tally.repeat(int((kept & twice).sum()))
    tally.keep("events", day, int(kept.sum()))
    number = {name: int((fate == _FATE[name]).sum()) for name in _FATES[1:]}
    tally.defects.update(number)
    tally.refuse("unreadable_json", number["malformed"], readable=False, placed=False)
    tally.refuse("time_unreadable", number["unreadable_times"], readable=True, placed=False)
    tally.refuse("changed_type", number["wrong_types"], readable=True, placed=True)
    tally.refuse("missing_required", number["missing_keys"], readable=True, placed=True)
    visits.users[rows["user"].to_numpy()[kept]] = True
    met = np.unique(rows["session"].to_numpy()[kept])
    over_midnight = len(np.intersect1d(met, visits.before, assume_unique=True))
    tally.facts.update({"sessions": len(met) - over_midnight, "sessions_over_midnight": over_midnight})
    visits.before = met


def _lines(day: dt.date, rows: pl.DataFrame, fate: np.ndarray, world: World, seed: int) -> pl.Series:
    """The events as JSON. None of the texts holds anything that JSON would escape."""
    frame = rows.select(
        fate=pl.Series(fate),
        number=pl.int_range(rows.height),
        user="user",
        session="session",
        time=pl.from_epoch("time", "ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        type=world.types.gather(rows["type"]),
        page=world.pages.gather(rows["page"]),
        agent=world.agents.gather(rows["agent"]),
        referrer=world.referrers.gather(rows["referrer"].clip(0)),
        told=rows["referrer"] >= 0,
    )
    fate_is = {name: pl.col("fate") == number for name, number in _FATE.items()}
    event = pl.concat_str(pl.lit(f'"event_id":"evt-{seed}-{day:%Y%m%d}-'), "number", pl.lit('",'))
    user = pl.concat_str(pl.lit('"user_id":"u'), "user", pl.lit('",'))
    stamp = pl.concat_str(pl.lit('"timestamp":"'), "time", pl.lit('",'))
    parts = pl.concat_str(
        pl.lit("{"),
        pl.when(~fate_is["missing_keys"]).then(event).otherwise(pl.lit("")),
        pl.when(fate_is["wrong_types"]).then(pl.concat_str(pl.lit('"user_id":'), "user", pl.lit(","))).otherwise(user),
        pl.when(fate_is["unreadable_times"]).then(pl.lit('"timestamp":"yesterday",')).otherwise(stamp),
        pl.lit('"event_type":"'),
        "type",
        pl.lit('","page_url":"https://shop.example.com'),
        "page",
        pl.lit('","user_agent":"'),
        "agent",
        pl.lit('","session_id":"s'),
        "session",
        pl.lit('"'),
        pl.when("told").then(pl.concat_str(pl.lit(',"referrer":"'), "referrer", pl.lit('"'))).otherwise(pl.lit("")),
        pl.when(fate_is["unknown_fields"]).then(pl.lit(',"campaign":{"id":7,"test":true}')).otherwise(pl.lit("")),
        pl.lit("}"),
    )
    return frame.select(line=pl.when(fate_is["malformed"]).then(parts.str.slice(0, parts.str.len_bytes() // 2)).otherwise(parts)).to_series()


def _write(path: Path, lines: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines.select("line").write_csv(path, include_header=False, quote_style="never")


def _ms(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp()) * 1000
