"""Erasures, compactions, builds and fetches at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from build_lakes import BEFORE, DAY, BuildLake, event, finish
from erase_lakes import EVE, EVERY_DAY, LANDED, LINES, erase_her, holding

from lakehouse.errors import ConfigurationError
from lakehouse.landing.compaction import land_compaction
from lakehouse.landing.ledger import load_ledger
from lakehouse.operations.quarantine import refused
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps.attempt import Attempt
from lakehouse.steps.build import stale_days
from lakehouse.steps.compact import compact
from lakehouse.steps.erase import forget_rows
from lakehouse.steps.explain import explain_line
from lakehouse.steps.redrive import quarantine_export, redrive


@pytest.mark.parametrize("change", ["compaction", "erasure"])
def test_a_build_whose_parts_are_moved_under_way_makes_what_is_there_now(made: BuildLake, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """The ledger of the build is read, then the files that it names are moved and deleted, then they are read."""
    made.land(*LINES)
    made.land(event(1, 8))
    real, times = Attempt.make, []

    def late(self: Any) -> Any:
        if not times:
            compact(made.lake, made.dataset) if change == "compaction" else erase_her(made, build=False)
        times.append(change)
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Attempt, "make", late)
        report = made.build(DAY)
    assert len(times) == (1 if change == "compaction" else 2)
    assert report.books.erased == (0 if change == "compaction" else 3)
    assert report.books.kept == (5 if change == "compaction" else 3)
    assert not made.build(DAY).committed


def test_a_build_that_read_her_lines_before_they_were_erased_is_stale_or_refused(peopled: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow build has read everything and comes to its commit when the erasure and its build are done: it starts again."""
    peopled.land(event(1, 61))
    real, times = Attempt._commit, []

    def late(self: Any, *args: Any) -> Any:
        times.append(1)
        if len(times) == 1:
            erase_her(peopled)
        return real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Attempt, "_commit", late)
        report = peopled.build(DAY)
    assert len(times) >= 3
    assert report.books.erased == 4
    assert (1, 2) not in peopled.names()
    forget_rows(peopled.lake, peopled.dataset)
    assert stale_days(peopled.lake, peopled.dataset) == []
    assert reconcile(peopled.lake, peopled.dataset).closes
    for day in EVERY_DAY:
        assert not peopled.build(day).committed


def test_processes_that_compact_erase_build_and_land_at_once_agree_in_the_end(peopled: BuildLake) -> None:
    compacting = "from lakehouse.steps.compact import compact\nfor _ in range(3): compact(lake, dataset)"
    erasing = f"""
        from lakehouse.steps.erase import erasable, erase
        found = erasable(lake, dataset, values=[{EVE!r}])
        erase(lake, dataset, found.lines, reason="at once")
    """
    cleaning = "for _ in range(3): build_day(lake, dataset, DAY, force=True)"
    finish(*(peopled.run(code) for code in (compacting, compacting, erasing, cleaning)))
    report, _ = erase_her(peopled)
    assert report.manifest is None
    assert holding(peopled, EVE) == []
    compact(peopled.lake, peopled.dataset)
    for day in EVERY_DAY:
        peopled.build(day)
    now = reconcile(peopled.lake, peopled.dataset)
    assert (now.closes, now.pending, now.books.erased) == (True, 0, 6)
    assert peopled.names() == [(1, 1), (1, 8), (2, 4), (5, 6)]


def test_two_erasures_at_once_erase_each_line_once(peopled: BuildLake) -> None:
    code = f"""
        from lakehouse.steps.erase import erasable, erase
        found = erasable(lake, dataset, values=[{EVE!r}])
        erase(lake, dataset, found.lines, reason="at once")
    """
    finish(peopled.run(code), peopled.run(code))
    ledger = load_ledger(peopled.lake, peopled.dataset.name)
    lines = [(path, n) for path, erasures in ledger.erasures.items() for e in erasures for n in e.lines]
    assert len(lines) == len(set(lines)) == 6
    erase_her(peopled)
    assert reconcile(peopled.lake, peopled.dataset).closes


def test_a_compaction_touches_nothing_that_was_built(peopled: BuildLake) -> None:
    before = (peopled.content(), peopled.files(), peopled.fingerprint(), reconcile(peopled.lake, peopled.dataset))
    planned = compact(peopled.lake, peopled.dataset, dry_run=True)
    report = compact(peopled.lake, peopled.dataset)
    assert [(d.day, d.files, d.containers, d.size) for d in report.days] == [(d.day, d.files, d.containers, d.size) for d in planned.days]
    assert [(d.day, d.files, d.containers) for d in report.days] == [(DAY, 2, 1)]
    assert report.deleted == 4
    now = reconcile(peopled.lake, peopled.dataset)
    assert (peopled.content(), peopled.files(), peopled.fingerprint(), now.books) == (*before[:3], before[3].books)
    assert stale_days(peopled.lake, peopled.dataset) == []
    assert not peopled.build(DAY).committed
    peopled.build(DAY, force=True)
    assert peopled.content() == before[0]
    assert compact(peopled.lake, peopled.dataset).days == ()


def test_days_that_are_not_over_are_left_alone(peopled: BuildLake) -> None:
    peopled.land(event(1, 90, day=LANDED))
    peopled.land(event(1, 91, day=LANDED))
    assert [d.day for d in compact(peopled.lake, peopled.dataset).days] == [DAY]
    with pytest.raises(ConfigurationError, match="not over still come: the lake's day is 2026-11-19"):
        compact(peopled.lake, peopled.dataset, last=LANDED)
    with pytest.raises(ConfigurationError, match="ends before it begins"):
        compact(peopled.lake, peopled.dataset, DAY, BEFORE)
    assert compact(peopled.lake, peopled.dataset, BEFORE, BEFORE).days == ()


def test_releases_and_redrives_find_their_lines_after_a_compaction(peopled: BuildLake, tmp_path: Path) -> None:
    compact(peopled.lake, peopled.dataset)
    land_compaction(peopled.lake, peopled.dataset.name, LANDED)
    rows = [{"part": r.part, "line": r.line, "rule": r.rule} for r in refused(peopled.lake, peopled.dataset, limit=None, raw=True) if r.raw]
    assert len(rows) == 2
    file = tmp_path / "mend.jsonl"
    text = b"".join(quarantine_export(peopled.lake, peopled.dataset, rows)).decode()
    file.write_text(text.replace('\\"events\\":\\"x\\"', '\\"events\\":[{\\"name\\":\\"activity\\"}]').replace(", broken", "}"))
    for day in redrive(peopled.lake, peopled.dataset, file).days:
        peopled.build(day)
    assert (1, 3) in peopled.names()
    assert reconcile(peopled.lake, peopled.dataset).closes
    assert explain_line(peopled.lake, peopled.dataset, rows[0]["part"], rows[0]["line"]).fate == "superseded"
