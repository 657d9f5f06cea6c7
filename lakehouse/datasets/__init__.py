"""One folder per dataset: contract, transform (pure), source declaration, sample generator.

A dataset is added here and under `dbt_project/`, nowhere else.
"""
