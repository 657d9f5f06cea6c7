"""The story of the demo: what runs in which order, and what each step is shown as. All work is done by the real definitions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from lakehouse.cli.demo_answers import Answer, answers, example, show_answers
from lakehouse.cli.demo_lake import DemoLake, prepare
from lakehouse.cli.demo_samples import NOW, Sample
from lakehouse.cli.output import facts, table, tick
from lakehouse.cli.simulated import serving_apart
from lakehouse.cli.work import advancing, failed_checks, show_built, show_published, show_read
from lakehouse.datasets.model import Dataset
from lakehouse.marts.build import builds_ahead
from lakehouse.marts.dbt_helper import dbt_helper
from lakehouse.steps.build import stale_days
from lakehouse.steps.publish import unpublished_days

if TYPE_CHECKING:
    from lakehouse.defs.run import Materialized
    from lakehouse.operations.reconciliation import Reconciliation
    from lakehouse.operations.truth import TruthTerm
    from lakehouse.steps.attempt import DayReport

# Of the books of several datasets in one table: all terms of the rows, so that they add up; nothing of a demo is blank, erased or superseded.
_TERMS = ("lines", "unreadable", "rows", "quarantined", "filtered", "held", "duplicate", "kept")


@dataclass
class Told:
    """What the demo did with one dataset, and what it found."""

    sample: Sample
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
            "runs": self.runs,
            "days_built": [{"day": r.day, "grains_rebuilt": len(r.rebuilt), "grains_reused": r.reused} for r in self.built],
            "closes": self.books is not None and self.books.closes,
            "reconciliation": self.books,
            "truth": self.truth,
            "answers": self.answers,
            "failed": self.failed,
        }


@dataclass
class Story:
    """The whole demo."""

    demo: DemoLake
    told: dict[str, Told]

    @property
    def good(self) -> bool:
        """Whether all went well."""
        return all(one.good for one in self.told.values())

    @property
    def failures(self) -> list[str]:
        """What did not run, or was found wrong, in words."""
        return [f"{name}: {text}" for name, one in self.told.items() for text in one.failed]

    def facts(self) -> dict[str, Any]:
        """All of it for machines."""
        return {"lake": self.demo.lake.url, "datasets": {name: one.facts() for name, one in self.told.items()}}


def tell(root: Path, datasets: Sequence[Dataset], *, quiet: bool) -> Story:
    """Run the demo in a folder, from wherever it was left."""
    console = Console(quiet=True) if quiet else facts()
    demo = prepare(root, datasets)
    story = Story(demo, {sample.dataset.name: Told(sample) for sample in demo.samples})
    _generate(demo.samples, console, quiet=quiet)
    alone = len(demo.samples) == 1  # of many, marts are published once, when what comes late is in them
    with ExitStack() as stack:
        stack.enter_context(builds_ahead(demo.lake) if demo.new else dbt_helper())
        served = stack.enter_context(serving_apart(demo.lake, [sample.dataset for sample in demo.samples]))
        for clock, samples in demo.first_looks():
            story.demo = demo = demo.at(clock)
            _head(console, f"First look, {clock:%Y-%m-%d %H:%M} UTC", "read from real files or over real HTTP, then built day by day")
            for sample in samples:
                with served(demo.lake, sample.dataset):
                    _round(story, sample, console, late=False, publish=alone, quiet=quiet)
        story.demo = demo = demo.at(NOW)
        then = (
            "what comes late is read, and the days it belongs to are built again" if demo.new else "this demo ran before: what is done costs nothing"
        )
        _head(console, f"Then, {NOW:%Y-%m-%d %H:%M} UTC", then)
        for sample in demo.samples:
            with served(demo.lake, sample.dataset):
                _round(story, sample, console, late=True, publish=True, quiet=quiet)
    _check(story, console)
    if not story.failures:
        _answer(story, console)
    return story


def _generate(samples: Sequence[Sample], console: Console, *, quiet: bool) -> None:
    _head(
        console,
        f"Five days of {len(samples)} systems" if len(samples) > 1 else "Five days",
        "generated, with every defect known to happen, and the truth about them",
    )
    for sample in samples:
        with advancing("generating", quiet=quiet) as advance:
            made = sample.generate(partial(advance, sample.dataset.name))
        console.print(f"{tick(True)} {sample.dataset.name}: {sample.dataset.contract.title}, {'in' if made else 'as it was in'} {sample.folder}")


def _round(story: Story, sample: Sample, console: Console, *, late: bool, publish: bool, quiet: bool) -> None:
    """Read what is new, build what is stale, publish what that reaches: what the sensors would request."""
    from lakehouse.defs.run import materialize_clean, materialize_marts

    lake, dataset, told = story.demo.lake, sample.dataset, story.told[sample.dataset.name]
    console.print(f"[bold]{dataset.name}[/]  [dim]{sample.arrive(late=late)}[/]")
    with advancing(f"{dataset.name}: reading", quiet=quiet) as advance:
        done = _noted(told, sample.read(lake, advance))
    if done.reports or done.success:  # else nothing was asked for, and the failures say why
        show_read(done.reports, console)
    stale = stale_days(lake, dataset)
    if stale:
        with advancing(f"{dataset.name}: building", quiet=quiet) as advance:
            done = _noted(told, materialize_clean(lake, dataset, [s.day for s in stale], advance=advance))
        _show_rebuilt(story, told, done.reports, console)
    else:
        console.print(f"{tick(True)} nothing is stale: no day to build")
    days = unpublished_days(lake, dataset) if publish else ()
    if days:
        with advancing(f"{dataset.name}: publishing", quiet=quiet) as advance:
            done = _noted(told, materialize_marts(lake, dataset, days, advance=advance))
        show_published(done.reports, console)


def _noted(told: Told, done: Materialized) -> Materialized:
    told.runs.extend(done.run_ids)
    partitions: dict[str, list[str]] = {}
    for partition, error in done.failures.items():
        partitions.setdefault(str(error), []).append(partition)
    told.failed.extend(f"{', '.join(named)}: {error}" for error, named in partitions.items())
    return done


def _show_rebuilt(story: Story, told: Told, reports: Sequence[DayReport], console: Console) -> None:
    told.built.extend(reports)
    told.failed.extend(failed_checks(reports))
    if len(story.told) == 1:
        show_built(reports, console)
    else:
        kept, aside = sum(r.books.kept for r in reports), sum(r.books.quarantined + r.books.unreadable for r in reports)
        console.print(f"{tick(not failed_checks(reports, warned=True))} {len(reports)} days built: {kept:,} rows kept, {aside:,} in quarantine")
    healed = [r for r in reports if r.previous is not None and r.rebuilt and r.day < story.demo.lake.now().date()]
    if len(story.told) > 1 and healed:
        rebuilt = f"{sum(len(r.rebuilt) for r in healed)} grains rebuilt, {sum(r.reused for r in healed)} kept as they were"
        console.print(f"{tick(True)} {len(healed)} late days healed, {healed[0].day} to {healed[-1].day}: {rebuilt}")
        return
    for one in healed:
        which = ", ".join(sorted(ref.grain for ref in one.rebuilt))
        console.print(f"{tick(True)} {one.day} healed: rebuilt {which}" + (f", kept {one.reused} as they were" if one.reused else ""))


def _check(story: Story, console: Console) -> None:
    from lakehouse.cli.books import show_sums
    from lakehouse.operations.reconciliation import reconcile

    _head(console, "The books", "every line and row in exactly one term, tolerance zero, against the truth of the generators")
    lake = story.demo.lake
    for one in story.told.values():
        one.books, one.truth = reconcile(lake, one.sample.dataset), one.sample.truth(lake)
    if len(story.told) == 1:
        (one,) = story.told.values()
        assert one.books is not None  # noqa: S101  it was just made
        show_sums(one.books, console)
        console.print()
        rows: list[tuple[Any, ...]] = [(t.name, t.truth, t.lake, tick(t.agrees)) for t in one.truth if t.truth or t.lake]
        console.print(table(None, ["term", "truth", "lake", ""], rows, raw=True))
        return
    header = ["dataset", *_TERMS, "closes", "agrees with the truth"]
    console.print(table(None, header, [_books_row(one) for one in story.told.values()], raw=True))


def _books_row(one: Told) -> tuple[Any, ...]:
    assert one.books is not None  # noqa: S101  it was just made
    b, agree = one.books.books, sum(t.agrees for t in one.truth)
    terms = f"{tick(agree == len(one.truth))} {agree} of {len(one.truth)} terms"
    return (one.sample.dataset.name, *(getattr(b, term) for term in _TERMS), tick(one.books.closes), terms)


def _answer(story: Story, console: Console) -> None:
    from lakehouse.steps.query import connect

    _head(console, "Three questions" if len(story.told) == 1 else "Three questions to each", "asked of the published marts")
    with connect(story.demo.lake, [one.sample.dataset for one in story.told.values()]) as con:
        for one in story.told.values():
            one.answers, one.example = answers(con, one.sample.dataset), example(con, one.sample.dataset)
    for name, one in story.told.items():
        show_answers(name, one.answers, console, short=len(story.told) > 1)


def _head(console: Console, title: str, below: str) -> None:
    console.print(f"\n[bold cyan]{escape(title)}[/]  [dim]{escape(below)}[/]")
