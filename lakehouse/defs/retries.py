"""Which faults of an asset are tried again: those that may pass, a few times, in runs that Dagster launched.

A command that executes its run itself tries once: whoever called it sees what failed, and decides. It is not a policy of Dagster's, which would try
again whatever was raised, mistakes of the program and an operator's Ctrl-C included.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import dagster as dg

from lakehouse.defs import listen
from lakehouse.errors import ConfigurationError, LakehouseError, TransientError
from lakehouse.storage import FAULTS, told

RETRIES, SECONDS = 2, 30.0
RETRIES_TAG = "lakehouse/retries"  # of a run: how often it tries again, whoever executes it
SECONDS_TAG = "lakehouse/retry_seconds"  # of a run: how long it waits before that, doubled each time


def fail(context: dg.AssetExecutionContext, failure: dg.Failure, faults: Sequence[Exception]) -> NoReturn:
    """End this try: to be run again when every fault may pass and tries are left, else as failed."""
    first = faults[0] if faults and isinstance(faults[0], (LakehouseError, OSError)) else None
    failure.__cause__ = first  # what else was raised may quote the data
    failure.allow_retries = False  # this decides, whatever policy an asset has
    most, done = int(_number(context, RETRIES_TAG, 0 if listen.heard() else RETRIES)), context.retry_number
    if done >= most or not all(isinstance(fault, TransientError) for fault in faults):
        raise failure
    seconds = _number(context, SECONDS_TAG, SECONDS) * 2**done * random.uniform(0.5, 1.0)  # noqa: S311  it only keeps runs apart
    context.log.warning(f"It may pass: trying again in {seconds:.0f} s, try {done + 2} of {most + 1}. {failure.description}")
    raise dg.RetryRequested(max_retries=most, seconds_to_wait=seconds) from failure


@contextlib.contextmanager
def faults(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Around work that all partitions of a run share: a fault in it is one of every partition; of an asset without any, of the asset."""
    listen.failures({})
    try:
        yield
    except FAULTS as error:
        named = context.partition_keys if context.has_partition_key or context.has_partition_key_range else [context.asset_key.to_user_string()]
        listen.failures(dict.fromkeys(named, error))
        fail(context, dg.Failure(told(error)), [error])


def _number(context: dg.AssetExecutionContext, tag: str, default: float) -> float:
    text: Any = context.run.tags.get(tag, default)
    try:
        return float(text)
    except ValueError as error:
        raise ConfigurationError(f"The tag {tag} of a run should be a number, got {text!r}.") from error
