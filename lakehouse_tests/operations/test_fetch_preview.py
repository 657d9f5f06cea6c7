"""The preview of a fetch counts what the plan names, and what the quota makes of it."""

from __future__ import annotations

from typing import Any

from lakehouse.operations.fetch_preview import preview
from lakehouse.steps.fetch import next_fetch


def test_every_window_of_the_plan_is_counted_under_its_application_and_purpose(small_lake: Any) -> None:
    found, plan = preview(small_lake.lake, small_lake.dataset), next_fetch(small_lake.lake, small_lake.dataset)
    assert found.windows == sum(row.windows for row in found.rows) == len(plan.windows) > 0
    assert {(row.application, row.purpose) for row in found.rows} == {(w.application, w.purpose) for w in plan.windows}
    assert found.queries_per_minute is not None
    assert found.least_minutes == round(found.windows / found.queries_per_minute, 1)
    for row in found.rows:
        windows = [w.window for w in plan.windows if (w.application, w.purpose) == (row.application, row.purpose)]
        assert (row.start, row.end) == (min(w.start for w in windows), max(w.end for w in windows))
