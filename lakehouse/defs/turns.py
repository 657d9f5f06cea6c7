"""Turns: what must not be done by two runs at once waits in a pool of Dagster, and whoever runs it by a command is told for whom."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import dagster as dg

log = logging.getLogger(__name__)


def tell_of_wait(instance: dg.DagsterInstance, pools: Iterable[str]) -> None:
    """Warn of each pool that has no slot left: Dagster would wait without a word to the terminal."""
    for pool in sorted(pools):
        info = instance.event_log_storage.get_concurrency_info(pool)
        if info.slot_count and info.active_slot_count >= info.slot_count:  # without slots nobody has used it yet
            runs = sorted(info.active_run_ids)
            dead = any(finished(instance, run_id) for run_id in runs)
            told = "it has ended and its turn was not given back, see: lakehouse doctor" if dead else "this begins when that has ended"
            log.warning(
                "Waiting for run %s, which has the turn in pool %s: %s. Ctrl-C ends the waiting, and nothing is lost.",
                ", ".join(run_id[:8] for run_id in runs),
                pool,
                told,
            )


def finished(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run is over, or was deleted: a slot that it holds is held for nothing."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished
