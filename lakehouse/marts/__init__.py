"""Marts: one DuckDB file per dataset, built aside by dbt from committed clean days and published whole. Their models are in `dbt_project/`."""
