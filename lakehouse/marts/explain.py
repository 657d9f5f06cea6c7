"""From a row of a mart to the rows of clean and of quarantine behind it: the mart's templates, filled in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from lakehouse.accounts.lateness import BUCKETS
from lakehouse.contracts.sql import sql_text
from lakehouse.errors import ConfigurationError
from lakehouse.marts.records import VersionRecord
from lakehouse.marts.specs import MartSpec

_PLACE = re.compile(r"\{(\w+)\}")
_CONSTANTS = {"lateness_buckets": BUCKETS}


def predicate(spec: MartSpec, template: str, row: Mapping[str, Any], record: VersionRecord) -> str:
    """DuckDB SQL that holds for the rows behind a row of the mart, as they were in that version: a template of the mart, filled in.

    `template`: `spec.explain`, over the columns of clean, or `spec.explain_quarantine`. `row`: column -> value, as DuckDB gives it in Python; columns
    that the template does not name may be missing. Raises `ConfigurationError` for a row without a column that it needs.
    """
    values = {**_CONSTANTS, "as_of": record.as_of, **record.variables, **row}

    def fill(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ConfigurationError(f"A row of {spec.name} is explained by its column {found[1]}, which is not in the row given: {', '.join(row)}.")
        return literal(values[found[1]])

    return _PLACE.sub(fill, template)


def placeholders(template: str, variables: Collection[str] = ()) -> set[str]:
    """The columns that a template names. What is of the version (its last date, the `variables` of the dataset) or of the software is left out."""
    return set(_PLACE.findall(template)) - {"as_of", *variables, *_CONSTANTS}


def literal(value: Any) -> str:
    """A value as DuckDB SQL writes it. Times without a zone are UTC, as all times of marts are."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            aware = value.astimezone(dt.UTC) if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
            return f"TIMESTAMPTZ '{aware.isoformat(sep=' ')}'"
        case dt.date():
            return f"DATE '{value.isoformat()}'"
        case list() | tuple():
            return f"[{', '.join(literal(item) for item in value)}]"
        case str():
            return sql_text(value)
    raise TypeError(f"expected null, a boolean, number, text, date, time or list, got {type(value).__name__}")
