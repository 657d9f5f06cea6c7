"""What a reader of a sample must find, counted exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from lakehouse.accounts.books import Books, FetchBooks
from lakehouse.accounts.truth import TruthFile
from lakehouse.datasets.workspace_audit.generator.facts import FACTS_FILE
from lakehouse.datasets.workspace_audit.generator.options import Arguments
from lakehouse.datasets.workspace_audit.generator.people import emails_of

TOP = 25
# Upper bounds, in seconds, of the time between an event and its being visible; the last is "more".
LATENESS = (60, 300, 900, 3_600, 10_800, 21_600, 86_400, 259_200, 10**9)


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The counts of one application or of all.

    `fetch`: books of one reading of everything. `books`: of lines and rows, placed and unplaced; `unplaced`: of the latter alone; `hours`: of the
    placed ones per hour of the record's time (`2026-11-20T13`). `activities`: distinct ones (full id and events); `several`: those with several
    rows. `collisions`: activities that share the full id with an earlier one and are no copy. `conflicts`: duplicate rows with another envelope.
    `lateness`: distinct activities by upper bound in seconds (see `LATENESS`). `defects`: lines by name of the defect (`malformed.nan`): where an
    activity comes twice, the second carries the name (`quarantined_twice`: both). `rules`: quarantined lines (unreadable) and rows.
    `unknown`: lines by path of a field that the contract lacks.

    The rest counts kept rows: by name, method, app, e-mail (`users`, the top ones), ...; `calls` and `bytes`: those with num_response_bytes, and
    their sum.
    """

    fetch: FetchBooks = FetchBooks()
    books: Books = Books()
    unplaced: Books = Books()
    hours: dict[str, Books] = {}
    activities: int = 0
    several: int = 0
    collisions: int = 0
    conflicts: int = 0
    late: int = 0
    out_of_order: int = 0
    lateness: dict[int, int] = {}
    defects: dict[str, int] = {}
    rules: dict[str, int] = {}
    unknown: dict[str, int] = {}
    days: dict[str, int] = {}
    names: dict[str, int] = {}
    methods: dict[str, int] = {}
    method_bytes: dict[str, int] = {}
    apps: dict[str, int] = {}
    users: dict[str, int] = {}
    calls: int = 0
    bytes: int = 0
    collector_calls: int = 0
    collector_bytes: int = 0
    without_ip: int = 0
    without_email: int = 0
    without_type: int = 0
    scopes: int = 0
    scope_buckets: int = 0
    suspicious: int = 0
    external: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: _add(getattr(self, name), getattr(other, name)) for name in self.__struct_fields__})

    def top(self) -> Counts:
        """The same with the top users only."""
        ranked = sorted(self.users.items(), key=lambda pair: (-pair[1], pair[0]))
        return msgspec.structs.replace(self, users=dict(ranked[:TOP]))


class Truth(TruthFile, frozen=True):
    """What a sample was made from and what it holds. `anomaly`: first instant of the hour with far too many token calls.

    `visible_until`: only what is visible by then is counted (None: everything).
    """

    arguments: Arguments
    anomaly: dt.datetime
    total: Counts
    applications: dict[str, Counts]
    visible_until: dt.datetime | None = None


def truth_at(folder: Path, visible_until: dt.datetime) -> Truth:
    """The truth of a sample limited to what is visible by then."""
    whole = Truth.load(folder)
    emails = emails_of(whole.arguments.users)
    counts: dict[str, Counts] = {}
    with pq.ParquetFile(folder / FACTS_FILE) as file:
        for group in range(file.num_row_groups):
            facts = pl.DataFrame(pl.from_arrow(file.read_row_group(group))).filter(pl.col("visible") <= visible_until)
            if len(facts):
                application = facts["application"][0]
                counts[application] = counts.get(application, Counts()) + tally(facts, emails)
    return make_truth(whole.arguments, whole.anomaly, counts, visible_until)


