"""The story of the demo: what runs in which order, and what each step is shown as. All work is done by the real definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from lakehouse.cli.demo_lake import NOW, DemoLake, prepare
from lakehouse.cli.output import facts, progress, table, tick
from lakehouse.cli.simulated import serving
from lakehouse.cli.work import advancing, failed_checks, fetched, show_built, show_fetched, show_published
from lakehouse.datasets.model import Dataset
from lakehouse.marts.dbt_helper import dbt_helper
from lakehouse.steps.build import StaleDay, stale_days

if TYPE_CHECKING:
    from lakehouse.defs.run import Materialized
    from lakehouse.marts.specs import Question
    from lakehouse.operations.reconciliation import Reconciliation
    from lakehouse.operations.truth import TruthTerm
    from lakehouse.steps.build import DayReport


@dataclass(frozen=True)
class Answer:
    """A question in words, the SQL that was asked, and what came."""

    ask: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass
class Story:
    """What the demo did and found."""

    demo: DemoLake
    runs: list[str] = field(default_factory=list)
    built: list[DayReport] = field(default_factory=list)
    books: Reconciliation | None = None
    truth: list[TruthTerm] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    example: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every step went well, the books close and agree with the truth."""
        return not self.failed and self.books is not None and self.books.closes and all(t.agrees for t in self.truth)

    def facts(self) -> dict[str, Any]:
        """All of it for machines."""
        return {
            "lake": self.demo.lake.url,
            "runs": self.runs,
            "days_built": [{"day": r.day, "hours_rebuilt": len(r.rebuilt), "hours_reused": r.reused} for r in self.built],
            "closes": self.books is not None and self.books.closes,
            "reconciliation": self.books,
            "truth": self.truth,
            "answers": self.answers,
            "failed": self.failed,
        }


def tell(root: Path, dataset: Dataset, *, quiet: bool) -> Story:
    """Run the demo in a folder, from wherever it was left."""
    console = _console(quiet)
    _head(console, "Five days of a small company", "generated activities, with every defect known to happen, and the truth about them")
    with progress(quiet=quiet) as shown:
        task = shown.add_task("generating activities", total=None)
        demo = prepare(root, dataset, progress=lambda done, total: shown.update(task, completed=done, total=total))
    total = demo.truth.total
    console.print(f"{tick(True)} {total.fetch.read:,} items in {demo.folder}, {total.books.kept:,} rows to keep")
    story = Story(demo)
    with serving(demo.lake, dataset) as api, dbt_helper(ahead=not demo.seen_before):
        if demo.lake.settings.clock != NOW:
            _head(console, f"First look, {demo.lake.now():%Y-%m-%d %H:%M} UTC", "fetched over HTTP from the local Reports API server, hour by hour")
            _round(story, console, quiet=quiet)
            demo = story.demo = demo.at(NOW)
            if api is not None:
                api.set_clock(NOW)
            late = f"the source now tells of {demo.late_hour:%Y-%m-%d %H}:00, which it had kept back; the daily sweep finds it"
            _head(console, f"Two hours later, {NOW:%Y-%m-%d %H:%M} UTC", late)
        else:
            _head(console, f"This demo ran before; it is {NOW:%Y-%m-%d %H:%M} UTC", "what is done already costs nothing")
        _round(story, console, quiet=quiet)
    _check(story, console)
    _answer(story, console)
    return story


def _round(story: Story, console: Console, *, quiet: bool) -> None:
    """Fetch what the plan names, build what is stale, publish what that reaches: what the sensors would request."""
    from lakehouse.defs.run import materialize_clean, materialize_marts, materialize_planned

    lake, dataset = story.demo.lake, story.demo.dataset
    with advancing("fetching", quiet=quiet) as advance:
        done = _noted(story, materialize_planned(lake, dataset, advance=advance))
    show_fetched(done.reports, console)
    stale = stale_days(lake, dataset)
    if not stale:
        console.print(f"{tick(True)} nothing is stale: {len(fetched(done.reports)['days'])} days touched, no hour to build")
        return
    with advancing("building", quiet=quiet) as advance:
        done = _noted(story, materialize_clean(lake, dataset, [s.day for s in stale], advance=advance))
    _show_rebuilt(story, stale, done.reports, console)
    with advancing("publishing", quiet=quiet) as advance:
        done = _noted(story, materialize_marts(lake, dataset, [s.day for s in stale], advance=advance))
    show_published(done.reports, console)


