"""What stays of days whose raw has expired, and what everybody says who would have read their raw."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest
from build_lakes import BEFORE, DAY, BuildLake, event, line
from retention_lakes import LANDED, LATER, TWICE, where

from lakehouse.engines.kernel.tokens import token
from lakehouse.errors import TerminalError
from lakehouse.landing.manifest import LineRef, Window
from lakehouse.operations.quarantine import refused
from lakehouse.operations.reconciliation import reconcile
from lakehouse.operations.status import status
from lakehouse.settings import DatasetSettings
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.explain import explain_line
from lakehouse.steps.redrive import expired_lines, quarantine_export, redrive
from lakehouse.steps.retention import expire
from lakehouse.steps.reveal import reveal
from lakehouse.tables.builds import committed_builds

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
