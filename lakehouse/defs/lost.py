"""Runs whose command was killed: they are closed, and what they landed without having told it is told."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

import dagster as dg

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import all_datasets
from lakehouse.defs import catalogue
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.settings import Lake
from lakehouse.steps.applications import counted_applications

PROCESS_TAG = "lakehouse/process"  # <host>:<pid> of a run that a command executes itself
_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED]


def close_lost_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs whose command is gone (killed, or the machine was): Dagster watches only workers that it launched itself.

    A run left STARTED would hold its slot in a pool for ever. Returns the ids of the runs that were closed.
    """
    closed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY)):
        host, _, pid = run.tags.get(PROCESS_TAG, "").rpartition(":")
        if host == socket.gethostname() and pid.isdigit() and not _alive(int(pid)):
            instance.report_run_failed(run, f"The command that executed this run is gone (process {pid} on {host}).")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            closed.append(run.run_id)
    return closed


def tell_landed(lake: Lake, instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    """Log a materialization for each partition of raw that was read without a gap and is shown as missing: a run was killed between the two.

    Returns (dataset, partition) of each.
    """
    told = []
    for dataset in all_datasets():
        ledger = load_ledger(lake, dataset.name)
        for grain in _untold(lake, dataset, ledger, instance):
            _tell(instance, dataset, ledger, grain)
            told.append((dataset.name, grain.key))
    return told


def _untold(lake: Lake, dataset: Dataset, ledger: Ledger, instance: dg.DagsterInstance) -> Sequence[Grain]:
    grains = sorted(g for g in map(Grain.parse, ledger.parts) if g.kind != "unplaced")
    if not grains:
        return []
    shown = instance.get_materialized_partitions(catalogue.raw_key(dataset.name))
    names = counted_applications(lake, dataset, ledger)
    return [g for g in grains if g.key not in shown and ledger.covered(names, g.start, g.end)]


def _tell(instance: dg.DagsterInstance, dataset: Dataset, ledger: Ledger, grain: Grain) -> None:
    from lakehouse.defs.metadata import raw_metadata, raw_version
    from lakehouse.defs.private import version_tags

    tags = {**version_tags(raw_version(ledger, grain)), "lakehouse/dataset": dataset.name}
    metadata = raw_metadata(ledger, grain) | {"told": "by the next command: the run that landed it was killed before it could tell"}
    instance.report_runless_asset_event(dg.AssetMaterialization(catalogue.raw_key(dataset.name), partition=grain.key, metadata=metadata, tags=tags))


def _alive(pid: int) -> bool:
    if os.name == "nt":  # there signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
