"""Generate a sample: block by block, two at a time, the same bytes for the same arguments."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from lakehouse.datasets.workspace_audit.generator.defects import Plan, plan_defects, serve_defects
from lakehouse.datasets.workspace_audit.generator.facts import FACTS_FILE, SCHEMA, merge
from lakehouse.datasets.workspace_audit.generator.logs import LOGS, find_log
from lakehouse.datasets.workspace_audit.generator.options import APPLICATIONS, Arguments, Defects, LateHour
from lakehouse.datasets.workspace_audit.generator.people import EPOCH, World, make_world
from lakehouse.datasets.workspace_audit.generator.records import draw_activities
from lakehouse.datasets.workspace_audit.generator.render import render_lines
from lakehouse.datasets.workspace_audit.generator.rhythm import Block, anomaly_hour, plan_blocks
from lakehouse.datasets.workspace_audit.generator.truth import Counts, Truth, make_truth, tally
from lakehouse.datasets.workspace_audit.generator.write import clear_folder, write_hours
from lakehouse.errors import ConfigurationError

_WORKERS = 2
Progress = Callable[[int, int], None]


def generate(
    folder: Path,
    *,
    seed: int,
    start: dt.datetime,
    end: dt.datetime,
    events: int,
    applications: tuple[str, ...] = APPLICATIONS,
    defects: Defects = Defects(),  # noqa: B008  frozen
    late: Sequence[LateHour] = (),
    users: int | None = None,
    progress: Progress | None = None,
) -> Truth:
    """Write a sample of `events` distinct activities (copies and revisions come on top) of hours from `start` to `end` into a folder.

    `<folder>/<application>/<YYYY-MM-DD>T<HH>.jsonl.zst`: the activities as the API serves them, one per line, ascending by the server's time of
    the event; beside it `.npy`: int64 (n, 2), the server's time and the time from which on the API tells of it, microseconds since 1970.
    `facts.parquet` and, last, `truth.json` say what a reader must find. The same arguments give the same bytes.
    `progress` is told (activities done, activities in all).

    Raises `ConfigurationError` for times that are not whole hours in UTC, an unknown application, or a folder that holds anything but a sample.
    """
    population = users if users is not None else min(20_000, max(40, events // 300))
    arguments = Arguments(seed, start, end, events, population, applications, defects, tuple(late))
    _check(arguments)
    world = make_world(arguments)
    blocks = plan_blocks(world)
    plan = plan_defects(arguments, blocks)
    clear_folder(folder)
    counts: dict[str, Counts] = {}
    done = 0
    schema = pl.DataFrame(schema=SCHEMA).to_arrow().schema
    with pq.ParquetWriter(folder / FACTS_FILE, schema, compression="zstd") as writer:
        for block, facts, counted in _in_order(folder, world, blocks, plan):
            writer.write_table(facts.to_arrow(), row_group_size=max(1, len(facts)))
            counts[block.application] = counts.get(block.application, Counts()) + counted
            done += block.activities
            if progress is not None:
                progress(done, events)
    truth = make_truth(arguments, EPOCH + dt.timedelta(microseconds=anomaly_hour(world)), counts)
    truth.save(folder)
    return truth


def _check(arguments: Arguments) -> None:
    for name, time in (("start", arguments.start), ("end", arguments.end), *(("late hour", h.hour) for h in arguments.late)):
        if time.utcoffset() != dt.timedelta(0) or time.timestamp() % 3600:
            raise ConfigurationError(f"The {name} of a sample must be a whole hour in UTC, got {time.isoformat()}.")
    if arguments.start >= arguments.end:
        raise ConfigurationError(f"A sample must end after it starts, got {arguments.start.isoformat()} to {arguments.end.isoformat()}.")
    if arguments.events < 1 or arguments.users < 10:
        raise ConfigurationError(f"A sample needs at least 1 activity and 10 users, got {arguments.events} and {arguments.users}.")
    for application in arguments.applications:
        find_log(application)


def _in_order(folder: Path, world: World, blocks: Sequence[Block], plan: Plan) -> Iterator[tuple[Block, pl.DataFrame, Counts]]:
    """Results of the blocks in their order; never more in memory than are worked on."""
    emails = world.emails.to_list()

    def work(block: Block) -> tuple[Block, pl.DataFrame, Counts]:
        facts = _write_block(folder, world, block, plan)
        return block, facts, tally(facts, emails)

    with ThreadPoolExecutor(_WORKERS) as pool:
        running: deque[Future[tuple[Block, pl.DataFrame, Counts]]] = deque()
        for block in blocks:
            running.append(pool.submit(work, block))
            if len(running) > _WORKERS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _write_block(folder: Path, world: World, block: Block, plan: Plan) -> pl.DataFrame:
    log = find_log(block.application)
    rng = np.random.default_rng([world.arguments.seed, 4, list(LOGS).index(log.name), block.number])
    activities = draw_activities(rng, log, world, block)
    lines = render_lines(rng, log.name, world, activities.items)
    lines, facts = merge(log.name, activities, lines, serve_defects(rng, block, activities, lines, plan))
    write_hours(folder, log.name, lines, facts)
    return facts