def make_truth(arguments: Arguments, anomaly: dt.datetime, counts: dict[str, Counts], visible_until: dt.datetime | None = None) -> Truth:
    """The truth of the counts per application."""
    return Truth(arguments, anomaly, total(counts.values()).top(), {name: c.top() for name, c in counts.items()}, visible_until)


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of counts."""
    result = Counts()
    for one in counts:
        result = result + one
    return result


def tally(facts: pl.DataFrame, emails: list[str]) -> Counts:
    """Count facts of one application (the columns of `facts.SCHEMA`), whole items only."""
    items = facts.filter(pl.col("row") == 0)
    landed = facts.filter(pl.col("outcome") != "re_read")
    lines = landed.filter(pl.col("row") == 0)
    new = facts.filter(~pl.col("copy"))
    unplaced = landed.filter(~pl.col("placed"))
    placed = landed.filter("placed").with_columns(hour=pl.col("event_time").dt.strftime("%Y-%m-%dT%H"))
    return Counts(
        fetch=FetchBooks(len(items), len(items) - len(lines), int(lines["placed"].sum()), int((~lines["placed"]).sum())),
        books=_books(landed),
        unplaced=_books(unplaced),
        hours={key: _books(part) for (key,), part in placed.partition_by("hour", as_dict=True).items()},
        activities=len(new.filter(pl.col("row") == 0)),
        several=len(new.filter(pl.col("row") == 1)),
        collisions=int(lines["collides"].sum()),
        conflicts=len(landed.filter((pl.col("outcome") == "duplicate") & (pl.col("defect") == "conflicting"))),
        late=int(new.filter(pl.col("row") == 0)["late"].sum()),
        out_of_order=int(lines.filter("placed")["displaced"].sum()),
        lateness=_lateness(new.filter(pl.col("row") == 0)),
        defects=_by(items, "defect"),
        rules=_by(landed, "rule"),
        unknown=_by(lines, "unknown"),
        **_kept(facts.filter(pl.col("outcome") == "kept"), emails),
    )


def _kept(kept: pl.DataFrame, emails: list[str]) -> dict[str, Any]:
    called = kept.filter(pl.col("bytes").is_not_null())
    own = called.filter("collector")
    by_method = called.group_by("method").agg(pl.col("bytes").sum())
    return {
        "days": _by(kept.with_columns(day=pl.col("event_time").dt.strftime("%Y-%m-%d")), "day"),
        "names": _by(kept, "name"),
        "methods": _by(called, "method"),
        "method_bytes": {m: b for m, b in by_method.sort("method").iter_rows() if m is not None},
        "apps": _by(kept, "app"),
        "users": {emails[u]: n for u, n in kept.filter(pl.col("user") >= 0).group_by("user").len().sort("user").iter_rows()},
        "calls": len(called),
        "bytes": int(called["bytes"].sum()),
        "collector_calls": len(own),
        "collector_bytes": int(own["bytes"].sum()),
        "without_ip": int((~kept["ip"]).sum()),
        "without_email": int((kept["user"] < 0).sum()),
        "without_type": int((~kept["typed"]).sum()),
        "scopes": int(kept["scopes"].cast(pl.Int64).sum()),
        "scope_buckets": int(kept["buckets"].cast(pl.Int64).sum()),
        "suspicious": int(kept["suspicious"].sum()),
        "external": int(kept["external"].sum()),
    }


def _books(landed: pl.DataFrame) -> Books:
    outcomes = dict(landed["outcome"].value_counts().iter_rows())
    lines, unreadable = int((landed["row"] == 0).sum()), outcomes.get("unreadable", 0)
    quarantined, duplicate, kept = (outcomes.get(o, 0) for o in ("quarantined", "duplicate", "kept"))
    return Books(
        lines=lines,
        unreadable=unreadable,
        records=lines - unreadable,
        rows=quarantined + duplicate + kept,
        quarantined=quarantined,
        duplicate=duplicate,
        kept=kept,
    )


def _by(frame: pl.DataFrame, column: str) -> dict[str, int]:
    counted = frame.filter(pl.col(column).is_not_null()).group_by(column).len().sort(column)
    return dict(counted.iter_rows())


def _lateness(items: pl.DataFrame) -> dict[int, int]:
    waited = (items["visible"] - items["time"]).dt.total_microseconds().to_numpy()
    counted = np.bincount(np.searchsorted(np.array(LATENESS) * 1_000_000, waited), minlength=len(LATENESS))
    return {bound: int(count) for bound, count in zip(LATENESS, counted, strict=True) if count}


def _add(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: _add(one[key], other[key]) if key in one and key in other else one.get(key, other.get(key)) for key in sorted({*one, *other})}
    return one + other
