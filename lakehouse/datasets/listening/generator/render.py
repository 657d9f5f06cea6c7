"""Events as the lines of files: JSON as the log writes it, CSV as its exports do."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl

from lakehouse.datasets.listening.generator.world import World

_ORDER = ("artist", "auth", "firstName", "gender", "itemInSession", "lastName", "length", "level", "location", "method", "page", "registration",
          "sessionId", "song", "status", "ts", "userAgent", "userId")  # fmt: skip


def write_files(folder: Path, name: str, spoiled: pl.DataFrame, world: World) -> list[Path]:
    """Write the events of `defects.spoil` below `folder` as files of that name; returns those that were written. None ends with a newline."""
    written = []
    for kind, place in (
        ("json", f"first/log_data/{name}-events.json"),
        ("csv", f"first/exports/{name}.csv"),
        ("late", f"late/log_data/{name}-late.json.gz"),
    ):
        part = spoiled.filter(pl.col("file") == kind)
        if part.height:
            fields = _fields(part, world)
            lines = _csv(fields, part["fate"]) if kind == "csv" else _json(fields, part["fate"])
            text: bytes = lines.str.join("\n").cast(pl.Binary).item()
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text, 5, mtime=0) if kind == "late" else text)
            written.append(path)
    return written


def _fields(part: pl.DataFrame, world: World) -> pl.DataFrame:
    """The fields of the log, typed as JSON tells them."""
    known = part["user"] >= 0
    user = world.users[part["user"].clip(lower_bound=0)].select(pl.when(known).then(pl.all()))
    song = world.songs[part["song"].clip(lower_bound=0)].select("song", "artist", "length").select(pl.when(part["song"] >= 0).then(pl.all()))
    events = part.select(
        auth=pl.when(known).then(pl.lit("Logged In")).otherwise(pl.lit("Logged Out")),
        itemInSession="item",
        level=pl.when(pl.col("level") == 1).then(pl.lit("paid")).otherwise(pl.lit("free")),
        method="method",
        page="page",
        sessionId="session",
        status="status",
        ts=pl.col("at") // 1000,
    )
    whole = pl.concat([user, song, events], how="horizontal").with_columns(pl.col("userId").fill_null(""), pl.col("registration").cast(pl.Float64))
    return whole.with_columns(
        length=pl.when(part["fate"] == "negative_length").then(-1.0).otherwise("length"),
        level=pl.when((part["fate"] == "unknown_level") | ((part["fate"] == "wrong_types") & part["csv"])).then(pl.lit("gold")).otherwise("level"),
    ).select(_ORDER)


def _json(fields: pl.DataFrame, fate: pl.Series) -> pl.Series:
    line = fields.select(line=pl.struct(_ORDER).struct.json_encode())["line"]
    damaged = {
        "malformed": pl.col("line").str.slice(0, pl.col("line").str.len_chars() - 12),
        "wrong_types": pl.col("line").str.replace(r'"level":("\w+")', '"level":[$1]'),
        "missing": pl.col("line").str.replace(r'"page":"[^"]*",', ""),
        "not_a_number": pl.col("line").str.replace(r'"length":[^,]*,', '"length":"n/a",'),
        "damaged_registration": pl.col("line").str.replace(r'"registration":[^,]*,', '"registration":1.54104E+12,'),
        "damaged_time": pl.col("line").str.replace(r'"ts":[0-9]+,', '"ts":1.54224E+12,'),
        "unknown_fields": pl.col("line").str.replace(r"^\{", '{"deviceId":7,'),
    }
    return _chosen(line.alias("line").to_frame().with_columns(fate), damaged)


def _csv(fields: pl.DataFrame, fate: pl.Series) -> pl.Series:
    texts = fields.with_columns(pl.col("registration").cast(pl.Int64).cast(pl.String), pl.col("ts", "length").cast(pl.String), fate)
    texts = texts.with_columns(
        ts=pl.when(pl.col("fate") == "damaged_time").then(pl.lit("1.54224E+12")).otherwise("ts"),
        registration=pl.when(pl.col("fate") == "damaged_registration").then(pl.lit("1.54104E+12")).otherwise("registration"),
        length=pl.when(pl.col("fate") == "not_a_number").then(pl.lit("n/a")).otherwise("length"),
        page=pl.when(pl.col("fate") == "missing").then(pl.lit("")).otherwise("page"),
    )
    buffer = io.BytesIO()
    texts.select(_ORDER).write_csv(buffer, quote_style="always")
    lines = pl.Series("line", [buffer.getvalue().removesuffix(b"\n")]).cast(pl.String).str.split("\n").explode()
    cut = {"malformed": pl.col("line").str.replace(r',"[^"]*"$', "")}  # one field too few
    return pl.concat([lines[:1], _chosen(pl.DataFrame({"line": lines[1:], "fate": fate}), cut)])


def _chosen(lines: pl.DataFrame, damaged: dict[str, pl.Expr]) -> pl.Series:
    """The lines, those of a fate that is damaged as the expression makes them. They are few, so the others are not asked."""
    order, after = np.arange(lines.height), [lines["line"]]
    there = lines.height
    for kind, expression in damaged.items():
        spoilt = (lines["fate"] == kind).arg_true()
        if len(spoilt):
            after.append(lines[spoilt].select(expression.alias("line"))["line"])
            order[spoilt.to_numpy()] = there + np.arange(len(spoilt))
            there += len(spoilt)
    return pl.concat(after).gather(pl.Series(order)) if len(after) > 1 else lines["line"]
