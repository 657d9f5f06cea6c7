"""`workspace_audit` as the house knows it."""

from __future__ import annotations

from lakehouse.datasets.model import Dataset, ReportsApiSource, Trend
from lakehouse.datasets.workspace_audit.contract import CONTRACT
from lakehouse.datasets.workspace_audit.transform import transform

DATASET = Dataset(
    contract=CONTRACT,
    transform=transform,
    engine="polars",
    source=ReportsApiSource(applications=("token", "login", "saml", "admin", "drive")),
    shown=("application", "event_name", "method_name", "doc_type"),
    mart_variables={"collector_client_id": "collector_client_id"},
    showcase=("audit_top_methods", "audit_volume_anomalies", "audit_failed_logins"),
    top_values=("application", "event_name", "method_name", "app_name", "region_code", "login_failure_type", "actor_email"),
    trends=(
        Trend("Events by application", "audit_daily_trend", "sum(events)", "application", "includes_collector"),
        Trend("Active users by application", "audit_daily_trend", "sum(active_users)", "application", "includes_collector"),
        Trend("Failed logins", "audit_failed_logins", "sum(failures)"),
        Trend("Actions of admins", "audit_admin_actions", "sum(events)", "event_type"),
    ),
)
