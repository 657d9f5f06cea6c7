"""The sensor for new data: looks at the plan of the next fetch (cheap, asks the source nothing) and requests the hours that it names."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import hashlib
from collections.abc import Sequence

import dagster as dg

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.ranges import ATTEMPTS, failures, look_unless_running, range_tags, stretches
from lakehouse.defs.resources import LakeResource
from lakehouse.defs.switches import sensor_status
from lakehouse.landing.plan import PlannedWindow
from lakehouse.settings import Lake
from lakehouse.steps.fetch import probe

HOURS_PER_REQUEST = 7 * 24
FETCH_TAG = "lakehouse/fetch"


def build_new_data_sensor(*, dataset: Dataset, calendar: Calendar, raw: dg.AssetsDefinition) -> dg.SensorDefinition:
    """Requests the oldest stretch of hours that the plan names as one run; none while one runs. A stretch that fails three times waits for news."""
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
            found = probe(opened, dataset)
            hours = stretches({_hour(w) for w in found.plan.windows}, calendar.hours.get_partition_keys(), HOURS_PER_REQUEST)
            if not found.due or not hours:
                return dg.SkipReason(f"Nothing is due. {found.reason}")
            return _request(context, name, step, hours[0], _content(hours[0], found.plan.windows), found.reason)

        return look_unless_running(context.instance, catalogue.raw_key(name), f"fetches {name}", lake, look)

    return new_data


def _request(
    context: dg.SensorEvaluationContext, name: str, step: str, hours: Sequence[str], content: str, reason: str
) -> dg.RunRequest | dg.SkipReason:
    failed = failures(context.instance, FETCH_TAG, content)
    if failed >= ATTEMPTS:
        return dg.SkipReason(
            f"{hours[0]} to {hours[-1]} failed {failed} times; asked again when the next hour begins or after a fetch by hand. {reason}"
        )
    return dg.RunRequest(
        run_key=f"{name}:{content}:{failed}",  # remembered for ever, so it names the content and the attempt, never the bare hours
        asset_selection=[catalogue.raw_key(name)],
        run_config={"ops": {step: {"config": {"purpose": "planned"}}}},
        tags={**range_tags(hours), FETCH_TAG: content, "lakehouse/dataset": name},
    )


def _hour(window: PlannedWindow) -> str:
    return Grain.of(window.window.start, "hour").key


def _content(hours: Sequence[str], windows: Sequence[PlannedWindow]) -> str:
    """Names what is missing in these hours.

    Neither the minute to which the current hour reaches is news, nor what other windows brought in the meantime: a window that fails for good must
    not be asked for again with every manifest.
    """
    asked = sorted({(w.application, _hour(w), w.purpose) for w in windows if w.purpose != "overlap" and hours[0] <= _hour(w) <= hours[-1]})
    return hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()
