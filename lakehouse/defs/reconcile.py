"""The sensor that keeps clean up with raw: driven by what was landed, never by event time, so that no late line is ever left behind."""

# No `from __future__ import annotations` here: Dagster reads the annotations of these functions as types.

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence

import dagster as dg
import msgspec

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.clean import DAYS_PER_RUN
from lakehouse.defs.partitions import Calendar
from lakehouse.defs.ranges import ATTEMPTS, failures, look_unless_running, named, range_tags, stretches
from lakehouse.defs.resources import LakeResource
from lakehouse.defs.switches import sensor_status
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake
from lakehouse.steps.build import StaleDay, stale_days

DAY_TAG = "lakehouse.day/"  # + day; the value names what the day was stale of


class Cursor(msgspec.Struct, frozen=True):
    """`seen`: last manifest that was looked at. `pending`: days that are still stale.

    `told`: days that are not asked for, and what they are stale of.
    """

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
    keys = calendar.days.get_partition_keys()
    given_up = {day: causes[day] for day, failed in attempts.items() if failed >= ATTEMPTS}
    outside = {day: causes[day] for day in causes.keys() - given_up.keys() - set(keys)}
    news = sorted(day for day, why in {**given_up, **outside}.items() if cursor.told.get(day) != why)
    for words in _words(name, calendar, [day for day in news if day in given_up], [day for day in news if day in outside]):
        context.log.error(words)
    wanted = stretches([day for day in causes if day not in given_up], keys, DAYS_PER_RUN)
    requests = [_request(name, days, causes, attempts) for days in wanted]
    updated = Cursor(last, tuple(s.day for s in stale if s.day.isoformat() not in given_up), {**given_up, **outside})
    skipped = " ".join(_words(name, calendar, sorted(given_up), sorted(outside))) or f"{name}: every landed line is in a committed build."
    return dg.SensorResult(run_requests=requests, cursor=write_cursor(updated), skip_reason=None if requests else skipped)


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


def _words(name: str, calendar: Calendar, given_up: Sequence[str], outside: Sequence[str]) -> Iterator[str]:
    """What is stale and not asked for, and what to do."""
    if given_up:
        yield (
            f"{name}: failed {ATTEMPTS} times and left alone until something lands there: {named(given_up)}. Mend what stands in the way, then "
            f"materialize these partitions of clean/{name}."
        )
    if outside:
        yield (
            f"{name}: lines landed that no build has seen, on days that are no partition: {named(outside)}. Partitions begin on {calendar.start} and "
            f"end with the lake's clock: set datasets.{name}.start in lake.json back to build earlier days."
        )
