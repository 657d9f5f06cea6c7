"""Which clean days the published marts do not tell of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from lakehouse.marts.publish import publish
from lakehouse.marts.records import BuiltDay, VersionRecord
from lakehouse.steps.publish import unpublished_days
from lakehouse.tables.builds import committed_builds


def test_every_built_day_is_unpublished_until_a_version_tells_of_it(changing_lake: Any) -> None:
    lake, dataset = changing_lake.lake, changing_lake.dataset
    built = committed_builds(lake, dataset.contract)
    assert unpublished_days(lake, dataset) == sorted(built)
    first, *others = sorted(built)
    assert others
    _publish(changing_lake, {first: BuiltDay(built[first].fingerprint, 1, ()), others[0]: BuiltDay(built[others[0]].fingerprint + 1, 1, ())})
    assert unpublished_days(lake, dataset) == others  # one is told of as it was, and counts as not told of


def test_a_dataset_without_marts_has_nothing_to_publish(changing_lake: Any) -> None:
    nameless = replace(changing_lake.dataset, contract=replace(changing_lake.dataset.contract, name="no_marts"))
    assert unpublished_days(changing_lake.lake, nameless) == []


def _publish(small: Any, days: dict[dt.date, BuiltDay]) -> None:
    file = small.folder / "marts" / "aside.duckdb"
    file.parent.mkdir(parents=True, exist_ok=True)
    import duckdb

    duckdb.connect(str(file)).close()
    record = VersionRecord(
        number=1,
        dataset=small.dataset.name,
        built_at=small.lake.now(),
        clean_version=0,
        days=days,
        coverage={},
        as_of=None,
        models={},
        rows={},
        recipe="",
        variables={},
        file=f"marts/{small.dataset.name}/1.duckdb",
        reason="",
        seconds=0.0,
        software={},
    )
    assert publish(small.lake, small.dataset, file, record)
