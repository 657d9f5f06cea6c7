"""What is wrong with which event: each has at most one defect, and copies come on top."""

from __future__ import annotations

import numpy as np
import polars as pl

from lakehouse.datasets.listening.generator.options import Defects

# Fate of an event -> rule of the quarantine, as JSON and as CSV. What CSV cannot say is another defect there.
RULES = {
    "malformed": ("unreadable_json", "unsplittable"),
    "wrong_types": ("changed_type", "not_allowed"),
    "missing": ("missing_required", "null_in_required_column"),
    "unknown_level": ("not_allowed", "not_allowed"),
    "negative_length": ("out_of_range", "out_of_range"),
    "not_a_number": ("not_a_number", "not_a_number"),
    "damaged_registration": ("time_unreadable", "time_unreadable"),
    "damaged_time": ("time_unreadable", "time_unreadable"),
    "in_future": ("in_future", "in_future"),
    "before_start": ("before_start", "before_start"),
}
UNPLACED = ("malformed", "damaged_time", "in_future", "before_start")
COPIES = ("repeated", "exported", "conflicting")
_SOUND = ("late", "unknown_fields")
_FAR_AHEAD, _LONG_AGO = 4_102_444_800_000_000, 86_400_000_000  # 2100-01-01 and 1970-01-02, microseconds
_DISPLACED = 600_000_000


def spoil(events: pl.DataFrame, defects: Defects, rng: np.random.Generator) -> pl.DataFrame:
    """The events of a file with their defects and copies, in the order in which they are written.

    More columns: `fate` (a defect, a kind of copy, or `kept`) and `file` (json, csv or late). Copies stand behind what they are copies of.
    """
    kinds = [*RULES, *_SOUND]
    bounds = np.cumsum([getattr(defects, kind) for kind in kinds])
    fates = np.array([*kinds, "kept"])[np.searchsorted(bounds, rng.random(events.height), side="right")]
    moved = np.where(rng.random(events.height) < defects.out_of_order, rng.integers(-_DISPLACED, _DISPLACED, events.height), 0)
    frame = events.with_columns(pl.Series("fate", fates, dtype=pl.String), pl.Series("place", events["at"].to_numpy() + moved))
    frame = frame.with_columns(
        fate=pl.when(pl.col("csv") & (pl.col("fate") == "unknown_fields")).then(pl.lit("kept")).otherwise("fate"),
        at=pl.when(pl.col("fate") == "in_future").then(_FAR_AHEAD).when(pl.col("fate") == "before_start").then(_LONG_AGO).otherwise("at"),
    ).with_columns(
        file=pl.when(pl.col("fate") == "late").then(pl.lit("late")).when("csv").then(pl.lit("csv")).otherwise(pl.lit("json")),
    )
    return pl.concat([frame, *_copies(frame, defects, rng)]).sort("place", maintain_order=True)


def _copies(frame: pl.DataFrame, defects: Defects, rng: np.random.Generator) -> list[pl.DataFrame]:
    sound = frame.filter(pl.col("fate") == "kept")
    drawn = np.searchsorted(np.cumsum([getattr(defects, kind) for kind in COPIES]), rng.random(sound.height), side="right")
    found = []
    for number, kind in enumerate(COPIES):
        copies = sound.filter(pl.Series(drawn == number)).with_columns(fate=pl.lit(kind))
        if kind == "exported":
            copies = copies.filter(pl.col("file") == "json").with_columns(file=pl.lit("csv"))
        if kind == "conflicting":
            copies = copies.with_columns(status=pl.lit(503, dtype=pl.Int64))
        found.append(copies)
    return found


def rules() -> pl.Expr:
    """The rule that quarantines each event of `spoil`; null for what is sound."""
    as_csv = pl.col("file") == "csv"
    as_json, other = ({kind: pair[n] for kind, pair in RULES.items()} for n in (0, 1))
    fate = pl.col("fate")
    return pl.when(as_csv).then(fate.replace_strict(other, default=None)).otherwise(fate.replace_strict(as_json, default=None))
