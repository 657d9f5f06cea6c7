"""The JSON text of activities, built column by column: a call per record of a JSON library would take ten times as long."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa

from lakehouse.datasets.workspace_audit.generator.options import CUSTOMER_ID
from lakehouse.datasets.workspace_audit.generator.people import EPOCH, HOUR, MICROS, World

ETAG_PREFIX = "hM7VjCq0bTbeXc3DyKuA2wG1Zt5_Lf9RsNoPiE4xJkQ"
_ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
_ETAG = 27
_SECONDS = pl.Series([f"{s // 60:02d}:{s % 60:02d}." for s in range(3600)])
_MILLIS = pl.Series([f"{ms:03d}Z" for ms in range(1000)])


def render_lines(rng: np.random.Generator, application: str, world: World, items: pl.DataFrame) -> pl.Series:
    """One line per activity, as the API would serve it, ended by a newline."""
    hour, second, milli = _times(items["event_time"].to_numpy())
    network = pl.select(pl.when(items["ip"]).then(world.networks.gather(items["network"])).otherwise(pl.lit(""))).to_series()
    return pl.select(
        pl.concat_str(
            pl.lit('{"kind":"admin#reports#activity","id":{"time":"'),
            hour,
            second,
            milli,
            pl.lit('","uniqueQualifier":"'),
            items["qualifier"].cast(pl.String),
            pl.lit(f'","applicationName":"{application}","customerId":"{CUSTOMER_ID}"}},"etag":"\\"{ETAG_PREFIX}/'),
            _etags(rng, len(items)),
            pl.lit('\\"","actor":'),
            world.actors.gather(items["actor"]),
            pl.lit(","),
            world.owners.gather(items["owner"]),
            network,
            pl.lit('"events":['),
            items["events"],
            pl.lit("]}\n"),
        )
    ).to_series()


def hour_name(micros: int) -> str:
    """The name of an hour: `2026-11-20T13`."""
    return (EPOCH + dt.timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H")


def _times(event_time: np.ndarray) -> tuple[pl.Series, pl.Series, pl.Series]:
    hour = event_time // HOUR
    first = int(hour.min()) if len(hour) else 0
    names = pl.Series([f"{hour_name(h * HOUR)}:" for h in range(first, int(hour.max()) + 1 if len(hour) else 0)], dtype=pl.String)
    return (
        names.gather(pl.Series(hour - first)),
        _SECONDS.gather(pl.Series(event_time // MICROS % 3600)),
        _MILLIS.gather(pl.Series(event_time // 1000 % 1000)),
    )


def _etags(rng: np.random.Generator, count: int) -> pl.Series:
    letters = _ALPHABET[rng.integers(0, 64, count * _ETAG, dtype=np.uint8)]
    offsets = np.arange(0, (count + 1) * _ETAG, _ETAG, dtype=np.int32)
    texts = pa.StringArray.from_buffers(count, pa.py_buffer(offsets.data), pa.py_buffer(letters.data))
    return pl.Series(pl.from_arrow(texts))
