"""Orphans in all layers: found by what names them, never what somebody may still need."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

from lakehouse.landing.orphans import clear_orphans
from lakehouse.operations.orphans import orphans
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps.build import build_day
from lakehouse.tables.builds import committed_builds
from lakehouse.tables.views import clean_version

DIGEST = "0123456789abcdef" * 2
LATER = dt.timedelta(days=2)
DAY = dt.date(2026, 11, 17)


def _leave_behind(lake: Any) -> list[str]:
    paths = [
        f"clean/workspace_audit/event_date=2026-11-17/09-{DIGEST}.parquet",
        f"clean/workspace_audit/event_date=2026-11-17/unplaced-{DIGEST}.parquet",
        f"ops/grains/workspace_audit/2026-11-17T09/{DIGEST}.json",
        f"quarantine/workspace_audit/date=2026-11-17/09-{DIGEST}.parquet",
        "raw/workspace_audit/date=2026-11-17/hour=09/20261119T120000Z-login-deadbeef.ids",
    ]
    for path in paths:
        lake.store.create(path, b"left behind")
    return paths


def test_a_lake_without_accidents_has_none_however_old_it_is(small_lake: Any) -> None:
    assert orphans(small_lake.lake, small_lake.dataset, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=400)) == []


def test_what_nothing_names_is_found_in_every_layer(changing_lake: Any) -> None:
    left = _leave_behind(changing_lake.lake)
    assert [e.path for e in orphans(changing_lake.lake, changing_lake.dataset, now=dt.datetime.now(dt.UTC) + LATER)] == sorted(left)


def test_files_that_a_killed_process_had_not_finished_are_found_also_those_of_results_that_are_named(changing_lake: Any) -> None:
    build = next(b for b in committed_builds(changing_lake.lake, changing_lake.dataset.contract).values() if b.day == DAY)
    left = ["clean/workspace_audit/_delta_log/00000000000000000099.json#1"]
    for digest in (DIGEST, build.grains[0].digest):
        left += [
            f"clean/workspace_audit/event_date={DAY}/09-{digest}.parquet#1",
            f"quarantine/workspace_audit/date={DAY}/09-{digest}.parquet#12",
            f"ops/grains/workspace_audit/{DAY}T09/{digest}.json#1",
        ]
    for path in left:  # no store writes such a name, but for the time that it takes to write the file
        (changing_lake.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (changing_lake.folder / path).write_bytes(b"half")
    assert orphans(changing_lake.lake, changing_lake.dataset) == [], "they may be of a build under way"
    found = orphans(changing_lake.lake, changing_lake.dataset, now=dt.datetime.now(dt.UTC) + LATER)
    assert [e.path for e in found] == sorted(left)
    assert clear_orphans(changing_lake.lake.store, found) == len(left) * len(b"half")
    assert not [path for path in left if (changing_lake.folder / path).exists()]


def test_what_is_young_may_be_of_a_build_under_way(changing_lake: Any) -> None:
    _leave_behind(changing_lake.lake)
    assert orphans(changing_lake.lake, changing_lake.dataset) == []


def test_a_result_that_only_a_refused_build_names_is_an_orphan(changing_lake: Any) -> None:
    from lakehouse.tables.builds import write_refusal

    build = next(iter(committed_builds(changing_lake.lake, changing_lake.dataset.contract).values()))
    left = _leave_behind(changing_lake.lake)
    write_refusal(changing_lake.lake, build, ["for a test"])
    assert len(orphans(changing_lake.lake, changing_lake.dataset, now=dt.datetime.now(dt.UTC) + LATER)) == len(left)


def test_clearing_frees_their_bytes_and_changes_no_fact(changing_lake: Any) -> None:
    left = _leave_behind(changing_lake.lake)
    found = orphans(changing_lake.lake, changing_lake.dataset, now=dt.datetime.now(dt.UTC) + LATER)
    assert clear_orphans(changing_lake.lake.store, found) == len(left) * len(b"left behind")
    assert orphans(changing_lake.lake, changing_lake.dataset, now=dt.datetime.now(dt.UTC) + LATER) == []
    assert reconcile(changing_lake.lake, changing_lake.dataset).closes


def test_a_result_that_was_made_anew_for_a_lost_build_is_none(changing_lake: Any) -> None:
    """The names of such results hold an attempt after the digest."""
    lake, dataset = changing_lake.lake, changing_lake.dataset
    build_day(lake, dataset, DAY)
    before = _facts(lake, dataset)
    for path in [e.path for e in lake.store.entries(f"ops/builds/{dataset.name}/{DAY}")]:
        lake.store.delete(path)
    assert [ref for ref in build_day(lake, dataset, DAY).build.grains if "-" in ref.digest], "the results that were lost are made anew"
    found = orphans(lake, dataset, now=dt.datetime.now(dt.UTC) + LATER)
    version = clean_version(lake, dataset.contract)
    assert not {e.path for e in found} & {Path(uri).relative_to(changing_lake.folder).as_posix() for uri in version.files}
    clear_orphans(lake.store, found)
    assert _facts(lake, dataset) == before


def test_an_attempt_that_nothing_names_is_found_beside_one_that_is_named(changing_lake: Any) -> None:
    (build, *_) = (b for b in committed_builds(changing_lake.lake, changing_lake.dataset.contract).values() if b.day == DAY)
    ref = next(r for r in build.grains if r.grain == f"{DAY}T09")
    dead = f"clean/workspace_audit/event_date={DAY}/09-{ref.digest}-deadbeef.parquet"
    changing_lake.lake.store.create(dead, b"left behind")
    assert [e.path for e in orphans(changing_lake.lake, changing_lake.dataset, now=dt.datetime.now(dt.UTC) + LATER)] == [dead]


def _facts(lake: Any, dataset: Any) -> tuple[Any, ...]:
    """Rows of the clean table and the books, which must close."""
    rows = pl.read_parquet(list(clean_version(lake, dataset.contract).files), hive_partitioning=False)
    told = reconcile(lake, dataset)
    assert told.closes
    return sorted(map(str, rows.rows())), told.books
