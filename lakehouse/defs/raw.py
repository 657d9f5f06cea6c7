"""`raw/<dataset>`: materializing an hour asks the source for it again and adds what is new."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from lakehouse.accounts.books import FetchBooks
from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset, ReportsApiSource
from lakehouse.defs import catalogue, listen
from lakehouse.defs.events import PartitionRun
from lakehouse.defs.metadata import raw_metadata, raw_version
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.resources import LakeResource
from lakehouse.errors import ConfigurationError, TransientError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Purpose, Window
from lakehouse.landing.plan import PlannedWindow
from lakehouse.settings import Lake
from lakehouse.sources.applications import applications_of
from lakehouse.sources.waiting import Seldom, Wait
from lakehouse.steps.fetch import WindowOutcome, fetch_windows, hour_window, next_fetch
from lakehouse.steps.waiting import Waiting

HOURS_PER_RUN = 24
_AT_ONCE = 24  # hours that are fetched before they are told: what a killed run leaves untold
NOT_TRIED = TransientError("Not tried: the source failed too often in a row. Ask again when it answers.")


class RawConfig(dg.Config):
    """What to ask for."""

    purpose: Literal["backfill", "new", "overlap", "daily_sweep", "weekly_sweep", "planned"] = Field(
        default="backfill", description="Why it is asked. planned: only the windows that the plan of the next fetch names, each with its own purpose."
    )
    since: str | None = Field(default=None, description="Not before this time (ISO 8601, UTC): cuts the first hour.")
    until: str | None = Field(default=None, description="Not after this time (ISO 8601, UTC): cuts the last hour.")
    applications: list[str] | None = Field(default=None, description="Only these applications of the source.")


def build_raw_asset(*, dataset: Dataset, calendar: Calendar, source: ReportsApiSource) -> dg.AssetsDefinition:
    """Raw of a dataset whose source can be asked for a window of time."""
    key, contract = catalogue.raw_key(dataset.name), dataset.contract

    @dg.asset(
        key=key,
        partitions_def=calendar.grains(dataset),
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=HOURS_PER_RUN),
        pool=f"fetch_{source.name}",
        output_required=False,  # a run of many hours tells each by itself, see `events`
        group_name=dataset.name,
        owners=list(contract.owners),
        tags=catalogue.tags_of(contract, "raw"),
        kinds={"raw", "jsonl", source.name},
        description=catalogue.raw_description(dataset, catalogue.ASKED_AGAIN),
        metadata={"dagster/table_name": f"raw.{dataset.name}", "applications": ", ".join(source.applications)},
        code_version="1",
    )
    def raw(context: dg.AssetExecutionContext, config: RawConfig, lake: LakeResource) -> Iterator[Any]:
        run, waiting = PartitionRun(context, key), _waiting(context)
        left = run.to_do()
        with run.faults():
            opened = lake.open()
            while left:
                keys, left = left[:_AT_ONCE], left[_AT_ONCE:]
                windows = _windows(opened, dataset, config, run, keys)
                report = fetch_windows(opened, dataset, windows, run_id=context.run.run_id, progress=_advance, waiting=waiting)
                listen.report(report)
                yield from _told(opened, dataset, run, keys, report.outcomes)
                if report.not_tried:
                    run.left_out(left, NOT_TRIED)
                    listen.gave_up()
                    break
        yield from run.finish()

    return raw


def _windows(lake: Lake, dataset: Dataset, config: RawConfig, run: PartitionRun, keys: Sequence[str]) -> list[PlannedWindow]:
    """What to ask the source for, in these hours. An hour that cannot be asked for has failed."""
    planned = next_fetch(lake, dataset, config.applications).windows if config.purpose == "planned" else ()
    found: list[PlannedWindow] = []
    for key in keys:
        with run.partition(key):
            hour = hour_window(lake, dataset, Grain.parse(key).start)
            if config.purpose == "planned":
                found.extend(w for w in planned if hour.start <= w.window.start < hour.end)
            else:
                found.extend(_asked(hour, config, config.purpose, config.applications or applications_of(lake, dataset)))
    return found


def _asked(hour: Window, config: RawConfig, purpose: Purpose, applications: Sequence[str]) -> Iterator[PlannedWindow]:
    start = max(hour.start, _time("since", config.since) or hour.start)
    end = min(hour.end, _time("until", config.until) or hour.end)
    if start < end:
        yield from (PlannedWindow(application, Window(start, end), purpose) for application in applications)


def _told(lake: Lake, dataset: Dataset, run: PartitionRun, keys: Sequence[str], outcomes: Sequence[WindowOutcome]) -> Iterator[Any]:
    """Each hour by itself: what went wrong, or its totals beside what this fetch brought. An hour that was not asked for is not told."""
    ledger = load_ledger(lake, dataset.name)
    for key in keys:
        grain = Grain.parse(key)
        ours = [o for o in outcomes if grain.start <= o.planned.window.start < grain.end]
        bad = [o for o in ours if o.manifest is None]
        if bad:
            run.failed(key, _worst(bad))
        elif ours:
            yield from run.materialized(key, raw_metadata(ledger, grain) | _brought(ours), version=raw_version(ledger, grain))


def _worst(failed: Sequence[WindowOutcome]) -> Exception:
    """The error of an hour with several: one that will not pass, so that the hour is not tried again."""
    errors = [o.error for o in failed if isinstance(o.error, Exception)]
    return next((e for e in errors if not isinstance(e, TransientError)), errors[0] if errors else NOT_TRIED)


def _brought(outcomes: Sequence[WindowOutcome]) -> dict[str, Any]:
    manifests = [o.manifest for o in outcomes if o.manifest is not None]
    late: Counter[str] = Counter()
    for manifest in manifests:
        late[manifest.purpose] += manifest.late_recovered
    books = sum((m.books for m in manifests), FetchBooks())
    return {
        "this_fetch_read": books.read,
        "this_fetch_had_already": books.re_read,
        "this_fetch_landed": books.placed,
        "this_fetch_unplaced": books.unplaced,
        "this_fetch_found_late": late.total(),
        "this_fetch_found_late_by_purpose": ", ".join(f"{purpose} {count}" for purpose, count in sorted(late.items())),
        "this_fetch_manifests": ", ".join(str(m.number) for m in manifests),
        "this_fetch_purposes": ", ".join(sorted({o.planned.purpose for o in outcomes})),
    }


def _advance(outcome: WindowOutcome, done: int, total: int) -> None:
    listen.advance(f"{outcome.planned.application} {outcome.planned.window.start:%Y-%m-%d %H:%M}", done, total)


def _waiting(context: dg.AssetExecutionContext) -> Waiting:
    """Who listens hears all of it, the log of the run a line now and then."""
    seldom = Seldom(context.log.info)

    def told(waits: Sequence[Wait]) -> None:
        listen.waiting(waits)
        seldom(waits)

    return told


def _time(field: str, text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"The config {field} should be a time (ISO 8601, UTC) such as 2026-11-20T13:00Z, got {text!r}.") from error
    return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
