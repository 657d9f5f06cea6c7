"""Times as producers write them, to UTC microseconds. One rule for the routing of lines and for the columns of a table."""

from __future__ import annotations

import datetime as dt
import logging
import re

import polars as pl
import pyarrow as pa

log = logging.getLogger(__name__)

# RFC 3339 as nearly every producer writes it; what differs goes through `parse_time`, text by text.
_PLAIN = "%Y-%m-%dT%H:%M:%S%.fZ"
# The reader of columns also takes what `parse_time` does not: one digit for two, leap seconds, years that are no years.
_STRICT = r"^(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]+)?Z$"


# A fraction or an exponent is damage: whoever wrote 1.54224E+12 has lost the seconds. Where seconds have fractions (Python's `time.time()`, logs), a
# contract says so.
_EPOCHS = {
    "epoch_s": r"(-?[0-9]{1,15})",
    "epoch_float": r"(-?[0-9]{1,15})(?:\.([0-9]+))?",
    "epoch_ms": r"(-?[0-9]{1,15})",
    "epoch_us": r"(-?[0-9]{1,18})",
    "epoch_ns": r"(-?[0-9]{1,19})",
}
_TIMES = {"epoch_s": 1_000_000, "epoch_float": 1_000_000, "epoch_ms": 1_000}  # microseconds in one
_OVER = {"epoch_ns": 1_000}  # ones in a microsecond
_INT64 = 2**63 - 1
_START = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999  # what Python's datetime holds, in microseconds: years 1 to 9999


def parse_time(text: str, fmt: str = "rfc3339") -> dt.datetime | None:
    """A time written in a format of `contracts.model.RecordTime`, in UTC, microseconds. None when it is no time.

    `rfc3339`: RFC 3339 / ISO 8601, a blank for the T allowed, finer digits cut off; without a zone it counts as UTC.
    `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`: since 1970, whole numbers. `epoch_float`: seconds, whole or with a fraction.
    """
    if fmt == "rfc3339":
        return _rfc3339(text)
    if fmt in _EPOCHS:
        return _epoch(text, fmt)
    try:
        time = dt.datetime.strptime(text, fmt)  # noqa: DTZ007  a pattern without a zone is UTC by contract
        return time.astimezone(dt.UTC) if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


def _epoch(text: str, fmt: str) -> dt.datetime | None:
    told = re.fullmatch(_EPOCHS[fmt], text, re.ASCII)
    if told is None or abs(int(told[1])) > _INT64:
        return None
    micros = int(told[1]) * _TIMES.get(fmt, 1) // _OVER.get(fmt, 1)
    if fmt == "epoch_float" and told[2]:
        part = int(told[2][:6].ljust(6, "0"))
        micros += -part if text.startswith("-") else part
    return _START + dt.timedelta(microseconds=micros) if _FIRST <= micros <= _LAST else None


def _rfc3339(text: str) -> dt.datetime | None:
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


def parse_times(texts: pl.Series, fmt: str = "rfc3339") -> pl.Series:
    """`parse_time` over a column of strings: Datetime(us, UTC), null where there is no time. Patterns are read once per distinct text."""
    if fmt in _EPOCHS:
        return _epochs(texts, fmt)
    if fmt != "rfc3339":
        return _one_by_one(texts, fmt)
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
    return plain.fill_null(_one_by_one(pl.select(pl.when(odd).then(texts)).to_series(), "rfc3339")).alias(texts.name)


def _epochs(texts: pl.Series, fmt: str) -> pl.Series:
    times, over = _TIMES.get(fmt, 1), _OVER.get(fmt, 1)
    sound = pl.select(pl.when(texts.str.contains(f"^{_EPOCHS[fmt]}$")).then(texts)).to_series()
    whole = (sound.str.extract(_EPOCHS[fmt], 1) if fmt == "epoch_float" else sound).cast(pl.Int64, strict=False)
    inside = _between(whole, max(_FIRST * over // times, -_INT64), min(_LAST * over // times, _INT64))
    micros = inside * times if over == 1 else inside // over
    if fmt == "epoch_float":
        part = sound.str.extract(_EPOCHS[fmt], 2).str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
        micros = _between(pl.select(pl.when(sound.str.starts_with("-")).then(micros - part).otherwise(micros + part)).to_series(), _FIRST, _LAST)
    return micros.cast(pl.Datetime("us", "UTC")).alias(texts.name)


def _between(numbers: pl.Series, low: int, high: int) -> pl.Series:
    return pl.select(pl.when(numbers.is_between(low, high)).then(numbers)).to_series()


def _one_by_one(texts: pl.Series, fmt: str) -> pl.Series:
    names = texts.drop_nulls().unique()
    slow = pl.DataFrame({"text": names, "time": pl.Series([parse_time(t, fmt) for t in names], dtype=pl.Datetime("us", "UTC"))})
    return texts.rename("text").to_frame().join(slow, on="text", how="left", maintain_order="left")["time"].alias(texts.name)
