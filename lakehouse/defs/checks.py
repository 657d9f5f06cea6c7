"""Checks of clean: declared for every partition, answered by the run that builds the day, also when it builds many."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from lakehouse.datasets.model import Dataset
from lakehouse.defs.catalogue import clean_key
from lakehouse.defs.metadata import check_metadata
from lakehouse.errors import AuditError
from lakehouse.steps.checks import BLOCKING, CHECKS, CheckResult


def check_specs(*, dataset: Dataset, partitions: dg.PartitionsDefinition) -> list[dg.AssetCheckSpec]:
    """One per check of a day. Blocking checks were audited before the commit: the day that fails one keeps its old version."""
    key = clean_key(dataset.name)
    return [
        dg.AssetCheckSpec(name, asset=key, description=told, blocking=name in BLOCKING, partitions_def=partitions) for name, told in CHECKS.items()
    ]


def results_of(checks: Sequence[CheckResult]) -> list[dg.AssetCheckResult]:
    """The checks of a day in Dagster's words."""
    return [
        dg.AssetCheckResult(
            check_name=check.name,
            passed=check.passed,
            severity=dg.AssetCheckSeverity.ERROR if check.severity == "error" else dg.AssetCheckSeverity.WARN,
            description=check.description,
            metadata=check_metadata(check.metadata),
        )
        for check in checks
    ]


def refusal(error: AuditError) -> list[dg.AssetCheckResult]:
    """What the audit before the commit says, as a failed check on the day that keeps its old version."""
    return [dg.AssetCheckResult(check_name="books_balance", passed=False, description=str(error))]
