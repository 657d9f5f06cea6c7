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
            holders = ", ".join(run_id[:8] for run_id in sorted(info.active_run_ids))
            log.warning(
                "Waiting for run %s, which has the turn in pool %s: this begins when that has ended. To see how far it is: lakehouse dev, Runs. "
                "Ctrl-C ends the waiting, and nothing is lost.",
                holders,
                pool,
            )