def _noted(story: Story, done: Materialized) -> Materialized:
    story.runs.extend(done.run_ids)
    story.failed.extend(f"{partition}: {error}" for partition, error in done.failures.items())
    return done


def _show_rebuilt(story: Story, stale: Sequence[StaleDay], reports: Sequence[DayReport], console: Console) -> None:
    story.built.extend(reports)
    story.failed.extend(failed_checks(reports))
    show_built(reports, console)
    late = [r for r in reports if r.day == story.demo.late_hour.date() and r.previous is not None]
    for one in late:
        hours = ", ".join(sorted(ref.grain for ref in one.rebuilt))
        reason = next(s.reason for s in stale if s.day == one.day)
        console.print(f"{tick(True)} {one.day} healed: rebuilt {hours}, kept the other {one.reused} hours as they were ({reason})")


def _check(story: Story, console: Console) -> None:
    from lakehouse.cli.books import show_sums
    from lakehouse.operations.reconciliation import reconcile
    from lakehouse.operations.truth import compare

    _head(console, "The books", "every line and row in exactly one term, tolerance zero, against the truth of the generator")
    lake, dataset = story.demo.lake, story.demo.dataset
    story.books = reconcile(lake, dataset)
    story.truth = compare(lake, dataset, story.demo.folder / "truth.json", visible_until=lake.now())
    show_sums(story.books, console)
    rows = [(t.name, t.truth, t.lake, tick(t.agrees)) for t in story.truth if t.truth or t.lake]
    console.print()
    console.print(table(None, ["term", "truth", "lake", ""], rows, raw=True))


def _answer(story: Story, console: Console) -> None:
    from lakehouse.marts.specs import find_mart
    from lakehouse.steps.query import connect

    _head(console, "Three questions", "asked of the published marts")
    with connect(story.demo.lake, [story.demo.dataset]) as con:
        story.answers = [_ask(con, find_mart(name).questions[0]) for name in story.demo.dataset.showcase]
        story.example = _example(con, story.demo.dataset)
    for one in story.answers:
        console.print(f"[bold]{escape(one.ask)}[/]")
        console.print(table(None, one.columns, one.rows))
        console.print()


def _ask(con: Any, question: Question) -> Answer:
    found = con.execute(question.sql)
    columns = tuple(str(d[0]) for d in found.description)
    return Answer(question.ask, question.sql, columns, tuple(found.fetchmany(5)))


def _example(con: Any, dataset: Dataset) -> tuple[str, ...]:
    """Arguments of `lakehouse explain row` for the row of a derived mart that counts most."""
    from lakehouse.marts.specs import mart_specs

    spec = next((s for s in mart_specs(dataset.name) if s.explain_counts and s.derives_from and s.dated and "actor" in s.grain), None)
    if spec is None:
        return ()
    columns = ", ".join(spec.grain)
    row = con.execute(f"SELECT {columns} FROM marts.{spec.name} ORDER BY {spec.explain_counts} DESC, {columns} LIMIT 1").fetchone()
    values = [str(v).lower() if isinstance(v, bool) else "" if v is None else str(v) for v in row or ()]
    return (spec.name, *(f"{name}={value}" for name, value in zip(spec.grain, values, strict=False)))


def _head(console: Console, title: str, below: str) -> None:
    console.print(f"\n[bold cyan]{escape(title)}[/]  [dim]{escape(below)}[/]")


def _console(quiet: bool) -> Console:
    return Console(quiet=True) if quiet else facts()
