"""Who waits for a pool is told for whom, and where that is in vain."""

from __future__ import annotations

import dagster as dg
import pytest

from lakehouse.defs.turns import tell_of_wait

STATUSES = [(dg.DagsterRunStatus.STARTED, "begins when that has ended"), (dg.DagsterRunStatus.FAILURE, "see: lakehouse doctor")]


@pytest.mark.parametrize(("status", "told"), STATUSES)
def test_a_turn_that_is_taken_is_told_with_who_has_it(instance: dg.DagsterInstance, caplog, status: dg.DagsterRunStatus, told: str) -> None:
    run_id = instance.add_run(dg.DagsterRun(job_name="raw", status=status)).run_id
    instance.event_log_storage.set_concurrency_slots("taken", 1)
    instance.event_log_storage.set_concurrency_slots("free", 1)
    assert instance.event_log_storage.claim_concurrency_slot("taken", run_id, "step").is_claimed
    tell_of_wait(instance, ["free", "never used", "taken"])
    assert [record.message.count(run_id[:8]) for record in caplog.records] == [1]
    assert told in caplog.text
