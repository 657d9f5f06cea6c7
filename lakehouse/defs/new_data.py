"""The sensor for new data: looks at the plan of the next fetch (cheap, asks the source nothing) and requests the hours that it names."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import hashlib
from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.ranges import ATTEMPTS, failures, look_unless_running, named, range_tags, stretches
from lakehouse.defs.resources import LakeResource
from lakehouse.defs.switches import sensor_status
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.plan import PlannedWindow
from lakehouse.settings import Lake
from lakehouse.sources.reports_api.options import unconfigured
from lakehouse.steps.fetch import probe

HOURS_PER_REQUEST = 7 * 24
FETCH_TAG = "lakehouse/fetch"


def build_new_data_sensor(*, dataset: Dataset, calendar: Calendar, raw: dg.AssetsDefinition) -> dg.SensorDefinition:
    """Requests the oldest stretch of hours that the plan names as one run; none while one runs. One that failed three times is passed over."""
    name, step = dataset.name, raw.op.name

    @dg.sensor(
        name=f"{name}_new_data_sensor",
        target=raw,
        minimum_interval_seconds=60,
        default_status=sensor_status(),
        description=f"Fetches what is new for {name}: unread hours, the overlap before them, sweeps that are due.",
    )
    def new_data(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        def look(opened: Lake) -> dg.RunRequest | dg.SkipReason:
            missing = unconfigured(opened, dataset)
            if missing is not None and not load_ledger(opened, name).last_number:  # a lake of other datasets
                return dg.SkipReason(missing)
            found = probe(opened, dataset)
            asked = list(_stretches(found.plan.windows, calendar.hours.get_partition_keys()))
            if not found.due or not asked:
                return dg.SkipReason(f"Nothing is due. {found.reason}")
            for hours in asked:
                content = _content(hours, found.plan.windows)
                failed = failures(context.instance, FETCH_TAG, content)
                if failed < ATTEMPTS and not _answered(context.instance, content, failed):
                    return _request(name, step, hours, content, failed)
            return dg.SkipReason(_left(context.instance, asked, found.plan.windows, found.reason))

        return look_unless_running(context.instance, catalogue.raw_key(name), f"fetches {name}", lake, look)

    return new_data


def _stretches(windows: Sequence[PlannedWindow], keys: Sequence[str]) -> Iterator[list[str]]:
    """The hours that were never read or are swept, oldest first, each stretch with the overlap right before it.

    They are cut at fixed weeks: a first contact, which moves on with the clock, must not make other stretches of all hours behind it, whose failures
    would be forgotten.
    """
    asked = {_hour(w) for w in windows if w.purpose != "overlap"}
    again = {_hour(w) for w in windows} - asked
    for hours in _cut(asked, keys):
        before = keys.index(hours[0])
        first = before
        while first and keys[first - 1] in again:
            first -= 1
        yield [*keys[first:before], *hours]


def _cut(asked: Collection[str], keys: Sequence[str]) -> Iterator[list[str]]:
    begun = int(Grain.parse(keys[0]).start.timestamp()) // 3600 % HOURS_PER_REQUEST if keys else 0
    for week in range(-begun, len(keys), HOURS_PER_REQUEST):
        yield from stretches(asked, keys[max(week, 0) : week + HOURS_PER_REQUEST], HOURS_PER_REQUEST)


def _answered(instance: dg.DagsterInstance, content: str, failed: int) -> bool:
    """Whether a run for this ended in another way than by failing: the hour is not over yet, or somebody canceled it."""
    return instance.get_runs_count(dg.RunsFilter(tags={FETCH_TAG: content})) > failed


def _request(name: str, step: str, hours: Sequence[str], content: str, failed: int) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{name}:{content}:{failed}",  # remembered for ever, so it names the content and the attempt, never the bare hours
        asset_selection=[catalogue.raw_key(name)],
        run_config={"ops": {step: {"config": {"purpose": "planned"}}}},
        tags={**range_tags(hours), FETCH_TAG: content, "lakehouse/dataset": name},
    )


def _left(instance: dg.DagsterInstance, asked: Sequence[Sequence[str]], windows: Sequence[PlannedWindow], reason: str) -> str:
    """Why nothing is asked for although something is due."""
    failed = [hours for hours in asked if failures(instance, FETCH_TAG, _content(hours, windows)) >= ATTEMPTS]
    if not failed:
        return f"All that is due was asked for; again when the next hour begins. {reason}"
    these = named([f"{hours[0]} to {hours[-1]}" for hours in failed])
    return f"{these} failed {ATTEMPTS} times; asked again when something else is missing there (the next hour), or fetched by hand. {reason}"


def _hour(window: PlannedWindow) -> str:
    return Grain.of(window.window.start, "hour").key


def _content(hours: Sequence[str], windows: Sequence[PlannedWindow]) -> str:
    """Names what is missing in these hours.

    Neither the minute to which the current hour reaches is news, nor what other windows brought in the meantime: a window that fails for good must
    not be asked for again with every manifest.
    """
    asked = sorted({(w.application, _hour(w), w.purpose) for w in windows if w.purpose != "overlap" and hours[0] <= _hour(w) <= hours[-1]})
    return hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()
