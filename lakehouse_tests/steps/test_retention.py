"""Raw that expires: which days are sealed, what stays of them, and what everybody says who would have read their raw."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, event, finish, line

from lakehouse.engines.kernel.tokens import token
from lakehouse.errors import ConfigurationError, ConflictError, TerminalError
from lakehouse.landing.ledger import load_ledger
from lakehouse.landing.manifest import LineRef, Window
from lakehouse.operations.orphans import orphans
from lakehouse.operations.quarantine import refused
from lakehouse.operations.reconciliation import reconcile
from lakehouse.operations.status import status
from lakehouse.settings import DatasetSettings, LakeSettings
from lakehouse.steps import retention
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.explain import explain_line
from lakehouse.steps.redrive import expired_lines, quarantine_export, redrive
from lakehouse.steps.retention import KeptDay, expire
from lakehouse.steps.reveal import reveal
from lakehouse.tables.builds import committed_builds

LANDED = CLOCK.date()
LATER = CLOCK + dt.timedelta(days=5)
TWICE = event(1, 2)


@pytest.fixture
def aged(made: BuildLake) -> BuildLake:
    """Two built days, five days later: rows, a duplicate, a blank line and a broken one on `DAY`, one row on `BEFORE`. Raw is kept three days."""
    made.land(
        event(1, 1), TWICE, dict(reversed(TWICE.items())), event(1, 3, events="x"), b'{"id":{"time":"2026-11-17T02:00:00Z"},', event(5, 4, day=BEFORE)
    )
    made.land(event(1, 5) | {"events": []}, by="position")
    for day in (BEFORE, DAY, LANDED):
        made.build(day)
    settings = msgspec.structs.replace(made.lake.settings.datasets["workspace_audit"], raw_retention_days=3)
    made.lake = made.lake.with_settings(LakeSettings(clock=LATER, datasets={"workspace_audit": settings}))
    return made


@pytest.fixture
def sealed(aged: BuildLake) -> BuildLake:
    expire(aged.lake, aged.dataset)
    return aged


def parts(made: BuildLake) -> list[str]:
    return sorted(e.path for e in made.lake.store.entries("raw/workspace_audit") if e.path.endswith(".zst"))


def keeps(made: BuildLake, days: int | None) -> BuildLake:
    """The same lake with another retention."""
    settings = msgspec.structs.replace(made.lake.settings.datasets["workspace_audit"], raw_retention_days=days)
    made.lake = made.lake.with_settings(msgspec.structs.replace(made.lake.settings, datasets={"workspace_audit": settings}))
    return made


def where(made: BuildLake, grain: str, number: int, part: int = 0) -> LineRef:
    return LineRef(load_ledger(made.lake, "workspace_audit").parts[grain][part].part.path, number)


# --- which days expire ------------------------------------------------------------------------------------------------


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


# --- what stays ----------------------------------------------------------------------------------------------------------


def test_the_build_of_a_sealed_day_stays_and_its_books_close(aged: BuildLake) -> None:
    before = (aged.content(), aged.files(), committed_builds(aged.lake, aged.dataset.contract), reconcile(aged.lake, aged.dataset))
    expire(aged.lake, aged.dataset)
    now = reconcile(aged.lake, aged.dataset)
    assert (aged.content(), aged.files(), committed_builds(aged.lake, aged.dataset.contract)) == before[:3]
    assert (now.closes, now.days, now.books, now.pending) == (True, before[3].days, before[3].books, 0)
    found = status(aged.lake, aged.dataset)
    assert (found.sealed_days, found.sealed_up_to, found.pending_lines, found.stale) == (3, LANDED, 0, ())


@pytest.mark.parametrize("force", [False, True])
def test_a_sealed_day_is_never_built_again(sealed: BuildLake, force: bool) -> None:
    fingerprint = sealed.fingerprint()
    with pytest.raises(
        TerminalError, match=r"2026-11-17 cannot be built again: raw of 2026-11-17 has expired \(sealed on .*retention 3 days.* keeps what was"
    ):
        build_day(sealed.lake, sealed.dataset, DAY, force=force)
    assert sealed.fingerprint() == fingerprint
    assert not list((sealed.folder / "ops/builds").rglob("*.refused.json"))


def test_a_sealed_day_with_holes_is_not_waited_for(aged: BuildLake) -> None:
    assert status(aged.lake, aged.dataset).incomplete_days == (BEFORE, DAY, LANDED)
    expire(aged.lake, aged.dataset, LANDED)
    assert status(aged.lake, aged.dataset).incomplete_days == (LANDED,)


def test_a_sealed_day_is_never_stale(sealed: BuildLake) -> None:
    start = dt.datetime.combine(DAY, dt.time(), tzinfo=dt.UTC)
    sealed.land(event(9, 9), covers=Window(start, start + dt.timedelta(days=1)), clock=LATER)
    assert [s.day for s in stale_days(sealed.lake, sealed.dataset)] == [LATER.date()]


def test_a_late_line_of_a_sealed_day_is_quarantined_as_such_and_changes_nothing_else(sealed: BuildLake) -> None:
    content, fingerprint = sealed.content(), sealed.fingerprint()
    late, old = (
        event(1, 77),
        event(1, 78, id={"time": "1999-01-01T00:00:00Z", "uniqueQualifier": "1", "applicationName": "token", "customerId": "C0"}),
    )
    assert sealed.land(late, old, event(1, 1), clock=LATER).books.unplaced == 2
    report = sealed.build(LATER.date())
    (account,) = report.accounts.values()
    assert account.quarantine_rules == {"before_start": 1, "day_sealed": 1}
    assert (sealed.content(), sealed.fingerprint()) == (content, fingerprint)
    found = reconcile(sealed.lake, sealed.dataset)
    assert (found.closes, found.pending) == (True, 0)
    (entry,) = refused(sealed.lake, sealed.dataset, rule="day_sealed", limit=None, raw=True)
    assert (entry.day, entry.field, entry.raw) == (LATER.date(), "event_time", line(late).decode())
    assert explain_line(sealed.lake, sealed.dataset, entry.part, entry.line).rows[0].rule == "day_sealed"


def test_a_sweep_over_sealed_days_lands_nothing_again(sealed: BuildLake) -> None:
    manifest = sealed.land(event(1, 1), TWICE, event(1, 3, events="x"), event(5, 4, day=BEFORE), clock=LATER)
    assert (manifest.books.re_read, manifest.parts) == (4, ())
    assert stale_days(sealed.lake, sealed.dataset) == []


def test_what_is_sealed_later_does_not_rebuild_the_unplaced_lines_of_another_day(aged: BuildLake) -> None:
    """The digest of an unplaced grain holds only what was sealed when its lines landed."""
    expire(aged.lake, aged.dataset, DAY)  # the day before only
    aged.land(event(5, 9, day=BEFORE), event(5, 10, day=dt.date(2026, 11, 9)), clock=LATER)
    first = aged.build(LATER.date())
    expire(aged.lake, aged.dataset)
    again = aged.build(LATER.date())
    assert (again.committed, again.rebuilt, again.build.fingerprint) == (False, (), first.build.fingerprint)
    assert [a.quarantine_rules for a in again.accounts.values()] == [{"before_start": 1, "day_sealed": 1}]
    aged.build(LATER.date(), force=True)
    assert reconcile(aged.lake, aged.dataset).closes


def test_a_line_that_landed_before_its_day_was_sealed_is_not_called_late(aged: BuildLake) -> None:
    """Its day was before the start of the lake then; that the day was sealed afterwards says nothing of why the line has no place."""
    aged.land(event(5, 9, day=dt.date(2026, 11, 9)), clock=LATER)
    settings = msgspec.structs.replace(aged.lake.settings.datasets["workspace_audit"], start=dt.date(2026, 11, 1))
    aged.lake = aged.lake.with_settings(msgspec.structs.replace(aged.lake.settings, datasets={"workspace_audit": settings}))
    aged.land(event(6, 9, day=dt.date(2026, 11, 9)), clock=LATER)
    aged.build(dt.date(2026, 11, 9))
    expire(aged.lake, aged.dataset)
    aged.land(event(7, 9, day=dt.date(2026, 11, 9)), clock=LATER)
    (account,) = aged.build(LATER.date()).accounts.values()
    assert account.quarantine_rules == {"before_start": 1, "day_sealed": 1}


# --- who would have read raw -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "part", "fate", "rule"),
    [(1, 0, "kept", None), (2, 0, "kept", None), (3, 0, "expired", None), (4, 0, "quarantined", "changed_type"), (1, 1, "quarantined", "no_rows")],
)
def test_explain_tells_what_the_tables_know_of_a_line_whose_raw_is_gone(
    sealed: BuildLake, number: int, part: int, fate: str, rule: str | None
) -> None:
    ref = where(sealed, f"{DAY}T01", number, part)
    found = explain_line(sealed.lake, sealed.dataset, ref.part, ref.line, raw=True)
    assert (found.fate, found.rows[0].rule, found.raw) == (fate, rule, None)
    assert found.expired == "raw of 2026-11-17 has expired (sealed on 2026-11-24 12:00 UTC by manifest 3)"


def test_the_text_of_what_was_refused_is_told_to_have_expired(sealed: BuildLake) -> None:
    found = refused(sealed.lake, sealed.dataset, rule="changed_type", limit=None, raw=True)
    assert [(r.raw, r.raw_expired) for r in found] == [(None, "raw of 2026-11-17 has expired (sealed on 2026-11-24 12:00 UTC by manifest 3)")]
    assert refused(sealed.lake, sealed.dataset, rule="changed_type", limit=None)[0].raw_expired is None


def test_what_has_expired_is_neither_exported_nor_mended(sealed: BuildLake, tmp_path: Path) -> None:
    sealed.land(b"{broken", clock=LATER)
    sealed.build(LATER.date())
    rows = [{"part": r.part, "line": r.line, "rule": r.rule} for r in refused(sealed.lake, sealed.dataset, limit=None)]
    assert len(rows) == 4
    (entry,) = [json.loads(x) for x in quarantine_export(sealed.lake, sealed.dataset, rows)]
    assert entry["raw"] == "{broken"
    assert expired_lines(sealed.lake, sealed.dataset, [LineRef(r["part"], r["line"]) for r in rows]) == 3
    gone = where(sealed, f"{DAY}T01", 4)
    file = tmp_path / "mended.jsonl"
    file.write_text(json.dumps({"part": gone.part, "line": gone.line, "raw": line(event(1, 3)).decode()}))
    with pytest.raises(TerminalError, match="cannot be mended any more: raw of 2026-11-17 has expired"):
        redrive(sealed.lake, sealed.dataset, file)


def test_reveal_looks_at_what_is_left_and_says_how_many_days_are_not(sealed: BuildLake) -> None:
    sealed.land(event(1, 4, day=LATER.date()), clock=LATER)
    key = sealed.lake.token_key()
    gone = reveal(sealed.lake, sealed.dataset, token("user1@example.com", key), why="a test")
    assert (gone.address, gone.expired_days, len(gone.lines)) == (None, 3, 1)
    assert reveal(sealed.lake, sealed.dataset, token("user4@example.com", key), why="a test").address == "user4@example.com"


def test_a_lake_that_never_lets_raw_go_reads_as_before(made: BuildLake) -> None:
    assert made.lake.dataset("workspace_audit").raw_retention_days is None
    assert DatasetSettings() == DatasetSettings(raw_retention_days=None)
    made.land(event(1, 1))
    ref = where(made, f"{DAY}T01", 1)
    assert explain_line(made.lake, made.dataset, ref.part, 1).expired is None
