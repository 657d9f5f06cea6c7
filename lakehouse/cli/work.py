"""Materializing from the command line: progress while it runs, one table of what came of it, failures as errors."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from lakehouse.cli.exits import ExitCode
from lakehouse.cli.output import Noted, error_panel, hint, progress, table, tick, warn
from lakehouse.sources.waiting import Seldom, Wait, sentence

if TYPE_CHECKING:
    from lakehouse.defs.run import Materialized
    from lakehouse.marts.records import MartsReport
    from lakehouse.steps.attempt import DayReport
    from lakehouse.steps.fetch import FetchReport
    from lakehouse.steps.ingest import IngestReport


@dataclass(frozen=True)
class Failed:
    """What failed, in words, and the exit code that it amounts to. `cause`: the one error that is all of it, which ends the command as its own."""

    words: list[str] = field(default_factory=list)
    code: ExitCode = ExitCode.DATA
    cause: Exception | None = None

    def after(self, words: Sequence[str], code: ExitCode) -> Failed:
        """This and what failed before it: try again only where that may help for all of it."""
        if not words:
            return self
        return Failed([*words, *self.words], code if not self.words or self.code == ExitCode.TRANSIENT else self.code)

    def end(self, title: str) -> None:
        """Show it and end the command; nothing where nothing failed."""
        if self.cause is not None:
            raise self.cause
        if self.words:
            error_panel("\n".join(self.words), title=title)
            raise typer.Exit(self.code)


class Advance:
    """What a run tells while it is under way, shown: how far it is, and what it waits for."""

    def __init__(self, what: str, shown: Noted) -> None:
        self._what, self._shown, self._task = what, shown, shown.add_task(what, total=None)
        self._seldom = Seldom(hint)

    def __call__(self, now: str, done: int, total: int) -> None:
        """Move the bar on."""
        self._shown.update(self._task, description=f"{self._what}: {now}", completed=done, total=total)

    def waiting(self, waits: Sequence[Wait]) -> None:
        """Under the bar, as long as it lasts; where there is no bar as a line now and then."""
        if self._shown.disable:
            self._seldom(waits)
        else:
            self._shown.note = sentence(waits) if waits else ""


@contextlib.contextmanager
def advancing(what: str, *, quiet: bool = False) -> Iterator[Advance]:
    """A progress bar that a run moves on. Dagster's own log goes to its history, not to the terminal."""
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with progress(quiet=quiet) as shown:
        yield Advance(what, shown)


def fetched(reports: Sequence[FetchReport]) -> dict[str, Any]:
    """What fetches came to, for people and machines."""
    manifests = [m for r in reports for m in r.manifests]
    return {
        "windows": sum(len(r.outcomes) for r in reports),
        "failed_windows": sum(len(r.errors) + len(r.not_tried) for r in reports),
        "manifests": [m.number for m in manifests],
        "read": sum(m.books.read for m in manifests),
        "re_read": sum(m.books.re_read for m in manifests),
        "placed": sum(m.books.placed for m in manifests),
        "unplaced": sum(m.books.unplaced for m in manifests),
        "late_recovered": sum(m.late_recovered for m in manifests),
        "days": sorted({day for r in reports for day in r.days}),
    }


def ingested(reports: Sequence[IngestReport]) -> dict[str, Any]:
    """What ingests came to, for people and machines."""
    outcomes = [o for r in reports for o in r.outcomes]
    manifests = [m for r in reports for m in r.manifests]
    return {
        "files": len(outcomes),
        "manifests": [m.number for m in manifests],
        "left": {o.path: o.skipped for o in outcomes if o.skipped is not None},
        "aside": [path for r in reports for path in r.aside],
        "failed": {o.path: str(o.error) for o in outcomes if o.error is not None},
        "read": sum(m.books.read for m in manifests),
        "placed": sum(m.books.placed for m in manifests),
        "unplaced": sum(m.books.unplaced for m in manifests),
        "dimensions": {version.dimension: version.books.kept for r in reports for version in r.dimensions},
        "days": sorted({day for r in reports for day in r.days}),
    }


