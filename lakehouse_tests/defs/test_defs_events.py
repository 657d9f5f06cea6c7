"""What a run tells of its partitions: faults that may pass, faults that will not, and words that may be repeated."""

from __future__ import annotations

import dagster as dg
import pytest
from defs_helpers import QUIET, materialized

from lakehouse.defs.events import PartitionRun
from lakehouse.defs.listen import listening
from lakehouse.defs.ranges import range_tags
from lakehouse.defs.retries import RETRIES_TAG, SECONDS_TAG
from lakehouse.errors import TerminalError, TransientError
from lakehouse.storage import StoreError

KEY = dg.AssetKey(["clean", "things"])
DAYS = dg.StaticPartitionsDefinition(["a", "b", "c"])
SECRET = "ada@example.com"


def run(instance, faults, first="a", last="c"):
    """Materialize a range, with two more tries at once; `faults`: partition -> errors of the tries, in order (None: it goes well)."""

    @dg.asset(key=KEY, partitions_def=DAYS, output_required=False)
    def things(context):
        told = PartitionRun(context, KEY)
        for key in told.keys:
            with told.partition(key):
                tries = faults.get(key, [])
                if context.retry_number < len(tries) and tries[context.retry_number] is not None:
                    raise tries[context.retry_number]
                yield from told.materialized(key, {"try": context.retry_number}, version=key)
        yield from told.finish()

    job = dg.Definitions([things], executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    one = first == last
    tags = {RETRIES_TAG: "2", SECONDS_TAG: "0"} | ({} if one else range_tags([first, last]))
    with listening() as listener:
        result = job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False, tags=tags, partition_key=first if one else None)
    return result, listener.failures


def test_a_fault_that_may_pass_is_tried_again_and_what_was_good_is_told_once(instance):
    result, failures = run(instance, {"b": [TransientError("the source is busy")]})
    assert result.success
    assert failures == {}
    assert materialized(instance, KEY) == {"a": 1, "b": 1, "c": 1}


def test_a_fault_that_will_not_pass_is_not_tried_again(instance):
    error = TerminalError("no permission")
    result, failures = run(instance, {"b": [error, None]})
    assert not result.success
    assert failures == {"b": error}
    assert materialized(instance, KEY) == {"a": 1, "c": 1}


def test_a_fault_that_will_not_pass_beside_one_that_may_is_not_tried_again(instance):
    result, failures = run(instance, {"a": [TransientError("busy"), None], "b": [TerminalError("no permission"), None]})
    assert not result.success
    assert list(failures) == ["a", "b"]
    assert materialized(instance, KEY) == {"c": 1}


def test_after_the_last_try_the_failure_says_what_failed_and_not_that_tries_ran_out(instance):
    result, failures = run(instance, {"b": [TransientError(f"busy {n}") for n in range(5)]})
    assert not result.success
    assert {k: str(e) for k, e in failures.items()} == {"b": "busy 2"}
    (failed,) = [e for e in result.all_events if e.is_step_failure]
    assert "1 of 3 partitions failed: b. busy 2" in failed.step_failure_data.error.message
    assert failed.step_failure_data.user_failure_data.metadata["b"].value == "busy 2"


def test_a_bug_in_one_partition_does_not_reach_its_neighbours_and_is_not_tried_again(instance):
    result, failures = run(instance, {"a": [ZeroDivisionError("x"), None]})
    assert not result.success
    assert list(failures) == ["a"]
    assert materialized(instance, KEY) == {"b": 1, "c": 1}


@pytest.mark.parametrize("last", ["a", "c"])
def test_the_failure_names_the_partitions_and_no_words_of_a_library_that_could_quote_the_data(instance, last):
    result, _ = run(instance, {"a": [ValueError(f"cannot convert {SECRET}")]}, last=last)
    told = [str(e) for e in instance.all_logs(result.run_id)]
    assert any("1 of" in t and "partitions failed: a" in t and "ValueError at test_defs_events.py" in t for t in told)
    assert not [t for t in told if SECRET in t]


@pytest.mark.parametrize("last", ["a", "c"])
def test_a_store_that_refuses_is_told_with_the_path_and_what_to_do_and_not_with_what_it_was_sent(instance, last):
    refused = StoreError(f"The operation lacked the necessary privileges for path raw/a.zst: 403 <Error><Code>AccessDenied</Code>{SECRET}</Error>")
    result, _ = run(instance, {"a": [refused]}, last=last)
    told = [str(e) for e in instance.all_logs(result.run_id)]
    assert any("partitions failed: a" in t and "raw/a.zst" in t and "(AccessDenied)" in t and "Check the path" in t for t in told)
    assert not [t for t in told if SECRET in t]


def test_one_partition_alone_is_told_by_dagster_itself_so_that_what_follows_in_the_run_can_wait_for_it(instance):
    result, _ = run(instance, {}, last="a")
    assert result.success
    assert materialized(instance, KEY) == {"a": 1}
    assert result.asset_materializations_for_node("clean__things")
