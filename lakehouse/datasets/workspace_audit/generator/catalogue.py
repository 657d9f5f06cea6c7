"""Event templates: the JSON of an event with up to two holes, and the facts that a reader of it would count."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

# A hole inside a string, or in place of a whole list element (`HOLE` + quotes).
TEXT_HOLE = "<hole>"
LIST_HOLE = "<<hole>>"
_HOLES = re.compile(f'"{LIST_HOLE}"|{TEXT_HOLE}')


@dataclass(frozen=True)
class Template:
    """One kind of event. `event`: its JSON with holes. `sized`: the first hole is num_response_bytes. `app`: name of the OAuth application.

    `suspicious`: is_suspicious is true. `external`: visibility_change is external.
    """

    event: dict[str, Any]
    method: str | None = None
    app: str | None = None
    collector: bool = False
    sized: bool = False
    suspicious: bool = False
    external: bool = False
    scopes: int = 0
    buckets: int = 0
    weight: float = 1.0


@dataclass(frozen=True)
class Draw:
    """Events drawn: template and the text of its holes (ignored where it has none); `size`: the number in the first hole of a sized one."""

    template: np.ndarray
    first: pl.Series | None = None
    second: pl.Series | None = None
    size: np.ndarray | None = None


@dataclass(frozen=True)
class Catalogue:
    """The templates of an application as columns."""

    templates: tuple[Template, ...]
    frame: pl.DataFrame = field(init=False)
    weights: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", pl.DataFrame([_row(t) for t in self.templates], schema=_SCHEMA))
        weights = np.array([t.weight for t in self.templates])
        object.__setattr__(self, "weights", weights / weights.sum())

    def choose(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Templates by weight."""
        chosen: np.ndarray = np.searchsorted(self.weights.cumsum(), rng.random(count), side="right").clip(max=len(self.templates) - 1)
        return chosen

    def find(self, name: str) -> np.ndarray:
        """Indexes of the templates whose event has that name."""
        return np.array([i for i, t in enumerate(self.templates) if t.event["name"] == name])

    def render(self, draw: Draw) -> pl.DataFrame:
        """One row per event: `text` (its JSON) and the fact columns."""
        rows = self.frame[draw.template]
        count = len(rows)
        first = draw.first if draw.first is not None else pl.repeat("", count, eager=True)
        if draw.size is not None:
            size = pl.Series(draw.size, dtype=pl.Int64)
            first = pl.select(pl.when(rows["sized"]).then(size.cast(pl.String)).otherwise(first)).to_series()
            rows = rows.with_columns(bytes=pl.when("sized").then(size))
        else:
            rows = rows.with_columns(bytes=pl.lit(None, pl.Int64))
        second = draw.second if draw.second is not None else pl.repeat("", count, eager=True)
        holes = pl.col("holes")
        pieces = (
            "prefix",
            pl.when(holes >= 1).then(first).otherwise(pl.lit("")),
            "middle",
            pl.when(holes >= 2).then(second).otherwise(pl.lit("")),
            "suffix",
        )
        return rows.select(pl.concat_str(*pieces).alias("text"), *FACTS)


_SCHEMA: dict[str, Any] = {
    "prefix": pl.String,
    "middle": pl.String,
    "suffix": pl.String,
    "holes": pl.UInt8,
    "sized": pl.Boolean,
    "name": pl.String,
    "method": pl.String,
    "app": pl.String,
    "collector": pl.Boolean,
    "typed": pl.Boolean,
    "suspicious": pl.Boolean,
    "external": pl.Boolean,
    "scopes": pl.UInt8,
    "buckets": pl.UInt8,
}
FACTS = (*list(_SCHEMA)[5:], "bytes")


def _row(template: Template) -> dict[str, Any]:
    pieces = _HOLES.split(json.dumps(template.event, separators=(",", ":"), ensure_ascii=False))
    prefix, middle, suffix = (*pieces, "", "")[:3]
    return {
        "prefix": prefix,
        "middle": middle,
        "suffix": suffix,
        "holes": len(pieces) - 1,
        "sized": template.sized,
        "name": template.event["name"],
        "method": template.method,
        "app": template.app,
        "collector": template.collector,
        "typed": "type" in template.event,
        "suspicious": template.suspicious,
        "external": template.external,
        "scopes": template.scopes,
        "buckets": template.buckets,
    }


def value(name: str, text: str) -> dict[str, Any]:
    """A parameter with a plain value."""
    return {"name": name, "value": text}


def flag(name: str, truth: bool) -> dict[str, Any]:
    """A parameter with a boolean."""
    return {"name": name, "boolValue": truth}


def number(name: str, text: str) -> dict[str, Any]:
    """A parameter with an int64, which the API writes as a string."""
    return {"name": name, "intValue": text}


def many(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """A parameter with several values."""
    return {"name": name, "multiValue": list(texts)}


def event(name: str, kind: str | None, parameters: Sequence[dict[str, Any] | str] = ()) -> dict[str, Any]:
    """An event; without `kind` it has no type, without parameters no such member."""
    return {**({"type": kind} if kind else {}), "name": name, **({"parameters": list(parameters)} if parameters else {})}
