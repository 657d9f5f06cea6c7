"""The page of a dataset: its numbers as pictures with a table beside each. One file that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.accounts import lateness
from lakehouse.operations.report import ADDRESS, DAYS, TOP, Report, Top, TrendLines
from lakehouse.pictures.charts import Chart, bars, every_date, lateness_chart, lines, number, plain, reasons_chart, rows_per_day, within

TEMPLATE = "page.html.j2"
_TERMS = ("kept", "duplicates", "quarantined", "filtered", "held")


@dataclass(frozen=True)
class Block:
    """A picture with its table, whose first column names the row."""

    title: str
    chart: Chart | None
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page; `empty` says why there is nothing in it."""

    id: str
    title: str
    about: str
    blocks: tuple[Block, ...]
    empty: str


def render(report: Report) -> str:
    """The page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(TEMPLATE).render(report=report, facts=_facts(report), sections=sections(report))


def sections(report: Report) -> tuple[Section, ...]:
    """The parts of the page, in order; each is there also when it is empty."""
    built = "Nothing is built yet."
    recent = f"Pictures and tables show the newest {DAYS} days, sums are of all {len(report.days)}." if len(report.days) > DAYS else ""
    tops = tuple(_top(top) for top in report.tops if top.values)
    trends = tuple(_trend(trend) for trend in report.trends if trend.lines)
    return (
        Section("days", "Rows per day", f"What became of the rows of each day (UTC) by the time of their event. {recent}", _days(report), built),
        Section("lateness", "Lateness", "Rows kept, by the time from the event until it had landed.", _lateness(report), built),
        Section("quarantine", "Quarantine", "Why rows and lines were refused or are held.", _reasons(report), "Nothing is in quarantine."),
        Section("duplicates", "Duplicates", "Rows that were there already, and their share in all rows of the day.", _duplicates(report), built),
        Section(
            "top",
            "Top values",
            f"The {TOP} most frequent values of some columns, in rows kept. What looks like an address is shown as {ADDRESS}.",
            tops,
            "No column is named for it, or none has a value: `top_values` of the dataset." if report.days else built,
        ),
        Section("trends", "Mart trends", "Of the published marts, by date.", trends, "No mart with a trend is published yet."),
    )


def _facts(report: Report) -> tuple[tuple[str, str], ...]:
    p50, p99 = (lateness.quantile(report.lateness, share) for share in (0.5, 0.99))
    days = report.days
    return (
        ("days", f"{len(days):,}, {days[0].day} to {days[-1].day}" if days else "0"),
        ("complete days", f"{report.total('complete'):,}"),
        *((term, f"{report.total(term):,}") for term in _TERMS if report.total(term) or term in ("kept", "duplicates", "quarantined")),
        ("lateness of half of the rows", within(p50) if p50 is not None else "-"),
        ("lateness of 99 %", within(p99) if p99 is not None else "-"),
    )


def _days(report: Report) -> tuple[Block, ...]:
    days = report.days[-DAYS:]
    if not days:
        return ()
    terms = [t for t in _TERMS if any(getattr(d, t) for d in days)] or ["kept"]
    chart = rows_per_day({d.day: {t: int(getattr(d, t)) for t in terms} for d in days})
    rows = [(f"{d.day}", *(f"{getattr(d, t):,}" for t in terms), "yes" if d.complete else "no") for d in reversed(days)]
    return (Block("Rows per day", chart, ("day", *terms, "complete"), rows),)


def _lateness(report: Report) -> tuple[Block, ...]:
    if not report.lateness:
        return ()
    total, so_far, rows = sum(report.lateness.values()), 0, []
    for seconds, count in sorted(report.lateness.items()):
        so_far += count
        rows.append((within(seconds), f"{count:,}", f"{so_far / total:.1%}"))
    return (Block("From event to landing", lateness_chart(report.lateness), ("within", "rows", "rows so far"), rows),)


def _reasons(report: Report) -> tuple[Block, ...]:
    if not report.reasons:
        return ()
    rows = [(r.rule, r.level, f"{r.count:,}") for r in report.reasons]
    return (Block("By rule", reasons_chart([(r.rule, r.count) for r in report.reasons]), ("rule", "level", "count"), rows),)


def _duplicates(report: Report) -> tuple[Block, ...]:
    days = report.days[-DAYS:]
    if not days:
        return ()
    found = any(d.duplicates for d in days)  # a chart of nothing is an empty frame
    chart = rows_per_day({d.day: {"duplicates": d.duplicates} for d in days}, title="Duplicates per day") if found else None
    rows = [(f"{d.day}", f"{d.duplicates:,}", f"{d.rows:,}", f"{d.duplicates / d.rows:.2%}" if d.rows else "-") for d in reversed(days)]
    return (Block("Duplicates per day", chart, ("day", "duplicates", "rows", "share"), rows, "" if found else "No row came twice on these days."),)


def _top(top: Top) -> Block:
    more = f"{top.distinct:,} values in all" + (f"; {top.empty:,} rows have none" if top.empty else "")
    rows = [(plain(value), f"{count:,}") for value, count in top.values]
    return Block(top.column, bars(top.column, top.values), (top.column, "rows"), rows, f"{top.meaning} {more}.")


def _trend(trend: TrendLines) -> Block:
    dates = sorted({date for values in trend.lines.values() for date in values})[-DAYS:]
    filled = every_date(dates)
    chart = lines(trend.title, [str(d) for d in filled], {name: [values.get(d) for d in filled] for name, values in trend.lines.items()})
    rows = [(f"{d}", *(number(values.get(d)) for values in trend.lines.values())) for d in reversed(dates)]
    left = f" The {len(trend.lines)} largest of {trend.groups:,}." if trend.groups > len(trend.lines) else ""
    return Block(trend.title, chart, ("date", *map(plain, trend.lines)), rows, f"Mart {trend.mart}.{left}")