def built(reports: Sequence[DayReport]) -> list[dict[str, Any]]:
    """What builds of days came to."""
    return [
        {
            "day": r.day,
            "grains_rebuilt": len(r.rebuilt),
            "grains_reused": r.reused,
            "committed": r.committed,
            "complete": r.build.complete,
            "books": r.books,
            "failed_checks": [{"name": c.name, "severity": c.severity, "description": c.description} for c in r.checks if not c.passed],
            "seconds": round(r.seconds, 3),
        }
        for r in reports
    ]


def published(reports: Sequence[MartsReport]) -> list[dict[str, Any]]:
    """What publishing came to."""
    return [
        {"version": r.version, "skipped": r.skipped, "reason": r.reason, "marts": len(r.rebuilt), "tests": len(r.tests), "seconds": r.seconds}
        for r in reports
    ]


def show_fetched(reports: Sequence[FetchReport], console: Console) -> None:
    """One sentence per fetch."""
    facts = fetched(reports)
    console.print(
        f"{tick(not facts['failed_windows'])} {facts['windows']:,} windows: {facts['read']:,} read = {facts['re_read']:,} re-read + "
        f"{facts['placed']:,} placed + {facts['unplaced']:,} unplaced; {facts['late_recovered']:,} late ones found; {_days(facts['days'])} touched"
    )


def show_ingested(reports: Sequence[IngestReport], console: Console) -> None:
    """One sentence per ingest."""
    facts = ingested(reports)
    left = ", ".join(f"{count:,} {why}" for why, count in Counter(facts["left"].values()).items())
    console.print(
        f"{tick(not facts['failed'])} {len(facts['manifests']):,} of {facts['files']:,} files landed{f' ({left})' if left else ''}: "
        f"{facts['read']:,} read = {facts['placed']:,} placed + {facts['unplaced']:,} unplaced; {_days(facts['days'])} touched"
    )
    for version in (version for r in reports for version in r.dimensions):
        told = version.books
        console.print(
            f"{tick(True)} dimension {version.dimension}, version {version.number}: {told.read:,} read = {told.kept:,} kept + "
            f"{told.duplicate:,} duplicates + {told.refused:,} refused"
        )


def show_read(reports: Sequence[FetchReport | IngestReport], console: Console) -> None:
    """What was read, whatever the kind of the source."""
    from lakehouse.steps.ingest import IngestReport

    ingests = [r for r in reports if isinstance(r, IngestReport)]
    if ingests:
        show_ingested(ingests, console)
    else:
        show_fetched([r for r in reports if not isinstance(r, IngestReport)], console)


def show_built(reports: Sequence[DayReport], console: Console) -> None:
    """One row per day."""
    header = ["day", "grains rebuilt", "reused", "rows", "quarantined", "duplicates", "kept", "complete", "committed", "checks"]
    rows = []
    for one in reports:
        b, checks = one.books, one.checks
        bad = [c.name for c in checks if not c.passed]
        cells = (one.day, len(one.rebuilt), one.reused, b.rows, b.quarantined + b.unreadable, b.duplicate, b.kept, one.build.complete, one.committed)
        rows.append([*cells, f"{tick(not any(c.severity == 'error' for c in checks if not c.passed))} {', '.join(bad)}"])
    console.print(table(None, header, rows, raw=True))


def show_published(reports: Sequence[MartsReport], console: Console) -> None:
    """One sentence per version. The runs that found nothing left to do count only where all did, once."""
    done = [one for one in reports if not one.skipped]
    for one in done or reports[:1]:
        if one.skipped:
            console.print(f"{tick(True)} marts: nothing to do ({one.reason}); version {one.version} stays")
        else:
            console.print(f"{tick(True)} marts: version {one.version}, {len(one.rebuilt)} marts built, {len(one.tests)} tests passed ({one.reason})")


def failed_checks(reports: Sequence[DayReport], *, warned: bool = False) -> list[str]:
    """The checks that failed as errors, in words. Those that only warn are told on stderr, unless they were (`warned`)."""
    errors = []
    for one in reports:
        for check in one.checks:
            if not check.passed:
                sentence = f"{one.day} {check.name}: {check.description}"
                if check.severity == "error":
                    errors.append(sentence)
                elif not warned:
                    warn(sentence)
    return errors


def _days(days: Sequence[dt.date]) -> str:
    return f"{len(days)} day{'' if len(days) == 1 else 's'}"


def runs(*done: Materialized) -> list[str]:
    """The ids of the Dagster runs."""
    return [run for one in done for run in one.run_ids]
