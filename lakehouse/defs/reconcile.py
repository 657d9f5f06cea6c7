"""The sensor that keeps clean up with raw: driven by what was landed, never by event time, so that no late line is ever left behind."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import datetime as dt
import hashlib
from collections.abc import Sequence

import dagster as dg
import msgspec

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.clean import DAYS_PER_RUN
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.ranges import ATTEMPTS, failures, look_unless_running, range_tags, stretches
from lakehouse.defs.resources import LakeResource
from lakehouse.defs.switches import sensor_status
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake
from lakehouse.steps.build import StaleDay, stale_days

DAY_TAG = "lakehouse.day/"  # + day; the value names what the day was stale of


class Cursor(msgspec.Struct, frozen=True):
    """`seen`: last manifest that was looked at. `pending`: days that are still stale. `told`: days given up on, and what they are stale of."""

    seen: int = 0
    pending: tuple[dt.date, ...] = ()
    told: dict[str, str] = {}


def build_reconcile_sensor(*, dataset: Dataset, calendar: Calendar, clean: dg.AssetsDefinition) -> dg.SensorDefinition:
    """Requests every stale day, however old, in contiguous ranges, one run each; none while one runs. A day that failed three times is told once."""
    name = dataset.name

    @dg.sensor(
        name=f"{name}_reconcile_sensor",
        target=clean,
        minimum_interval_seconds=30,
        default_status=sensor_status(),
        description=f"Builds the days of clean/{name} on which something landed that the table has not seen.",
    )
    def reconcile(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
        def look(opened: Lake) -> dg.SensorResult | dg.SkipReason:
            cursor, last = read_cursor(context.cursor), load_ledger(opened, name).last_number
            if last == cursor.seen and not cursor.pending:
                return dg.SkipReason(f"Nothing landed since manifest {last}.")
            return _requests(context, name, calendar, cursor, last, stale_days(opened, dataset))

        return look_unless_running(context.instance, catalogue.clean_key(name), f"builds {name}", lake, look)

    return reconcile


def _requests(
    context: dg.SensorEvaluationContext, name: str, calendar: Calendar, cursor: Cursor, last: int, stale: Sequence[StaleDay]
) -> dg.SensorResult:
    attempts = {s.day.isoformat(): failures(context.instance, DAY_TAG + s.day.isoformat(), cause(s)) for s in stale}
    causes = {s.day.isoformat(): cause(s) for s in stale}
    given_up = {day: causes[day] for day, failed in attempts.items() if failed >= ATTEMPTS}
    for day, why in given_up.items():
        if cursor.told.get(day) != why:
            context.log.error(
                f"{name} {day} failed {ATTEMPTS} times and is left alone until something lands on it. Mend it, then materialize clean/{name} {day}."
            )
    keys = calendar.days.get_partition_keys()
    wanted = stretches([day for day in causes if day not in given_up], keys, DAYS_PER_RUN)
    requests = [_request(name, days, causes, attempts) for days in wanted]
    updated = Cursor(last, tuple(s.day for s in stale if s.day.isoformat() not in given_up), given_up)
    return dg.SensorResult(run_requests=requests, cursor=write_cursor(updated), skip_reason=None if requests else _skip(name, given_up))


def _request(name: str, days: Sequence[str], causes: dict[str, str], attempts: dict[str, int]) -> dg.RunRequest:
    content = hashlib.blake2b(repr([(d, causes[d], attempts[d]) for d in days]).encode(), digest_size=8).hexdigest()
    tags = {**range_tags(days), **{DAY_TAG + day: causes[day] for day in days}, "lakehouse/dataset": name}
    return dg.RunRequest(run_key=f"{name}:{content}", asset_selection=[catalogue.clean_key(name)], tags=tags)


def cause(day: StaleDay) -> str:
    """Names what a day is stale of: a day that failed for one reason may be tried again for another."""
    return f"{day.touched}-{day.seen if day.seen is not None else 'new'}"


def read_cursor(text: str | None) -> Cursor:
    """The cursor; a new one where there is none or it is not ours."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except (msgspec.DecodeError, msgspec.ValidationError):
        return Cursor()


def write_cursor(cursor: Cursor) -> str:
    """The cursor as text."""
    return msgspec.json.encode(cursor).decode()


def _skip(name: str, given_up: dict[str, str]) -> str:
    if given_up:
        return f"{name}: given up after {ATTEMPTS} failed runs each: {', '.join(sorted(given_up))}. Mend them and materialize them."
    return f"{name}: every landed line is in a committed build."
