"""`workspace_audit` as the house knows it."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset, ReportsApiSource
from lakehouse.datasets.workspace_audit.contract import CONTRACT
from lakehouse.datasets.workspace_audit.transform import transform

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    source=ReportsApiSource(applications=("token", "login", "saml", "admin", "drive")),
    shown=("application", "event_name", "method_name", "doc_type"),
    mart_variables={"collector_client_id": "collector_client_id"},
    showcase=("audit_top_methods", "audit_volume_anomalies", "audit_failed_logins"),
)
