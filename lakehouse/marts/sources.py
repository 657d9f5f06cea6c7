"""The dbt sources of a dataset, written from its contract: what a mart may read. `dbt_project/models/<dataset>/sources.yml` is made here and only
here.

A build finds them as schema `lake` of its own file: views over the exact files of one version of the clean table, and tables of its accounts.
They are gone before the file is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse.contracts.model import Contract
from lakehouse.contracts.types import type_name
from lakehouse.datasets.model import Dimension
from lakehouse.settings import project_root

SCHEMA = "lake"
_HEADER = "# Written from the contract by `python -m lakehouse.marts.generate`. Do not edit: change the contract.\n"

# name -> (description, columns). The layout is that of `lakehouse.tables.views`; a test compares the two.
_ACCOUNTS: dict[str, tuple[str, dict[str, str]]] = {
    "quarantine": (
        "What committed builds refused or hold: one row per quarantined line or row, and per held row (level `held`), never its text.",
        {
            "day": "Day of the grain that holds the line.",
            "grain": "Grain that holds the line.",
            "rule": "Rule that refused it.",
            "field": "Field that the rule is about.",
            "level": "`line`, `row`, or `held`: a sound row that came too late.",
            "part": "Raw part, relative to the lake.",
            "line": "Line of the part, from 1.",
            "row": "Index of the row in its record.",
            "fetch_id": "Fetch that landed the line.",
            "landed_at": "When the part was landed.",
            "event_time": "Time of the event where it could be read.",
            "application": "Application of the log.",
            "detail": "What was wrong, without the value.",
        },
    ),
    "books": (
        "The books of committed builds: one row per day, grain and part, with every term of the equations.",
        {
            "day": "Day of the build.",
            "grain": "Grain.",
            "part": "Raw part, relative to the lake.",
            "fetch_id": "Fetch that landed the part.",
            "application": "Application that the part was fetched for.",
            "lines": "Lines of the part.",
            "blank": "Lines without text.",
            "erased": "Lines whose text was erased.",
            "superseded": "Lines that mended ones took the place of.",
            "unreadable": "Lines that are no JSON.",
            "records": "Records.",
            "rows": "Rows that the records told of.",
            "quarantined": "Rows refused.",
            "filtered": "Rows filtered out.",
            "held": "Rows held because they came too late.",
            "duplicate": "Rows that were there already.",
            "kept": "Rows in the clean table.",
        },
    ),
    "fetches": (
        "Manifests: one row per fetch.",
        {
            "number": "Place in the log.",
            "fetch_id": "Id of the fetch.",
            "file_name": "File that was read, below the inbox; of mended lines those that they were in. Null where no file was read.",
            "application": "Application; empty for a release and for retention.",
            "read_before": "Up to when the application had been read before it; null where it was not.",
            "read": "Lines read.",
            "re_read": "Lines that had been landed before.",
        },
    ),
    "parts": (
        "Raw parts, of every day: one row per part.",
        {
            "part": "Raw part, relative to the lake.",
            "fetch_id": "Fetch that landed the part.",
            "lines": "Lines of the part.",
            "raw_bytes": "Bytes of its lines as the source wrote them.",
            "stored_bytes": "Bytes of the file.",
        },
    ),
    "coverage": (
        "What was read without gaps: one row per application and stretch.",
        {"application": "Application.", "start": "First instant.", "end": "First instant after it."},
    ),
    "lateness": (
        "How long after the event its line was landed.",
        {"day": "Day of the build.", "grain": "Grain.", "seconds": "Upper bound of the bucket, in seconds.", "rows": "Rows kept."},
    ),
    "filtered": (
        "Rows that committed builds filtered out, by rule.",
        {
            "day": "Day of the build.",
            "grain": "Grain.",
            "application": "Application that they were fetched for.",
            "rule": "Rule that filtered them.",
            "rows": "Rows.",
        },
    ),
    "census": (
        "Fields that were really there.",
        {"day": "Day.", "path": "Path of the field.", "kind": "JSON type.", "declared": "Whether the contract names it.", "count": "How often."},
    ),
    "builds": (
        "Grain results of committed builds.",
        {
            "day": "Day.",
            "grain": "Grain.",
            "complete": "Whether coverage had passed the end of the day without holes.",
            "kept": "Rows in the clean table.",
            "seconds": "How long the clean step took for the grain.",
        },
    ),
    "built_days": (
        "The clean days that this version of the marts is built from. Made by the build itself.",
        {"day": "Day.", "fingerprint": "Name of its build.", "kept": "Rows kept in it.", "rebuilt": "Whether this run builds its marts anew."},
    ),
}


def sources_path(dataset: str) -> Path:
    """Where the sources of a dataset are kept."""
    return project_root() / "dbt_project" / "models" / dataset / "sources.yml"


def sources_yaml(contract: Contract, dimensions: Sequence[Dimension] = ()) -> str:
    """The text of `sources.yml` of a dataset."""
    import yaml  # type: ignore[import-untyped]

    clean: dict[str, Any] = {
        "name": "clean",
        "description": contract.description,
        "config": {"meta": {"dagster": {"asset_key": ["clean", contract.name]}}},
        "columns": [{"name": c.name, "description": c.description, "data_type": type_name(c.type)} for c in contract.table_columns],
    }
    tables = [clean, *(_account(contract.name, name) for name in _ACCOUNTS), *(_dimension(contract.name, d) for d in dimensions)]
    source = {
        "name": contract.name,
        "description": f"{contract.title}: one version of its clean table and accounts. Only of the days that a run builds anew.",
        "schema": SCHEMA,
        "tables": tables,
    }
    text: str = yaml.safe_dump({"version": 2, "sources": [source]}, sort_keys=False, allow_unicode=True, width=150)
    return _HEADER + text


def _dimension(dataset: str, dimension: Dimension) -> dict[str, Any]:
    return {
        "name": dimension.name,
        "description": dimension.description,
        "config": {"meta": {"dagster": {"asset_key": ["dimensions", dataset, dimension.name]}}},
        "columns": [{"name": c.name, "description": c.description, "data_type": type_name(c.type)} for c in dimension.table_columns],
    }


def _account(dataset: str, name: str) -> dict[str, Any]:
    description, columns = _ACCOUNTS[name]
    found: dict[str, Any] = {"name": name, "description": description}
    if name == "quarantine":
        found["config"] = {"meta": {"dagster": {"asset_key": ["quarantine", dataset]}}}
    found["columns"] = [{"name": column, "description": text} for column, text in columns.items()]
    return found
