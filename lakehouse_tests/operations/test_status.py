"""Status: complete up to when, how late, what waits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from lakehouse.operations.status import status, summarise
from lakehouse.settings import open_lake
from lakehouse.steps.build import build_day


def test_an_application_that_was_never_read_is_shown_without_a_time(tmp_path: Path, small_lake: Any) -> None:
    found = status(open_lake(tmp_path), small_lake.dataset)
    assert [a.application for a in found.applications] == list(small_lake.dataset.source.applications)
    assert all(a.complete_up_to is None and a.holes == () for a in found.applications)


def test_a_hole_ends_what_is_complete_and_is_named(changing_lake: Any) -> None:
    changing_lake.land("login", dt.datetime(2026, 11, 17, 12, tzinfo=dt.UTC))
    login = status(changing_lake.lake, changing_lake.dataset).applications[0]
    assert login.complete_up_to == dt.datetime(2026, 11, 17, 10, tzinfo=dt.UTC)
    assert [(h.start.hour, h.end.hour) for h in login.holes] == [(10, 12)]
    assert login.lines == 10


def test_what_landed_after_the_build_is_pending_and_its_day_stale(small_lake: Any) -> None:
    found = status(small_lake.lake, small_lake.dataset)
    assert (found.pending_lines, [s.day for s in found.stale]) == (1, [dt.date(2026, 11, 17)])
    assert (found.landed_lines, found.books.lines) == (11, 10)
    assert (found.days, found.mart_version) == (2, None)


def test_the_published_version_is_told(published_lake: Any) -> None:
    found = status(published_lake.lake, published_lake.dataset)
    assert (found.mart_version, found.unpublished) == (1, ())


def test_a_day_that_was_built_and_not_published_is_told(small_lake: Any, published_lake: Any, tmp_path: Path, token_key: str) -> None:
    assert status(small_lake.lake, small_lake.dataset).unpublished == (dt.date(2026, 11, 17), dt.date(2026, 11, 19))
    lake = published_lake.copy(tmp_path / "lake")
    build_day(lake.lake, lake.dataset, dt.date(2026, 11, 17))  # takes in the pending line
    assert status(lake.lake, lake.dataset).unpublished == (dt.date(2026, 11, 17),)


def test_lateness_is_summarised_by_upper_bounds() -> None:
    assert summarise({}) is None
    found = summarise({0: 90, 60: 9, 3600: 1})
    assert found is not None
    assert (found.events, found.p50, found.p99, found.worst) == (100, 0, 60, 3600)
