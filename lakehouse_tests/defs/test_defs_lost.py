"""A command that is killed between landing and telling: the next one tells what is there, and nothing that is not."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
from defs_helpers import SERVED_FROM

from lakehouse.cli.simulated import serving
from lakehouse.defs import catalogue
from lakehouse.defs.instance import open_instance, process_tags
from lakehouse.defs.lost import PROCESS_TAG, tell_landed
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


def test_what_a_killed_run_landed_is_told_once_with_its_totals(make_lake, dataset):
    lake, key = make_lake(), catalogue.raw_key(dataset.name)
    land(lake, dataset, *((a, w) for a in ("token", "login") for w in HOURS))
    ledger = load_ledger(lake, dataset.name)
    landed = {g: sum(p.part.lines for p in parts) for g, parts in ledger.parts.items() if not g.startswith("unplaced")}
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with open_instance(lake) as instance:
        assert instance.get_materialized_partitions(key) == set()  # nobody was killed as far as this one knows
        host = process_tags()[PROCESS_TAG].rpartition(":")[0]
        instance.add_run(dg.DagsterRun(job_name="raw", status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: f"{host}:{gone.pid}"}))
    with open_instance(lake) as instance:
        assert instance.get_materialized_partitions(key) == set(landed)
        for partition, lines in landed.items():
            told = instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=[partition]), limit=5).records
            assert [r.asset_materialization.metadata["lines"].value for r in told] == [lines]
        assert tell_landed(lake, instance) == []


def test_an_hour_that_was_read_for_one_of_two_applications_stays_missing(make_lake, dataset):
    lake = make_lake()
    land(lake, dataset, ("token", HOURS[0]), ("login", HOURS[0]), ("token", HOURS[1]))
    with open_instance(lake) as instance:
        assert tell_landed(lake, instance) == [(dataset.name, f"{HOURS[0].start:%Y-%m-%dT%H}")]
