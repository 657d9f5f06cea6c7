"""What was refused or held, by rule and line. The raw text is fetched from raw only when it is asked for."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lakehouse.datasets.model import Dataset
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.read import line_text
from lakehouse.settings import Lake
from lakehouse.steps.attempt import DayReport
from lakehouse.tables.committed import naming_damage, scan_committed
from lakehouse.tables.views import quarantine_files

SAMPLE = 20
_PER_RULE = 4


@dataclass(frozen=True)
class RuleCount:
    """How often a rule refused something (level `held`: held something back). `part`, `line`: one example."""

    dataset: str
    rule: str
    field: str | None
    level: str
    count: int
    first_day: dt.date
    last_day: dt.date
    part: str
    line: int


@dataclass(frozen=True)
class Refused:
    """One refused line or row, or a held row (`level`).

    `raw` is its text where it was asked for: it may hold personal data. `raw_expired`: why there is none.
    """

    day: dt.date
    rule: str
    field: str | None
    level: str
    part: str
    line: int
    row: int | None
    event_time: dt.datetime | None
    application: str | None
    detail: str | None
    raw: str | None = None
    raw_expired: str | None = None


def rule_counts(lake: Lake, dataset: Dataset, *, day: dt.date | None = None) -> list[RuleCount]:
    """Refused lines and rows, and held rows, by rule, field and level, most frequent first."""
    with _scanned(lake, dataset, day=day) as frame:
        if frame is None:
            return []
        grouped = frame.group_by("rule", "field", "level").agg(
            count=pl.len(),
            first_day=pl.col("day").min(),
            last_day=pl.col("day").max(),
            example=pl.struct("part", "line").sort_by("part", "line").first(),
        )
        ordered = grouped.unnest("example").sort("count", "rule", "field", "level", descending=[True, False, False, False]).collect()
    return [RuleCount(dataset=dataset.name, **row) for row in ordered.to_dicts()]


def refused(
    lake: Lake,
    dataset: Dataset,
    *,
    day: dt.date | None = None,
    rule: str | None = None,
    ref: LineRef | None = None,
    limit: int | None,
    raw: bool = False,
) -> list[Refused]:
    """Refused lines and rows, and held rows, by part and line. `limit=None`: all. Raises `ConfigurationError` for a rule that refused nothing."""
    with _scanned(lake, dataset, day=day) as every:
        if every is None:
            return []
        frame = every
        if rule is not None:
            known = sorted(frame.select("rule").unique().collect()["rule"])
            if rule not in known:
                when = f" on {day}" if day is not None else ""
                told = ", ".join(known) or "none"
                raise ConfigurationError(f"No line or row was refused{when} by the rule {rule!r}. Rules that refused something{when}: {told}.")
            frame = frame.filter(pl.col("rule") == rule)
        if ref is not None:
            frame = frame.filter(pl.col("part") == ref.part, pl.col("line") == ref.line)
        columns = [name for name in Refused.__dataclass_fields__ if not name.startswith("raw")]
        found = frame.select(columns).sort("part", "line", "row", nulls_last=False)
        rows = (found if limit is None else found.head(limit)).collect().to_dicts()
    if not raw:
        return [Refused(**row) for row in rows]
    ledger = load_ledger(lake, dataset.name)
    texts = (line_text(lake, ledger, LineRef(row["part"], row["line"])) for row in rows)
    return [Refused(**row, raw=text, raw_expired=gone) for row, (text, gone) in zip(rows, texts, strict=True)]


def refused_sample(lake: Lake, report: DayReport, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Where to look on a day that was just built, at most `SAMPLE` rows: a few of every rule, so that the frequent ones do not hide the others.

    `columns` of the quarantine table, `rule` among them.
    """
    rows: list[dict[str, Any]] = []
    shown: Counter[str] = Counter()
    for account in report.accounts.values():
        wanted = {rule for rule in account.quarantine_rules if shown[rule] < _PER_RULE}
        if account.quarantine is None or not wanted or len(rows) >= SAMPLE:
            continue
        file = account.quarantine.path
        with naming_damage([lake.store.uri(file)]):
            frame = pl.read_parquet(io.BytesIO(lake.store.read(file)), columns=list(columns)).select(columns)
        for row in frame.group_by("rule", maintain_order=True).head(_PER_RULE).filter(pl.col("rule").is_in(sorted(wanted))).to_dicts():
            if shown[row["rule"]] < _PER_RULE and len(rows) < SAMPLE:
                shown[row["rule"]] += 1
                rows.append(row)
    return sorted(rows, key=lambda row: str(row["rule"]))


@contextlib.contextmanager
def _scanned(lake: Lake, dataset: Dataset, *, day: dt.date | None) -> Iterator[pl.LazyFrame | None]:
    """A scan of what is in quarantine, to be read inside the block; None where nothing is."""
    files = quarantine_files(lake, dataset.contract)
    if not files:
        yield None
        return
    with naming_damage(files):
        frame = scan_committed(files)
        yield frame if day is None else frame.filter(pl.col("day") == day)
