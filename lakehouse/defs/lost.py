"""Runs whose command was killed: what they landed without having told it is told, and they are closed."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from lakehouse.contracts.grain import Grain
from lakehouse.datasets.model import Dataset
from lakehouse.datasets.registry import all_datasets
from lakehouse.defs import catalogue
from lakehouse.defs.runless import raw_materialized
from lakehouse.landing.ledger import Ledger, load_ledger
from lakehouse.settings import Lake
from lakehouse.steps.applications import counted_applications
from lakehouse.storage import FAULTS, told

PROCESS_TAG = "lakehouse/process"  # <host>:<pid> of a run that a command executes itself
BEGUN_TAG = "lakehouse/process_begun"  # when that process began, where the system tells: a container gives the same pid to every command
_UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.NOT_STARTED]

log = logging.getLogger(__name__)


def process_tags() -> Mapping[str, str]:
    """Tags of a run that this process executes itself."""
    begun = _begun(os.getpid())
    return {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}", **({BEGUN_TAG: begun} if begun else {})}


def settle_lost_runs(lake: Lake, instance: dg.DagsterInstance) -> list[str]:
    """Tell what the runs landed whose command is gone (killed, or the machine was), then fail them: Dagster watches only workers it launched itself.

    A run left STARTED would hold its slot in a pool for ever. One of a dataset that cannot be told gives its slot back and is looked at again by the
    next command: nobody would tell what it landed once it is closed. Returns the ids of the runs that were closed.
    """
    lost = [run for run in _under_way(instance) if _is_lost(run)]
    untold = {dataset.name for dataset in all_datasets() if not _told(lake, dataset, instance)} if lost else set()
    closed = []
    for run in lost:
        if run.tags.get("lakehouse/dataset") not in untold:
            host, _, pid = run.tags[PROCESS_TAG].rpartition(":")
            instance.report_run_failed(run, f"The command that executed this run is gone (process {pid} on {host}).")
            closed.append(run.run_id)
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return closed


def runs_elsewhere(instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    """(id, host) of each run under way that a command on another host executes: from here nobody can see whether that is still alive."""
    hosts = ((run.run_id, run.tags.get(PROCESS_TAG, "").rpartition(":")[0]) for run in _under_way(instance))
    return [(run_id, host) for run_id, host in hosts if host and host != socket.gethostname()]


def tell_landed(lake: Lake, dataset: Dataset, instance: dg.DagsterInstance) -> list[str]:
    """Log a materialization for each partition of raw that was read without a gap and is shown as missing: a run was killed between the two.

    Returns the partitions.
    """
    ledger = load_ledger(lake, dataset.name)
    untold = _untold(lake, dataset, ledger, instance)
    for grain in untold:
        raw_materialized(instance, dataset, ledger, grain, {"told": "by the next command: the run that landed it was killed before it could tell"})
    return [grain.key for grain in untold]


def _told(lake: Lake, dataset: Dataset, instance: dg.DagsterInstance) -> bool:
    """Whether what landed of a dataset could be told; one that cannot be read must not stop a command that is about another."""
    try:
        tell_landed(lake, dataset, instance)
    except FAULTS as error:
        log.warning("What a killed run may have landed of %s cannot be told, the next command tries again: %s", dataset.name, told(error))
        return False
    return True


def _under_way(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    return instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))


def _is_lost(run: dg.DagsterRun) -> bool:
    """Whether the process on this host that executed a run is gone. Another with its pid began at another time."""
    host, _, pid = run.tags.get(PROCESS_TAG, "").rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if not _alive(int(pid)):
        return True
    begun = _begun(int(pid))
    return begun is not None and run.tags.get(BEGUN_TAG, begun) != begun


def _untold(lake: Lake, dataset: Dataset, ledger: Ledger, instance: dg.DagsterInstance) -> Sequence[Grain]:
    grains = sorted(g for g in map(Grain.parse, ledger.parts) if g.kind != "unplaced")
    if not grains:
        return []
    shown = instance.get_materialized_partitions(catalogue.raw_key(dataset.name))
    names = counted_applications(lake, dataset, ledger)
    return [g for g in grains if g.key not in shown and ledger.covered(names, g.start, g.end)]


def _begun(pid: int) -> str | None:
    """When a process began: which start of the machine, and clock ticks since. None where the system has no such files, or does not show them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        ticks = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19]  # behind the name, which may have spaces and brackets
    except OSError:
        return None
    return f"{boot}/{ticks.decode('ascii')}"


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
