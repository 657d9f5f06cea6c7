"""Raw that expires: which days are sealed, and which keep their raw."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import msgspec
import pytest
from build_lakes import BEFORE, DAY, BuildLake, event, finish
from retention_lakes import LANDED, LATER, parts

from lakehouse.errors import ConfigurationError, ConflictError
from lakehouse.landing.ledger import load_ledger
from lakehouse.operations.orphans import orphans
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps import retention
from lakehouse.steps.retention import KeptDay, expire


def keeps(made: BuildLake, days: int | None) -> BuildLake:
    """The same lake with another retention."""
    settings = msgspec.structs.replace(made.lake.settings.datasets["workspace_audit"], raw_retention_days=days)
    made.lake = made.lake.with_settings(msgspec.structs.replace(made.lake.settings, datasets={"workspace_audit": settings}))
    return made


def test_days_older_than_the_retention_are_sealed_and_their_parts_are_gone(aged: BuildLake) -> None:
    sizes = {p: aged.lake.store.read(p) for p in parts(aged)}
    ids = sorted(e.path for e in aged.lake.store.entries("raw/workspace_audit") if e.path.endswith(".ids"))
    report = expire(aged.lake, aged.dataset)
    assert (report.before, report.manifest, report.kept) == (dt.date(2026, 11, 21), 3, ())
    assert [(d.day, d.parts, d.lines, d.quarantined, d.held, d.holes) for d in report.sealed] == [
        (BEFORE, 1, 1, 0, 0, 1), (DAY, 2, 5, 2, 0, 1), (LANDED, 1, 1, 1, 0, 1),
    ]  # fmt: skip
    assert (report.files, report.freed) == (4, sum(len(data) for data in sizes.values())) == (4, sum(d.size for d in report.sealed))
    assert parts(aged) == []
    assert sorted(e.path for e in aged.lake.store.entries("raw/workspace_audit") if e.path.endswith(".ids")) == ids
    again = expire(aged.lake, aged.dataset)
    assert (again.manifest, again.sealed, again.kept, again.files, again.freed) == (None, (), (), 0, 0)
    assert load_ledger(aged.lake, "workspace_audit").last_number == 3


@pytest.mark.parametrize(
    ("days", "hour", "expired"),
    [
        (3, LATER, [BEFORE, DAY, LANDED]),
        (5, LATER, [BEFORE, DAY]),
        (6, LATER, [BEFORE, DAY]),
        (7, LATER, [BEFORE]),
        (8, LATER, []),
        (8, LATER + dt.timedelta(hours=11, minutes=59), []),
        (8, LATER + dt.timedelta(hours=12), [BEFORE]),
    ],
)
def test_a_day_is_old_enough_when_its_end_is(aged: BuildLake, days: int, hour: dt.datetime, expired: list[dt.date]) -> None:
    aged.lake = aged.lake.with_settings(msgspec.structs.replace(aged.lake.settings, clock=hour))
    assert [d.day for d in expire(keeps(aged, days).lake, aged.dataset, dry_run=True).sealed] == expired


def test_a_day_that_is_named_comes_before_the_setting(aged: BuildLake) -> None:
    keeps(aged, None)
    assert [d.day for d in expire(aged.lake, aged.dataset, DAY).sealed] == [BEFORE]
    assert [d.day for d in expire(aged.lake, aged.dataset, LANDED).sealed] == [DAY]


def test_what_cannot_be_meant_is_refused(aged: BuildLake) -> None:
    with pytest.raises(ConfigurationError, match="days that are not over cannot expire"):
        expire(aged.lake, aged.dataset, LATER.date() + dt.timedelta(days=1))
    with pytest.raises(ConfigurationError, match=r"kept for ever: set datasets.workspace_audit.raw_retention_days .* or name .* --before"):
        expire(keeps(aged, None).lake, aged.dataset)
    assert len(parts(aged)) == 4


def test_a_dry_run_tells_the_same_and_changes_nothing(aged: BuildLake) -> None:
    before = {e.path: (e.size, e.modified) for e in aged.lake.store.entries("")}
    told = expire(aged.lake, aged.dataset, dry_run=True)
    assert {e.path: (e.size, e.modified) for e in aged.lake.store.entries("")} == before
    done = expire(aged.lake, aged.dataset)
    assert told == replace(done, dry_run=True, manifest=None)


def test_a_day_that_is_stale_or_was_never_built_keeps_its_raw(aged: BuildLake) -> None:
    aged.land(event(3, 9))
    aged.land(event(3, 9, day=LANDED))
    aged.land(event(3, 9, day=dt.date(2026, 11, 12)))
    report = expire(aged.lake, aged.dataset)
    assert [d.day for d in report.sealed] == [BEFORE]
    assert report.kept == (
        KeptDay(dt.date(2026, 11, 12), "never built"),
        KeptDay(DAY, "manifest 3 landed after the build had seen 2"),
        KeptDay(LANDED, "manifest 4 landed after the build had seen 2"),
    )
    for kept in report.kept:
        aged.build(kept.day)
    assert [d.day for d in expire(aged.lake, aged.dataset).sealed] == [k.day for k in report.kept]


def test_a_day_whose_coverage_became_whole_is_built_before_it_is_sealed(aged: BuildLake) -> None:
    aged.cover(BEFORE)
    assert expire(aged.lake, aged.dataset).kept == (KeptDay(BEFORE, "coverage is complete now"),)
    aged.build(BEFORE)
    (day,) = expire(aged.lake, aged.dataset).sealed
    assert (day.day, day.holes) == (BEFORE, 0)


@pytest.mark.parametrize("folder", ["clean/workspace_audit/event_date=2026-11-17", "quarantine/workspace_audit/date=2026-11-17"])
def test_a_day_whose_build_has_lost_a_file_keeps_the_raw_that_it_can_be_made_again_from(aged: BuildLake, folder: str) -> None:
    file = next((aged.folder / folder).glob("*.parquet"))
    file.unlink()
    (kept,) = expire(aged.lake, aged.dataset).kept
    assert kept.day == DAY
    assert kept.reason.startswith(f"{folder}/{file.name} of its build has no bytes, expected ")
    aged.build(DAY, force=True)
    assert [d.day for d in expire(aged.lake, aged.dataset).sealed] == [DAY]


def test_what_lands_while_the_days_are_judged_stops_the_expiry(aged: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = retention._judge

    def slowly(*args):
        found = judge(*args)
        aged.land(event(4, 8))
        return found

    monkeypatch.setattr(retention, "_judge", slowly)
    with pytest.raises(ConflictError, match="Something landed on workspace_audit 2026-11-17"):
        expire(aged.lake, aged.dataset)
    assert len(parts(aged)) == 5


@pytest.mark.parametrize("step", ["landing.after_manifest", "landing.after_manifest_synced", "landing.after_expired"])
def test_an_expiry_that_is_killed_is_finished_by_the_next_one(aged: BuildLake, step: str) -> None:
    code = "from lakehouse.steps.retention import expire\nexpire(lake, dataset)"
    killed = aged.run(code, fail_at=step)
    killed.communicate(timeout=120)
    assert killed.returncode != 0
    left = len(parts(aged))
    assert left == (3 if step == "landing.after_expired" else 4)
    assert expire(aged.lake, aged.dataset, dry_run=True).files == left
    assert reconcile(aged.lake, aged.dataset).closes
    old = orphans(aged.lake, aged.dataset, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    assert [e.path for e in old] == parts(aged)
    finish(aged.run(code))
    assert parts(aged) == []
    assert load_ledger(aged.lake, "workspace_audit").last_number == 3
