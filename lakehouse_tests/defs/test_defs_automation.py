"""Clean -> marts: what the conditions ask for, tick by tick."""

from __future__ import annotations

import datetime as dt
import uuid

import dagster as dg
import pytest
from defs_helpers import DATASET, definitions

from lakehouse.defs import catalogue
from lakehouse.marts.specs import mart_specs

CLEAN = catalogue.clean_key(DATASET)
SPECS = mart_specs(DATASET)
MARTS = [catalogue.mart_key(s.name) for s in SPECS]
DAYS = ["2026-11-18", "2026-11-19", "2026-11-20"]


class World:
    """A lake whose events are written by hand: what the conditions look at is the history, not the files."""

    def __init__(self, lake, instance):
        self.instance, self.cursor = instance, None
        self.defs = definitions(lake)
        self.now = dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC)

    def tick(self) -> dict[str, int]:
        """Day -> how many marts are asked for."""
        self.now += dt.timedelta(seconds=30)
        result = dg.evaluate_automation_conditions(
            defs=self.defs, instance=self.instance, asset_selection=dg.AssetSelection.assets(*MARTS), cursor=self.cursor, evaluation_time=self.now
        )
        self.cursor = result.cursor
        asked = {day: sum(day in result.get_requested_partitions(key) for key in MARTS) for day in DAYS}
        return {day: count for day, count in asked.items() if count}

    def built(self, *days):
        for day in days:
            self.instance.report_runless_asset_event(dg.AssetMaterialization(CLEAN, partition=day))

    def published(self, *days):
        for day in days:
            for key in MARTS:
                self.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))


@pytest.fixture
def world(landed, instance):
    return World(landed, instance)


def test_nothing_is_asked_for_before_clean_is_built(world):
    assert world.tick() == {}


def test_every_mart_is_asked_for_in_the_tick_that_sees_clean_and_only_once(world):
    world.tick()
    world.built("2026-11-19")
    assert world.tick() == {"2026-11-19": len(MARTS)}
    assert world.tick() == {}
    world.published("2026-11-19")
    assert world.tick() == {}


def test_what_clean_had_when_the_sensor_was_started_is_asked_for(world):
    world.built(*DAYS[:2])
    assert world.tick() == dict.fromkeys(DAYS[:2], len(MARTS))


def test_a_hole_that_is_filled_later_is_asked_for(world):
    world.built("2026-11-18", "2026-11-20")
    assert set(world.tick()) == {"2026-11-18", "2026-11-20"}
    world.published("2026-11-18", "2026-11-20")
    world.built("2026-11-19")
    assert set(world.tick()) == {"2026-11-19"}


def test_an_old_day_that_is_built_again_is_asked_for_again(world):
    world.built(*DAYS)
    world.tick()
    world.published(*DAYS)
    assert world.tick() == {}
    world.built("2026-11-18")
    assert world.tick() == {"2026-11-18": len(MARTS)}


def test_a_build_that_ends_while_the_marts_are_made_is_not_lost(world):
    world.built("2026-11-19")
    assert world.tick()
    world.tick()
    run = running(world, "2026-11-19")
    world.built("2026-11-19")
    assert world.tick() == {}  # the marts of the day are under way
    finish(world, run)
    world.published("2026-11-19")
    assert world.tick() == {"2026-11-19": len(MARTS)}


def test_a_build_in_the_very_next_tick_after_the_request_is_not_lost(world):
    world.built("2026-11-19")
    assert world.tick()
    world.built("2026-11-19")
    assert world.tick() == {"2026-11-19": len(MARTS)}


def test_marts_that_read_only_marts_are_asked_for_with_their_parents(world):
    only_marts = [s for s in SPECS if not s.sources]
    assert only_marts, "the case has gone: no mart reads only marts"
    world.built("2026-11-18")
    assert world.tick() == {"2026-11-18": len(SPECS)}


def running(world, day) -> dg.DagsterRun:
    """A run that makes the marts of a day and is under way."""
    job = world.defs.resolve_implicit_global_asset_job_def()
    return world.instance.create_run_for_job(
        job_def=job.get_subset(asset_selection=set(MARTS)),
        run_id=str(uuid.uuid4()),
        status=dg.DagsterRunStatus.STARTED,
        tags={"dagster/partition": day},
        asset_selection=frozenset(MARTS),
    )


def finish(world, run):
    from dagster._core.events import DagsterEvent, DagsterEventType

    event = DagsterEvent(event_type_value=DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name)
    world.instance.report_dagster_event(event, run.run_id)
