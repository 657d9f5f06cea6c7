"""Times as producers write them, to UTC microseconds. One rule for the routing of lines and for the columns of a table."""

from __future__ import annotations

import datetime as dt
import logging

import polars as pl
import pyarrow as pa

log = logging.getLogger(__name__)

# RFC 3339 as nearly every producer writes it; what differs goes through `parse_time`, text by text.
_PLAIN = "%Y-%m-%dT%H:%M:%S%.fZ"
# The reader of columns also takes what `parse_time` does not: one digit for two, leap seconds, years that are no years.
_STRICT = r"^(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]+)?Z$"


def parse_time(text: str) -> dt.datetime | None:
    """An RFC 3339 / ISO 8601 time in UTC, microseconds (finer digits are cut off); without a zone it counts as UTC. None when it is no time."""
    try:
        time = dt.datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if len(text) < 19 or text[4] != "-" or text[7] != "-" or text[10] not in "Tt ":  # dates, week dates and basic forms are no times to us
        return None
    try:
        return time.astimezone(dt.UTC) if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
    except OverflowError:
        return None


def parse_times(texts: pl.Series) -> pl.Series:
    """`parse_time` over a column of strings: Datetime(us, UTC), null where there is no time."""
    regular = texts.str.contains(_STRICT)
    if regular.all():  # of what is all regular Arrow makes times ten times as fast
        try:
            return pl.Series(texts.name, texts.to_arrow().cast(pa.timestamp("us", "UTC")))
        except pa.ArrowInvalid:
            log.debug("a time of %s is none, or finer than microseconds", texts.name)
    strict = pl.select(pl.when(regular).then(texts)).to_series()
    plain = strict.str.to_datetime(_PLAIN, time_unit="us", time_zone="UTC", strict=False)
    odd = plain.is_null() & texts.is_not_null()
    if not odd.any():
        return plain
    names = texts.filter(odd).unique()
    slow = pl.DataFrame(
        {"text": names, "time": pl.Series([parse_time(t) for t in names], dtype=pl.Datetime("us", "UTC"))},
    )
    looked_up = texts.rename("text").to_frame().join(slow, on="text", how="left", maintain_order="left")["time"]
    return plain.fill_null(looked_up).alias(texts.name)
