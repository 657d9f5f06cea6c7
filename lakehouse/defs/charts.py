"""The charts of asset pages, small enough that the page shows them without a click. Names, dates and counts only."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from lakehouse.accounts import lateness
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.landing.ledger import Ledger
from lakehouse.operations.frequent import frequent_values
from lakehouse.pictures.charts import every_date
from lakehouse.pictures.small import small_bars, small_columns, small_lateness, small_lines
from lakehouse.settings import Lake
from lakehouse.steps.attempt import DayReport
from lakehouse.tables import delta

if TYPE_CHECKING:
    from lakehouse.operations.report import TrendLines

RECENT_DAYS = 14
Charts = dict[str, dg.MarkdownMetadataValue]


def clean_charts(lake: Lake, dataset: Dataset, report: DayReport) -> Charts:
    """Of a day of clean: rows of the days up to it, and the day's duplicates, lateness and frequent values."""
    rows = [(str(day), kept) for day, kept in recent_rows(lake, report).items()]
    late = lateness.total(a.lateness for a in report.accounts.values())
    return {
        **_shown(rows_per_day=small_columns(f"Rows kept, the last {RECENT_DAYS} days", rows)),
        **_duplicates(report),
        **_shown(lateness=small_lateness(late)),
        **_top_values(lake, dataset, report),
    }


def quarantine_charts(rules: Counter[str]) -> Charts:
    """Of a day of quarantine: why."""
    return _shown(reasons=small_bars("In quarantine, by rule", rules.most_common()))


def raw_charts(ledger: Ledger, grain: Grain) -> Charts:
    """Of a partition of raw: lines landed of the days up to it."""
    days = [grain.date - dt.timedelta(days=n) for n in reversed(range(RECENT_DAYS))]
    lines = {day: sum(p.part.lines for g in ledger.grains(day) if g.kind != "unplaced" for p in ledger.parts[g.key]) for day in days}
    first = next((place for place, day in enumerate(days) if lines[day]), len(days) - 1)
    return _shown(lines_per_day=small_columns(f"Lines landed, the last {RECENT_DAYS} days", [(str(day), lines[day]) for day in days[first:]]))


def mart_charts(trends: Iterable[TrendLines]) -> Charts:
    """Of a mart: its trends, each under its title."""
    return _shown(**{re.sub(r"\W+", "_", trend.title).strip("_").lower(): _trend(trend) for trend in trends})


def recent_rows(lake: Lake, report: DayReport) -> dict[dt.date, int]:
    """Rows kept of the days up to this one. Days without rows before the first that has any are not in it, but this day is."""
    table = delta.open_table(lake, report.dataset)
    kept = (delta.rows_by_day(table) if table is not None else {}) | {report.day: report.books.kept}
    first = report.day - dt.timedelta(days=RECENT_DAYS - 1)
    return {day: kept.get(day, 0) for day in every_date(sorted(day for day in kept if first <= day <= report.day))}


def _duplicates(report: DayReport) -> Charts:
    """By hour, or of a dataset without hours by feed."""
    if not report.books.duplicate:
        return {}
    hours = {grain.hour: account.books.duplicate for grain, account in report.accounts.items() if grain.kind == "hour"}
    if hours:
        return _shown(duplicates_by_hour=small_columns("Duplicates by hour", [(f"{hour:02d}:00", hours.get(hour, 0)) for hour in range(24)]))
    feeds: Counter[str] = Counter()
    for part in (p for account in report.accounts.values() for p in account.parts):
        feeds[part.application] += part.books.duplicate
    return _shown(duplicates_by_feed=small_bars("Duplicates by feed", (+feeds).most_common()))


def _top_values(lake: Lake, dataset: Dataset, report: DayReport) -> Charts:
    """Of each column with frequent values, the first of them."""
    tops = frequent_values(lake, dataset, (file for account in report.accounts.values() for file in account.files))
    titles = {t.column: f"Top values of {t.column}" + (f", {len(t.values)} of {t.distinct:,}" if len(t.values) < t.distinct else "") for t in tops}
    return _shown(**{f"top_{t.column}": small_bars(titles[t.column], t.values) for t in tops})


def _trend(trend: TrendLines) -> str | None:
    dates = every_date(sorted({date for values in trend.lines.values() for date in values}))[-RECENT_DAYS:]
    series: Mapping[str, Sequence[float | None]] = {name: [values.get(d) for d in dates] for name, values in trend.lines.items()}
    return small_lines(trend.title, [str(d) for d in dates], series)


def _shown(**charts: str | None) -> Charts:
    return {name: dg.MetadataValue.md(chart) for name, chart in charts.items() if chart is not None}
