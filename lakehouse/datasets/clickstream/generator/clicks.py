"""The feed `globo`: clicks on articles as CSV, a file for the sessions that began on a day, so that some of its clicks are of later days."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from lakehouse.datasets.clickstream.generator.arguments import Arguments, Tally, chosen

DAY_MS = 86_400_000
_HEADER = (
    "user_id", "session_id", "session_start", "session_size", "click_article_id", "click_timestamp", "click_environment", "click_deviceGroup",
    "click_os", "click_country", "click_region", "click_referrer_type",
)  # fmt: skip


def write_day(day: dt.date, arguments: Arguments, rng: np.random.Generator, folder: Path, tally: Tally) -> None:
    """Write the file of a day and count what is in it."""
    sessions = round(arguments.events * arguments.clicks / arguments.days / 3)
    if not sessions:
        return
    rows = _clicks(day, sessions, arguments, rng)
    size = rows.height
    short = chosen(rng, arguments.malformed, size, np.ones(size, bool))
    wrong = chosen(rng, arguments.wrong_types, size, ~short)
    texts = rows.select(pl.all().cast(pl.String)).with_columns(
        click_region=pl.when(pl.Series(wrong)).then(pl.lit("south")).otherwise(pl.col("click_region"))
    )
    lines = texts.select(
        line=pl.when(pl.Series(short)).then(pl.concat_str("user_id", "session_id", separator=",")).otherwise(pl.concat_str(_HEADER, separator=","))
    )
    path = folder / "first" / "globo" / f"clicks_{day}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.concat([pl.DataFrame({"line": [",".join(_HEADER)]}), lines]).write_csv(path, include_header=False, quote_style="never")
    tally.refuse("unsplittable", int(short.sum()), readable=False, placed=False)
    tally.refuse("not_a_number", int(wrong.sum()), readable=True, placed=True)
    kept = rows.filter(~pl.Series(short | wrong))
    for date, count in kept.group_by(pl.from_epoch("click_timestamp", "ms").dt.date()).len().iter_rows():
        tally.keep("globo", date, count)
    late = kept.filter(pl.col("click_timestamp") - pl.col("session_start") > DAY_MS).height
    tally.facts["late_clicks"] += late
    tally.defects.update({"late": late, "malformed": int(short.sum()), "wrong_types": int(wrong.sum())})


def _clicks(day: dt.date, sessions: int, arguments: Arguments, rng: np.random.Generator) -> pl.DataFrame:
    midnight = int(dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC).timestamp()) * 1000
    sizes = 2 + rng.poisson(1, sessions)
    owner = np.repeat(np.arange(sessions), sizes)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]])
    begins = np.sort(midnight + (rng.random(sessions) * DAY_MS).astype(np.int64))
    gaps = np.cumsum(rng.integers(1_000, 240_000, len(owner)))
    times = begins[owner] + gaps - gaps[first][owner]
    long = chosen(rng, arguments.late, len(owner), np.arange(len(owner)) != first[owner])
    times[long] += DAY_MS + (rng.random(int(long.sum())) * 2 * DAY_MS).astype(np.int64)
    device = rng.choice([1, 3, 4], sessions, p=[0.6, 0.35, 0.05])
    number = (day - arguments.start).days * 10_000_000
    rows = pl.DataFrame(
        {
            "user_id": rng.integers(0, max(10, sessions), sessions)[owner],
            "session_id": owner + number,
            "session_start": begins[owner],
            "session_size": sizes[owner],
            "click_article_id": (rng.random(len(owner)) ** 3 * 40_000).astype(np.int64),
            "click_timestamp": times,
            "click_environment": rng.choice([4, 2], sessions, p=[0.97, 0.03])[owner],
            "click_deviceGroup": device[owner],
            "click_os": (device * 5 + 2)[owner],
            "click_country": np.ones(len(owner), np.int64),
            "click_region": rng.integers(1, 29, sessions)[owner],
            "click_referrer_type": rng.integers(1, 8, len(owner)),
        }
    )
    end = int(dt.datetime.combine(arguments.start + dt.timedelta(days=arguments.days), dt.time(), tzinfo=dt.UTC).timestamp()) * 1000
    return rows.filter(pl.col("click_timestamp") < end)  # what the last days' sessions still do happens after the sample
