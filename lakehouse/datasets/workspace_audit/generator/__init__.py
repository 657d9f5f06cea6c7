"""Samples of `workspace_audit`: activities as the Admin SDK Reports API serves them, with every defect known to happen, counted exactly."""

from lakehouse.datasets.workspace_audit.generator.demo import DEMO_DAYS, DEMO_FIRST_LOOK, DEMO_SOURCE, small_demo
from lakehouse.datasets.workspace_audit.generator.options import (
    APPLICATIONS,
    COLLECTOR_CLIENT_ID,
    COLLECTOR_EMAIL,
    CUSTOMER_ID,
    Arguments,
    Defects,
    LateHour,
)
from lakehouse.datasets.workspace_audit.generator.run import generate
from lakehouse.datasets.workspace_audit.generator.truth import Counts, Truth, truth_at
from lakehouse.datasets.workspace_audit.generator.write import read_hour

__all__ = [
    "APPLICATIONS",
    "COLLECTOR_CLIENT_ID",
    "COLLECTOR_EMAIL",
    "CUSTOMER_ID",
    "DEMO_DAYS",
    "DEMO_FIRST_LOOK",
    "DEMO_SOURCE",
    "Arguments",
    "Counts",
    "Defects",
    "LateHour",
    "Truth",
    "generate",
    "read_hour",
    "small_demo",
    "truth_at",
]
