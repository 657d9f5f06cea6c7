"""What was refused, counted by rule, and what is told of rules that refused nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lakehouse.errors import ConfigurationError
from lakehouse.operations.quarantine import refused, rule_counts
from lakehouse.tables.views import quarantine_files

LEVELS = ("held", "line", "row")


def test_rules_that_refused_as_much_have_an_order(changing_lake: Any) -> None:
    (first, *others) = [Path(uri) for uri in quarantine_files(changing_lake.lake, changing_lake.dataset.contract)]
    row = pl.read_parquet(first).head(1)
    rules = [f"rule_{n}" for n in range(9)]
    parts = [row.with_columns(rule=pl.lit(rule), level=pl.lit(level)) for level in LEVELS for rule in reversed(rules)]
    pl.concat(parts).select(row.columns).write_parquet(first)
    for other in others:
        pl.read_parquet(other).clear().write_parquet(other)
    found = rule_counts(changing_lake.lake, changing_lake.dataset)
    assert [(r.rule, r.level, r.count) for r in found] == [(rule, level, 1) for rule in rules for level in LEVELS]


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (None, r"refused by the rule 'nothing'\. Rules that refused something: before_start, changed_type, .*, unreadable_json\.$"),
        (
            dt.date(2026, 11, 19),
            r"refused on 2026-11-19 by the rule 'nothing'\. Rules that refused something on 2026-11-19: before_start, unreadable_json\.$",
        ),
        (dt.date(2020, 1, 1), r"refused on 2020-01-01 by the rule 'nothing'\. Rules that refused something on 2020-01-01: none\.$"),
    ],
)
def test_a_rule_that_refused_nothing_is_answered_with_those_that_did(small_lake: Any, day: dt.date | None, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        refused(small_lake.lake, small_lake.dataset, day=day, rule="nothing", limit=None)
