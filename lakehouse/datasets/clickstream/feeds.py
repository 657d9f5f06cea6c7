"""The records of each feed to the columns that they have. What is done to texts is done once for each distinct one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import whole
from lakehouse.datasets import user_agents
from lakehouse.datasets.clickstream.contract import CLICK_TIME, EVENT_TIME, LOG_TIME, LOG_TIME_FORMAT

Repeats = npt.NDArray[np.int64]

_PATH = r"^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)"
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)"
_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_REQUEST = r"^([A-Z]+) ([^ ]+)"
_ASSET = r"(?i)\.(?:css|js|mjs|map|png|jpe?g|gif|svg|ico|webp|avif|bmp|woff2?|ttf|eot|otf|mp4|webm|mp3)$|^/robots\.txt$"
_LOG_FIELDS = ("host", "ident", "user", LOG_TIME, "request", "status", "size", "referer", "agent")


def events(table: pa.Table, repeats: Repeats) -> pl.DataFrame:  # noqa: ARG001  each event has an id of its own
    """JSON Lines of a web site: an id, a user, a session and a type each."""
    plain = {name: _texts(table, name) for name in ("event_id", "user_id", "session_id")}
    return pl.DataFrame(
        [
            parse_times(_texts(table, EVENT_TIME)).alias("event_time"),
            *plain.values(),
            *_spread(table, "event_type", _event_types),
            *_spread(table, "page_url", _pages),
            *_spread(table, "referrer", _referrers),
            *_spread(table, "user_agent", agents),
        ]
    )


def globo(table: pa.Table, repeats: Repeats) -> pl.DataFrame:
    """Clicks on articles. The codes of device, system and environment are numbers without a published meaning, and stay numbers."""
    frame = pl.DataFrame([_texts(table, f.name) for f in table.schema if table[f.name].null_count < table.num_rows])
    frame = frame.with_columns(pl.lit(None, pl.String).alias(f.name) for f in table.schema if f.name not in frame.columns)
    number = pl.Series("repeat", repeats)
    return frame.select(
        parse_times(frame[CLICK_TIME], "epoch_ms").alias("event_time"),
        pl.concat_str("user_id", "session_id", CLICK_TIME, "click_article_id", number, separator="-").alias("event_id"),
        pl.lit("click").alias("event_type"),
        "user_id",
        "session_id",
        parse_times(frame["session_start"], "epoch_ms"),
        "session_size",
        pl.col("click_article_id").alias("page"),
        pl.col("click_environment").alias("browser"),
        pl.col("click_os").alias("os"),
        pl.col("click_deviceGroup").alias("device_type"),
        pl.col("click_country").alias("country"),
        pl.col("click_region").alias("region"),
        pl.col("click_referrer_type").alias("referrer_type"),
    )


def access_log(table: pa.Table, repeats: Repeats) -> pl.DataFrame:
    """Lines of an access log. `-` stands for what was not told."""
    texts = [_texts(table, name) for name in _LOG_FIELDS]
    told = pl.DataFrame(texts).select(pl.when(pl.all() != "-").then(pl.all()).name.keep())
    frame = pl.DataFrame(
        [
            parse_times(_texts(table, LOG_TIME), LOG_TIME_FORMAT).alias("event_time"),
            _line_ids(texts, repeats),
            told["user"].alias("user_id"),
            told["host"],
            *_spread(table, "request", _requests),
            told["status"],
            told["size"].alias("bytes"),
            *_spread(table, "referer", _referrers),
            *_spread(table, "agent", agents),
        ]
    )
    return frame.with_columns(
        event_type=pl.when(pl.col("_is_asset"))
        .then(pl.lit("asset"))
        .when(pl.col("method") == "GET", pl.col("status") < "400")  # three digits each, so texts compare as numbers do
        .then(pl.lit("page_view"))
        .otherwise(pl.lit("request"))
    ).drop("_is_asset")


FEEDS: dict[str, Callable[[pa.Table, Repeats], pl.DataFrame]] = {"events": events, "globo": globo, "access_log": access_log}
REQUIRED: dict[str, tuple[str, ...]] = {
    "events": ("event_id", "event_type", "user_id", "session_id"),
    "globo": ("user_id", "session_id", "page"),
    "access_log": ("host", "status"),
}


def agents(texts: pl.Series) -> pl.DataFrame:
    """What distinct user agents tell; `-` and nothing are no agent."""
    told = texts.to_frame("text").select(pl.when(~pl.col("text").is_in(["", "-"])).then("text")).to_series()
    return user_agents.classify(told).select(
        "browser", "os", "device_type", "is_bot", told.str.replace_all(_ADDRESS, "<address>").alias("user_agent"), agent_is_parsed="is_parsed"
    )


def _event_types(texts: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([texts.str.strip_chars().str.to_lowercase().alias("event_type")])


def _pages(texts: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([texts.str.extract(_PATH).alias("page")])


def _referrers(texts: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([texts.str.extract(_HOST).str.to_lowercase().alias("referrer_host")])


def _requests(texts: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame([texts.str.extract(_REQUEST, 1).alias("method"), texts.str.extract(_REQUEST, 2).str.extract(_PATH).alias("page")])
    return frame.with_columns(pl.col("page").str.contains(_ASSET).fill_null(value=False).alias("_is_asset"))


def _line_ids(fields: list[pl.Series], repeats: Repeats) -> pl.Series:
    """A log line has no id: a hash of its fields and its number among identical lines of its file make one."""
    lines = pl.DataFrame(fields).select(pl.concat_str(pl.all().fill_null("-"), separator="\0")).to_series()
    hashes = [hashlib.blake2b(line.encode(), digest_size=16).hexdigest() for line in lines]
    return pl.select(pl.concat_str(pl.Series(hashes, dtype=pl.String), pl.lit("-"), pl.Series(repeats)).alias("event_id")).to_series()


def _texts(table: pa.Table, name: str) -> pl.Series:
    return pl.Series(name, whole(table[name]), dtype=pl.String)


def _spread(table: pa.Table, name: str, make: Callable[[pl.Series], pl.DataFrame]) -> list[pl.Series]:
    """What is made of the distinct texts of a field, for each row: most texts are there many times."""
    coded: Any = whole(table[name]).dictionary_encode()
    made = make(pl.Series(name, coded.dictionary, dtype=pl.String))
    return made.select(pl.all().gather(pl.Series(coded.indices, dtype=pl.Int32))).get_columns()
