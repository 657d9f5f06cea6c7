"""A command that is killed between landing and telling: the next one tells what is there, and nothing that is not."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest
from defs_helpers import SERVED_FROM

from lakehouse.cli.simulated import serving
from lakehouse.datasets.registry import find_dataset
from lakehouse.defs import catalogue
from lakehouse.defs.instance import open_instance
from lakehouse.defs.lost import PROCESS_TAG, process_tags, tell_landed
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import Window
from lakehouse.landing.plan import PlannedWindow
from lakehouse.steps.fetch import fetch_windows

HOURS = [Window(SERVED_FROM.replace(hour=h), SERVED_FROM.replace(hour=h + 1)) for h in (8, 9)]


def land(lake, dataset, *windows: tuple[str, Window]) -> None:
    """Fetch without a run, as one that was killed before it told anything."""
    with serving(lake, dataset):
        report = fetch_windows(lake, dataset, [PlannedWindow(application, window, "new") for application, window in windows])
    assert all(o.manifest is not None for o in report.outcomes)


def lose(instance: dg.DagsterInstance, dataset) -> str:
    """A run whose command is gone, which holds the pool of its dataset; its id."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    tags = {PROCESS_TAG: f"{process_tags()[PROCESS_TAG].rpartition(':')[0]}:{gone.pid}", "lakehouse/dataset": dataset.name}
    run_id = instance.add_run(dg.DagsterRun(job_name="raw", status=dg.DagsterRunStatus.STARTED, tags=tags)).run_id
    instance.event_log_storage.initialize_concurrency_limit_to_default(dataset.name)
    assert instance.event_log_storage.claim_concurrency_slot(dataset.name, run_id, "step").is_claimed
    return run_id


def test_what_a_killed_run_landed_is_told_once_with_its_totals(make_lake, dataset):
    lake, key = make_lake(), catalogue.raw_key(dataset.name)
    land(lake, dataset, *((a, w) for a in ("token", "login") for w in HOURS))
    ledger = load_ledger(lake, dataset.name)
    landed = {g: sum(p.part.lines for p in parts) for g, parts in ledger.parts.items() if not g.startswith("unplaced")}
    with open_instance(lake) as instance:
        assert instance.get_materialized_partitions(key) == set()  # nobody was killed as far as this one knows
        lose(instance, dataset)
    with open_instance(lake) as instance:
        assert instance.get_materialized_partitions(key) == set(landed)
        for partition, lines in landed.items():
            told = instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=[partition]), limit=5).records
            assert [r.asset_materialization.metadata["lines"].value for r in told] == [lines]
        assert tell_landed(lake, dataset, instance) == []


def test_an_hour_that_was_read_for_one_of_two_applications_stays_missing(make_lake, dataset):
    lake = make_lake()
    land(lake, dataset, ("token", HOURS[0]), ("login", HOURS[0]), ("token", HOURS[1]))
    with open_instance(lake) as instance:
        assert tell_landed(lake, dataset, instance) == [f"{HOURS[0].start:%Y-%m-%dT%H}"]


def test_what_cannot_be_told_now_is_told_by_a_later_command_and_stops_none(make_lake, dataset, caplog):
    lake, key = make_lake(), catalogue.raw_key(dataset.name)
    land(lake, dataset, *((a, HOURS[0]) for a in ("token", "login")))
    manifest = sorted((lake.store.root / "raw" / dataset.name / "_fetches").rglob("*.json"))[-1]
    whole = manifest.read_bytes()
    with open_instance(lake) as instance:
        lost = lose(instance, dataset)
        other = lose(instance, find_dataset("commerce"))
    manifest.write_bytes(whole[: len(whole) // 2])
    with open_instance(lake) as instance:
        assert f"landed of {dataset.name} cannot be told" in caplog.text
        assert str(manifest.name) in caplog.text
        assert instance.get_run_by_id(lost).status == dg.DagsterRunStatus.STARTED
        assert instance.get_run_by_id(other).status == dg.DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_info(dataset.name).claimed_slots == []
    manifest.write_bytes(whole)
    with open_instance(lake) as instance:
        assert instance.get_materialized_partitions(key) == {f"{HOURS[0].start:%Y-%m-%dT%H}"}
        assert instance.get_run_by_id(lost).status == dg.DagsterRunStatus.FAILURE


def test_a_command_that_is_stopped_while_it_tells_leaves_the_rest_to_the_next(make_lake, dataset, monkeypatch):
    lake, key = make_lake(), catalogue.raw_key(dataset.name)
    land(lake, dataset, *((a, w) for a in ("token", "login") for w in HOURS))
    with open_instance(lake) as instance:
        run = lose(instance, dataset)

    def interrupted(*_) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dg.DagsterInstance, "report_runless_asset_event", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_instance(lake).__enter__()
    with open_instance(lake) as instance:
        assert len(instance.get_materialized_partitions(key)) == len(HOURS)
        assert instance.get_run_by_id(run).status == dg.DagsterRunStatus.FAILURE
