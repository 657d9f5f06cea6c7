"""What Dagster's history says of its own health: is the daemon alive, do sensors run, does a dead run hold a pool.

Opening the history does what every command does: runs of commands that were killed are told and closed. Beside that it only reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from lakehouse.defs.instance import ENV_HOME, open_instance
from lakehouse.defs.lost import runs_elsewhere
from lakehouse.defs.private import InstigatorStatus
from lakehouse.defs.switches import ENV_SENSORS
from lakehouse.defs.turns import finished
from lakehouse.findings import Finding
from lakehouse.settings import Lake, project_root


def inspect_instance(lake: Lake) -> Iterator[Finding]:
    """Facts about Dagster's home of a lake; one sentence where there is none yet, which is no fault."""
    home = _home(lake)
    if home is None or not (home / "dagster.yaml").is_file():
        yield Finding(
            "dagster",
            "good" if home is not None else "note",
            f"{home or ENV_HOME} is not there yet: the first command that changes the lake makes it",
        )
        return
    yield _settings(home)
    with open_instance(lake) as instance:
        yield _daemons(instance)
        yield _sensors(instance)
        yield from _pools(instance)
        yield from _elsewhere(instance)


def _home(lake: Lake) -> Path | None:
    given = os.environ.get(ENV_HOME)
    if given:
        return Path(given).expanduser().resolve()
    return lake.store.root / ".dagster" if lake.store.root is not None else None


def _settings(home: Path) -> Finding:
    shipped = project_root() / "deploy" / "dagster.yaml"
    if shipped.is_file() and (home / "dagster.yaml").read_bytes() != shipped.read_bytes():
        return Finding("dagster", "note", f"{home}: its dagster.yaml differs from the one that is shipped", f"compare it with {shipped}")
    return Finding("dagster", "good", f"{home}, version {dg.__version__}")


def _daemons(instance: dg.DagsterInstance) -> Finding:
    statuses = instance.get_daemon_statuses()
    if not any(status.last_heartbeat for status in statuses.values()):
        return Finding("daemon", "note", "has never run: sensors and backfills of the UI wait for it", "lakehouse dev")
    sick = sorted(kind for kind, status in statuses.items() if status.required and not status.healthy)
    if sick:
        return Finding(
            "daemon", "note", f"not running now ({', '.join(sick)})", "lakehouse dev, or look for its error in the UI under Deployment > Daemons"
        )
    return Finding("daemon", "good", "running")


def _sensors(instance: dg.DagsterInstance) -> Finding:
    """Which sensors somebody switched on or off. Of the others Dagster writes down only that they have run from the start once."""
    by_status: dict[InstigatorStatus, list[str]] = {}
    for state in sorted(instance.all_instigator_state(), key=lambda state: state.name):
        by_status.setdefault(state.status, []).append(state.name)
    words = {
        InstigatorStatus.STOPPED: "off",
        InstigatorStatus.RUNNING: "on",
        InstigatorStatus.DECLARED_IN_CODE: f"on only if started with --sensors ({ENV_SENSORS}=on)",
    }
    told = "; ".join(f"{text}: {', '.join(by_status[status])}" for status, text in words.items() if status in by_status)
    if list(by_status) == [InstigatorStatus.RUNNING]:
        return Finding("sensors", "good", told)
    remedy = f"switch them on in the UI under Automation, or start with: lakehouse dev --sensors ({ENV_SENSORS}=on)"
    return Finding("sensors", "note", told or "none has run yet", remedy)


def _pools(instance: dg.DagsterInstance) -> Iterator[Finding]:
    """A slot that a finished run still holds blocks everybody behind it."""
    storage = instance.event_log_storage
    for key in sorted(storage.get_concurrency_keys()):
        info = storage.get_concurrency_info(key)
        dead = [run_id for run_id in sorted(info.active_run_ids) if finished(instance, run_id)]
        if dead:
            remedy = "start lakehouse dev, whose monitor frees it within a minute; or free it in the UI under Deployment > Concurrency"
            yield Finding(f"pool {key}", "bad", f"a slot is held by finished run {', '.join(r[:8] for r in dead)}", remedy)
        else:
            yield Finding(f"pool {key}", "good", f"{info.active_slot_count} of {info.slot_count} slots in use")


def _elsewhere(instance: dg.DagsterInstance) -> Iterator[Finding]:
    """A run of another host, which may be gone and would then hold its pool for ever."""
    for run_id, host in runs_elsewhere(instance):
        remedy = (
            f"if {host} is gone (a container that was replaced): end it in the UI (lakehouse dev) under Runs > {run_id[:8]} > Terminate, "
            "with: force termination immediately. A container with a fixed hostname closes its own"
        )
        yield Finding(f"run {run_id[:8]}", "note", f"under way by a command on {host}, which cannot be seen from here", remedy)
