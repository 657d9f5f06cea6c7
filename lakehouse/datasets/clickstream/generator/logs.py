"""The feed `access_log`: a web server's log in the combined format, a file for each day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from lakehouse.datasets.clickstream.generator.arguments import Arguments, Tally, chosen
from lakehouse.datasets.clickstream.generator.world import World

_GARBAGE = "\\x16\\x03\\x01\\x00"  # what a server writes of a TLS greeting on a plain port: a line, but no request of anybody


def write_day(day: dt.date, arguments: Arguments, world: World, rng: np.random.Generator, folder: Path, tally: Tally) -> None:
    """Write the log of a day, and for each second day the same file once more, under another name, among the late files."""
    size = round(arguments.events * arguments.requests / arguments.days)
    if not size:
        return
    agent = world.draw_agents(rng, size, arguments.bots)
    asset = rng.random(size) < 0.4
    answer = rng.integers(200, 90_000, size)
    rows = pl.DataFrame(
        {
            "host": rng.integers(0, 5_000, size),
            "second": np.sort(rng.integers(0, 86_400, size)),
            "method": pl.Series(["GET", "POST", "HEAD"]).gather(rng.choice(3, size, p=[0.94, 0.05, 0.01])),
            "page": world.pages.gather(rng.integers(0, len(world.pages), size)),
            "asset": world.assets.gather(rng.integers(0, len(world.assets), size)),
            "is_asset": asset,
            "status": rng.choice([200, 301, 304, 404, 500], size, p=[0.85, 0.05, 0.05, 0.04, 0.01]),
            "size": answer,
            "agent": world.agents.gather(agent),
        }
    )
    garbage = chosen(rng, arguments.malformed, size, np.ones(size, bool))
    like = chosen(rng, arguments.identical, size, ~garbage)
    lines = _lines(day, rows).to_frame().select(pl.when(pl.Series(garbage)).then(pl.lit(_GARBAGE)).otherwise(pl.col("line")).alias("line"))
    lines = lines.select(pl.col("line").repeat_by(pl.Series(like.astype(np.int64) + 1)).explode())
    files = [folder / "first" / "access" / f"access_{day}.log"]
    if arguments.duplicates > 0 and (day - arguments.start).days % 2:
        files.append(folder / "late" / "access" / f"access_{day}_again.log")
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines.write_csv(path, include_header=False, quote_style="never")
    times = like.astype(np.int64) + 1
    bots, kept = int(times[~garbage & (agent >= world.people)].sum()), int(times[~garbage & (agent < world.people)].sum())
    tally.keep("access_log", day, kept)
    tally.repeat(kept * (len(files) - 1))
    tally.filter("bot", bots * len(files))
    tally.refuse("unsplittable", int(garbage.sum()) * len(files), readable=False, placed=False)
    told = (agent < world.people) & ~garbage & (rows["status"].to_numpy() != 304)
    tally.facts["log_bytes"] += int((answer * times)[told].sum())
    tally.defects.update({"malformed": int(garbage.sum()), "identical": int(like.sum()), "files_again": len(files) - 1})


def _lines(day: dt.date, rows: pl.DataFrame) -> pl.Series:
    midnight = dt.datetime.combine(day, dt.time())
    time = (pl.lit(midnight) + pl.duration(seconds="second")).dt.strftime("%d/%b/%Y:%H:%M:%S +0000")
    path = pl.when("is_asset").then("asset").otherwise("page")
    size = pl.when(pl.col("status") == 304).then(pl.lit("-")).otherwise(pl.col("size").cast(pl.String))
    text = pl.format(
        '192.0.{}.{} - - [{}] "{} {} HTTP/1.1" {} {} "-" "{}"',
        pl.col("host") // 250,
        pl.col("host") % 250,
        time,
        "method",
        path,
        "status",
        size,
        "agent",
    )
    return rows.select(line=text).to_series()
