"""Events of the log to rows: one row per record."""

from __future__ import annotations

import polars as pl

from lakehouse.contracts.extra import extra_text
from lakehouse.contracts.hashing import row_hashes
from lakehouse.contracts.model import EXTRA, Contract
from lakehouse.contracts.times import parse_times
from lakehouse.contracts.types import frame_schema, whole
from lakehouse.datasets.model import Records
from lakehouse.datasets.user_agents import user_agent_parts

PLAY = "NextSong"

_IDENTITY = ("event_time", "user_id", "session_id", "item_in_session")
_TEXTS = {"page": "page", "level": "level", "song": "song", "artist": "artist", "location": "location", "gender": "gender", "auth": "auth",
          "method": "method", "user_id": "userId", "user_agent": "userAgent"}  # fmt: skip
_NUMBERS = {"session_id": "sessionId", "item_in_session": "itemInSession", "status": "status", "length": "length"}
_TIMES = {"event_time": "ts", "registered_at": "registration"}
# Programs that hold columns with gaps as floats write 8.0 for the whole number 8. Nothing else is mended: 1.54E+12 has lost what it meant.
_WHOLE_FLOAT = r"^(-?[0-9]+)\.0+$"
_DECIMAL = r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?$"
# UTF-8 of two, three or four bytes, each byte shown as the Latin-1 letter that it would be.
_DOUBLE_ENCODED = r"[\u00C2-\u00DF][\u0080-\u00BF]|[\u00E0-\u00EF][\u0080-\u00BF]{2}|[\u00F0-\u00F4][\u0080-\u00BF]{3}"


def transform(records: Records, contract: Contract) -> pl.DataFrame:
    """The rows of a block of events (see `Transform`)."""
    raw = _raw(records)
    frame = _typed(raw)
    faults = _faults(raw, frame)
    frame = frame.with_columns(row_hashes(frame.select(_IDENTITY)).alias("event_id"), *user_agent_parts(frame["user_agent"]))
    extra = [extra_text(records.extra[i]).decode() if i in records.extra else None for i in range(frame.height)] if records.extra else None
    return frame.select(
        *(pl.col(name).cast(kind) for name, kind in frame_schema(contract).items() if name != "quality"),
        _quality(frame).alias("quality"),
        pl.Series(EXTRA.name, extra, dtype=pl.String) if extra else pl.lit(None, dtype=pl.String).alias(EXTRA.name),
        faults,
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("_record"),
    ).select(*frame_schema(contract), EXTRA.name, "_faults", "_record")


def _raw(records: Records) -> pl.DataFrame:
    """The fields as texts, by the name of their column. CSV cannot say null, so an empty text is none."""
    named = {**_TEXTS, **_NUMBERS, **_TIMES}
    texts = pl.DataFrame({ours: pl.Series(ours, whole(records.table[theirs]), dtype=pl.String) for ours, theirs in named.items()})
    return texts.with_columns(pl.all().replace("", None)).with_columns(
        pl.col("user_id", "session_id", "item_in_session", "status", "registered_at").str.replace(_WHOLE_FLOAT, "$1"),
        pl.col("user_agent").str.strip_chars('"'),
    )


def _typed(raw: pl.DataFrame) -> pl.DataFrame:
    whole_numbers = [name for name in _NUMBERS if name != "length"]
    return raw.with_columns(
        *(parse_times(raw[name], "epoch_ms") for name in _TIMES),
        pl.col(whole_numbers).cast(pl.Int64, strict=False),
        pl.when(pl.col("length").str.contains(_DECIMAL)).then(pl.col("length")).cast(pl.Float64, strict=False).alias("length"),
    )


def _faults(raw: pl.DataFrame, frame: pl.DataFrame) -> pl.Series:
    """Per row what its values could not be made of: "rule:column"."""
    rules = {**dict.fromkeys(_TIMES, "time_unreadable"), **dict.fromkeys(_NUMBERS, "not_a_number")}
    told = {f"{rule}:{name}": raw[name].is_not_null() & frame[name].is_null() for name, rule in rules.items()}
    return _listed({rule: mask for rule, mask in told.items() if mask.any()}, frame.height).alias("_faults")


def _quality(frame: pl.DataFrame) -> pl.Series:
    """Per row what is odd about it although it is kept: "rule:column"."""
    play, logged_in = pl.col("page") == PLAY, pl.col("auth") == "Logged In"
    odd = {f"double_encoded:{name}": pl.col(name).str.contains(_DOUBLE_ENCODED) for name in ("song", "artist", "location")}
    odd |= {f"play_without:{name}": play & pl.col(name).is_null() for name in ("song", "artist", "length")}
    odd |= {f"text_without_play:{name}": ~play & pl.col(name).is_not_null() for name in ("song", "artist", "length")}
    odd |= {"logged_in_without:user_id": logged_in & pl.col("user_id").is_null()}
    odd |= {"before_registration:event_time": pl.col("event_time") < pl.col("registered_at")}
    masks = frame.select(mask.fill_null(value=False).alias(rule) for rule, mask in odd.items())
    return _listed({rule: masks[rule] for rule in odd if masks[rule].any()}, frame.height)


def _listed(told: dict[str, pl.Series], rows: int) -> pl.Series:
    """For each row the names of the masks that hold for it."""
    if not told:
        return pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, rows)
    lists = pl.concat_list(pl.when(mask).then(pl.lit(rule)).otherwise(None) for rule, mask in told.items()).list.drop_nulls()
    return pl.select(lists).to_series()
