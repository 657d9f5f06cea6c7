"""The marts asset with the real dbt: what is published is told of every mart, and what is refused too."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest
from defs_helpers import DATASET, definitions, materialized, newest

from lakehouse.defs import catalogue, marts
from lakehouse.defs.instance import open_instance
from lakehouse.defs.resources import LakeResource
from lakehouse.defs.run import materialize_clean, materialize_marts
from lakehouse.marts import dbt_helper
from lakehouse.marts.publish import current_version
from lakehouse.marts.specs import mart_specs
from lakehouse.steps.publish import publish_marts

pytestmark = pytest.mark.slow

DAYS = [dt.date(2026, 11, d) for d in (18, 19, 20)]
KEYS = [catalogue.mart_key(s.name) for s in mart_specs(DATASET)]


@pytest.fixture
def built(landed, dataset):
    assert materialize_clean(landed, dataset, DAYS).success
    return landed


@pytest.fixture
def started(monkeypatch):
    """Every dbt process that is started."""
    found = []
    start = dbt_helper._start
    monkeypatch.setattr(dbt_helper, "_start", lambda: found.append(start()) or found[-1])
    return found


def test_a_dbt_process_serves_a_run_and_is_ended_with_it(built, dataset, started):
    resource = LakeResource(url=built.url)
    with resource.yield_for_execution(dg.build_init_resource_context()) as lake:
        for _ in range(2):
            publish_marts(lake.open(), dataset, DAYS, force=True)
        assert [process.returncode for process in started] == [None]
    assert [process.returncode is None for process in started] == [False]


def test_scattered_days_become_one_version_and_every_mart_of_every_day_is_told(built, dataset, started):
    found = materialize_marts(built, dataset, [DAYS[0], DAYS[2]])
    found.raise_for_failures()
    assert [process.returncode is None for process in started] == [False]
    assert [r.skipped for r in found.reports] == [False, True]
    assert sorted(current_version(built, dataset).days) == [DAYS[0], DAYS[2]]
    with open_instance(built) as instance:
        for key in KEYS:
            assert materialized(instance, key) == {"2026-11-18": 1, "2026-11-20": 1}, key
            metadata = newest(instance, key, "2026-11-18").metadata
            assert metadata["version"].value == 1
            record = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(key, "dbt_tests"), limit=1)[0]
            assert record.status.value == "SUCCEEDED", key


def test_trends_that_cannot_be_read_do_not_undo_what_is_published(built, dataset, monkeypatch):
    def refused(*_, **__):
        raise OSError("marts.duckdb cannot be opened")

    monkeypatch.setattr(marts, "trends_of", refused)
    found = materialize_marts(built, dataset, DAYS[:1])
    assert found.success
    with open_instance(built) as instance:
        for key in KEYS:
            assert newest(instance, key, "2026-11-18").metadata["no_charts"].value == "marts.duckdb cannot be opened"
            record = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(key, "dbt_tests"), limit=1)[0]
            assert record.status.value == "SUCCEEDED", key


def test_one_mart_that_is_asked_for_publishes_and_tells_all(built, dataset):
    chosen, other = KEYS[0], KEYS[-1]
    with open_instance(built) as instance:
        job = definitions(built).resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, asset_selection=[chosen], partition_key="2026-11-19", raise_on_error=False)
        assert result.success
        assert materialized(instance, chosen) == {"2026-11-19": 1}
        assert materialized(instance, other) == {"2026-11-19": 1}
