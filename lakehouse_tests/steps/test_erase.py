"""Erasing a person from a small real lake: raw, clean, quarantine, books, marts and what earlier builds left on disk."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from build_lakes import BEFORE, DAY, BuildLake, event, line
from erase_lakes import EVE, EVERY_DAY, LANDED, LINES, MINE, erase_her, holding
from retention_lakes import where

from lakehouse.accounts.books import Books
from lakehouse.engines.kernel.tokens import token
from lakehouse.errors import ConfigurationError, TerminalError
from lakehouse.landing.manifest import LineRef
from lakehouse.landing.orphans import clear_orphans
from lakehouse.operations.orphans import orphans
from lakehouse.operations.quarantine import refused
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps.build import stale_days
from lakehouse.steps.compact import compact
from lakehouse.steps.erase import erasable, erase, forget_rows, inbox_holding
from lakehouse.steps.explain import explain_line
from lakehouse.steps.redrive import expired_lines, quarantine_export, redrive
from lakehouse.steps.retention import expire
from lakehouse.steps.reveal import reveal


def test_she_is_gone_from_every_file_of_the_lake_and_the_books_close(peopled: BuildLake) -> None:
    hers = token(EVE, peopled.lake.token_key())
    before, books = peopled.content(), reconcile(peopled.lake, peopled.dataset).books
    assert {path.split("/")[0] for path in holding(peopled, EVE, hers)} == {"raw", "clean"}
    report, gone = erase_her(peopled)
    assert (report.manifest.number, report.manifest.reason, report.lines, report.days) == (3, "request 1", 6, EVERY_DAY)
    assert sorted((p.day, p.lines) for p in report.parts) == [(BEFORE, 1), (DAY, 1), (DAY, 1), (DAY, 2), (LANDED, 1)]
    assert holding(peopled, EVE, hers) == []
    assert gone
    assert EVE not in "".join(p.read_text("utf-8", errors="replace") for p in (peopled.folder / "raw/workspace_audit/_fetches").glob("*.json"))
    now = reconcile(peopled.lake, peopled.dataset)
    assert (now.closes, now.pending, now.books.lines, now.books.erased) == (True, 0, books.lines, 6)
    assert now.books == Books(lines=10, erased=6, records=4, rows=4, kept=4)
    assert peopled.names() == [(1, 1), (1, 8), (2, 4), (5, 6)]
    assert set(peopled.content()) < set(before)
    assert refused(peopled.lake, peopled.dataset, limit=None) == []
    assert stale_days(peopled.lake, peopled.dataset) == []


def test_the_same_lines_fetched_again_do_not_come_back(peopled: BuildLake) -> None:
    erase_her(peopled)
    content = peopled.content()
    manifest = peopled.land(*LINES, purpose="weekly_sweep")
    assert (manifest.books.re_read, manifest.books.placed, manifest.books.unplaced) == (8, 0, 0)
    assert stale_days(peopled.lake, peopled.dataset) == []
    assert peopled.content() == content


def test_what_earlier_builds_had_made_of_it_goes_and_nothing_else(peopled: BuildLake) -> None:
    peopled.build(DAY, force=True)  # another attempt of the same result
    files = {p for p in peopled.folder.rglob("*") if p.suffix in (".parquet", ".json") and "_delta_log" not in p.parts}
    _, gone = erase_her(peopled)
    assert {e.path.split("/")[0] for e in gone} == {"clean", "quarantine", "ops"}
    left = {p for p in files if p.exists()}
    assert {p.relative_to(peopled.folder).as_posix() for p in files - left} == {e.path for e in gone}
    assert [p for p in left if "T02" in str(p)] == [], "hour 2 held a line of hers too"
    assert {f"clean/workspace_audit/{f}" for f in peopled.files()} <= {
        p.relative_to(peopled.folder).as_posix() for p in peopled.folder.rglob("*.parquet")
    }
    assert forget_rows(peopled.lake, peopled.dataset) == []
    for day in EVERY_DAY:
        assert not peopled.build(day).committed


def test_results_of_hours_without_her_are_reused_and_kept(peopled: BuildLake) -> None:
    peopled.land(event(7, 70))
    before = peopled.build(DAY)
    (ref,) = (r for r in before.build.grains if r.grain == f"{DAY}T07")
    report, gone = erase_her(peopled, build=False)
    again = peopled.build(DAY)
    assert [r.grain for r in again.rebuilt] == [f"{DAY}T01", f"{DAY}T02"]
    gone = forget_rows(peopled.lake, peopled.dataset)
    assert not any(ref.digest in e.path for e in gone)
    assert report.days == EVERY_DAY


def test_a_day_whose_build_has_not_seen_the_erasure_keeps_its_files(peopled: BuildLake) -> None:
    """A build of the older ledger may still be committed before: what it names must be there."""
    erase_her(peopled, build=False)
    assert forget_rows(peopled.lake, peopled.dataset) == []
    peopled.build(BEFORE)
    gone = forget_rows(peopled.lake, peopled.dataset)
    assert {str(BEFORE) in e.path for e in gone} == {True}
    old = orphans(peopled.lake, peopled.dataset, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    peopled.build(DAY)
    new = orphans(peopled.lake, peopled.dataset, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    assert old == []
    assert {e.path for e in new} == {e.path for e in forget_rows(peopled.lake, peopled.dataset)} != set()


def test_files_that_no_manifest_names_are_told_because_they_may_hold_her_too(peopled: BuildLake) -> None:
    code = f"""
        from lakehouse.steps.erase import erasable, erase
        erase(lake, dataset, erasable(lake, dataset, values=[{EVE!r}]).lines, reason="killed")
    """
    killed = peopled.run(code, fail_at="landing.after_rewritten")
    killed.communicate(timeout=120)
    assert killed.returncode != 0
    report, _ = erase_her(peopled)
    assert (report.lines, report.unnamed) == (6, 5)
    clear_orphans(peopled.lake.store, orphans(peopled.lake, peopled.dataset, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2)))
    assert erase_her(peopled)[0].unnamed == 0


def test_results_that_were_staged_and_never_named_go_too(peopled: BuildLake) -> None:
    peopled.land(event(1, 60))
    killed = peopled.run("build_day(lake, dataset, DAY)", fail_at="clean.after_account")
    killed.communicate(timeout=120)
    assert killed.returncode != 0
    erase_her(peopled)
    assert holding(peopled, token(EVE, peopled.lake.token_key())) == []


def test_marts_count_the_rows_that_are_left(peopled: BuildLake) -> None:
    from lakehouse import door
    from lakehouse.steps.publish import publish_marts

    compact(peopled.lake, peopled.dataset)
    publish_marts(peopled.lake, peopled.dataset)
    erase_her(peopled)
    compact(peopled.lake, peopled.dataset)
    publish_marts(peopled.lake, peopled.dataset)
    counted = door.Door(peopled.lake).sql("SELECT sum(_source_rows) AS n FROM marts.audit_hourly_activity")
    assert int(counted["n"][0]) == peopled.rows().height == 4
    told = reconcile(peopled.lake, peopled.dataset)
    assert (told.closes, told.books.erased) == (True, 6)


def test_named_lines_are_erased_and_no_others(peopled: BuildLake) -> None:
    one = where(peopled, f"{DAY}T01", 1)
    found = erasable(peopled.lake, peopled.dataset, [one, one])
    assert (found.count, found.lines, found.expired_days) == (1, {one.part: {1}}, 0)
    report = erase(peopled.lake, peopled.dataset, found.lines, reason="x")
    assert report.days == (DAY,)
    peopled.build(DAY)
    assert (1, 1) not in peopled.names()
    assert erasable(peopled.lake, peopled.dataset, [one], [EVE]).count == 6
    for bad, message in ((LineRef(one.part, 99), "there is no line 99"), (LineRef("raw/workspace_audit/x", 1), "There is no part")):
        with pytest.raises(TerminalError, match=message):
            erasable(peopled.lake, peopled.dataset, [bad])
    with pytest.raises(ConfigurationError, match="A reason is required"):
        erase(peopled.lake, peopled.dataset, found.lines, reason="  ")


def test_whoever_asks_for_the_text_is_told_when_and_by_what_it_was_erased(peopled: BuildLake, tmp_path: Path) -> None:
    ref = where(peopled, f"{DAY}T01", 3)
    (row,) = refused(peopled.lake, peopled.dataset, ref=ref, limit=None)
    exported = tmp_path / "mend.jsonl"
    exported.write_bytes(b"".join(quarantine_export(peopled.lake, peopled.dataset, [{"part": ref.part, "line": ref.line, "rule": row.rule}])))
    erase_her(peopled, build=False)
    gone = "erased on 2026-11-19 by manifest 3"
    (row,) = refused(peopled.lake, peopled.dataset, ref=ref, limit=None, raw=True)
    assert (row.raw, row.raw_expired) == (None, gone)
    assert list(quarantine_export(peopled.lake, peopled.dataset, [{"part": ref.part, "line": ref.line, "rule": row.rule}])) == []
    assert expired_lines(peopled.lake, peopled.dataset, [ref, where(peopled, f"{DAY}T01", 1)]) == 1
    with pytest.raises(TerminalError, match=f"cannot be mended any more: {gone}"):
        redrive(peopled.lake, peopled.dataset, exported)
    for number in (2, 3):
        told = explain_line(peopled.lake, peopled.dataset, ref.part, number, raw=True)
        assert (told.fate, told.erased, told.raw, [r.fate for r in told.rows]) == ("erased", gone, None, ["erased"])
    assert explain_line(peopled.lake, peopled.dataset, ref.part, 1).erased is None
    assert reveal(peopled.lake, peopled.dataset, token(EVE, peopled.lake.token_key()), why="a test").address is None


@pytest.mark.parametrize("order", ["redrive, erase", "compact, redrive, erase", "redrive, compact, erase"])
def test_a_mended_line_is_found_and_erased_as_the_line_that_it_superseded(peopled: BuildLake, tmp_path: Path, order: str) -> None:
    refs = [where(peopled, f"{DAY}T01", 3), where(peopled, f"unplaced-{LANDED}", 1)]
    if order.startswith("compact"):
        compact(peopled.lake, peopled.dataset)
    file = tmp_path / "mend.jsonl"
    mended = [line(event(1, 30 + n, **MINE)).decode() for n in range(2)]
    file.write_text("\n".join(json.dumps({"part": r.part, "line": r.line, "raw": m}) for r, m in zip(refs, mended, strict=True)))
    for day in redrive(peopled.lake, peopled.dataset, file).days:
        peopled.build(day)
    assert {(1, 30), (1, 31)} <= set(peopled.names())
    if "compact, erase" in order:
        compact(peopled.lake, peopled.dataset)
    report, _ = erase_her(peopled)
    assert report.lines == 8
    now = reconcile(peopled.lake, peopled.dataset)
    assert (now.closes, now.books.erased, now.books.superseded) == (True, 8, 0)
    assert peopled.names() == [(1, 1), (1, 8), (2, 4), (5, 6)]
    assert holding(peopled, EVE) == []


def test_a_sealed_day_is_refused_and_told_where_a_value_is_searched(peopled: BuildLake) -> None:
    ref = where(peopled, f"{BEFORE}T05", 2)
    expire(peopled.lake, peopled.dataset, DAY)
    with pytest.raises(TerminalError, match=r"no text that could be erased: raw of 2026-11-16 has expired.*never built again"):
        erasable(peopled.lake, peopled.dataset, [ref])
    found = erasable(peopled.lake, peopled.dataset, values=[EVE])
    assert (found.count, found.expired_days) == (5, 1)
    report, _ = erase_her(peopled)
    assert report.days == (DAY, LANDED)
    assert reconcile(peopled.lake, peopled.dataset).closes


def test_a_day_that_was_erased_from_can_be_sealed_and_compacted_files_go_with_it(peopled: BuildLake) -> None:
    compact(peopled.lake, peopled.dataset)
    erase_her(peopled)
    compact(peopled.lake, peopled.dataset)
    expire(peopled.lake, peopled.dataset, LANDED)
    left = [e.path for e in peopled.lake.store.entries("raw/workspace_audit") if e.path.endswith(".zst") and "_fetches" not in e.path]
    assert all(f"landed={LANDED}" in path for path in left)
    assert orphans(peopled.lake, peopled.dataset, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2)) == []
    assert reconcile(peopled.lake, peopled.dataset).closes


# --- two at once ------------------------------------------------------------------------------------------------------


# --- compaction by itself ---------------------------------------------------------------------------------------------


def test_a_source_without_files_has_no_inbox_to_look_through(peopled: BuildLake) -> None:
    erase_her(peopled)
    assert inbox_holding(peopled.lake, peopled.dataset) == []
