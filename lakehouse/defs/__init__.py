"""Dagster definitions only: partitions, assets, checks, sensors, automation, resources. What they do is in `lakehouse.steps`."""
