"""`kill -9` at every named step of fetch, clean, commit and publish: each on the lake that the deaths before it left behind."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

import pytest
from survival_lakes import CLEAN, DATASET, END, FETCH, PUBLISH, START, Mortal, died

import lakehouse
from lakehouse.engines.kernel.tokens import addresses_in
from lakehouse.landing.ledger import checkpoint_path, load_ledger
from lakehouse.landing.manifest import Part
from lakehouse.landing.orphans import clear_orphans
from lakehouse.landing.read import read_lines, read_part
from lakehouse.marts.publish import current_version, published_path
from lakehouse.operations.orphans import orphans
from lakehouse.operations.reconciliation import reconcile
from lakehouse.steps.build import build_day, stale_days
from lakehouse.steps.erase import erasable
from lakehouse.tables.forgotten import forgotten_files

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]

LANDING = (
    "landing.after_read",
    "landing.after_part",
    "landing.after_ids",
    "landing.after_parts_synced",
    "landing.after_manifest",
    "landing.after_manifest_synced",
)
AT_CHECKPOINT = ("landing.after_checkpoint",)
CLEANING = ("clean.after_files", "clean.after_account", "clean.after_build", "clean.before_commit", "clean.after_commit")
PUBLISHING = ("marts.before_dbt", "marts.before_record", "marts.after_record", "marts.after_rename")
OF_FILES = ("landing.after_file", "landing.after_pos")  # see test_killed_files
OF_DIMENSIONS = ("dimension.before_version",)  # see steps/test_dimensions
EXPIRING = ("landing.after_expired",)
REWRITING = ("landing.after_rewritten", "landing.after_vacated")
FORGETTING = ("clean.after_forgotten",)
COMPACT = "from lakehouse.steps.compact import compact\ncompact(lake, dataset)\n"
ERASE = """
from lakehouse.steps.erase import erasable, erase, forget_rows
from lakehouse.steps.build import build_day
found = erasable(lake, dataset, values=[{value!r}])
for day in erase(lake, dataset, found.lines, reason="a test").days:
    build_day(lake, dataset, day)
forget_rows(lake, dataset)
"""
HOURS = dt.timedelta(hours=1)


def test_every_step_that_has_a_name_in_the_source_is_killed_at_here() -> None:
    source = Path(lakehouse.__file__).parent
    texts = [file.read_text("utf-8") for file in sorted(source.rglob("*.py"))]
    named = [name for text in texts for name in re.findall(r'\bfail_point\(\s*"([^"]+)"\s*\)', text)]
    calls = [call for text in texts for call in re.findall(r"(?<!def )\bfail_point\(", text)]
    assert len(named) == len(calls), "a fail point whose name is no plain text cannot be found"
    assert len(named) == len(set(named)), "two places share a name"
    there = (*LANDING, *OF_FILES, *OF_DIMENSIONS, *AT_CHECKPOINT, *CLEANING, *PUBLISHING, *EXPIRING, *REWRITING, *FORGETTING)
    assert sorted(named) == sorted(there)


def test_a_kill_at_each_step_of_landing_and_cleaning_loses_nothing_and_doubles_nothing(mortal: Mortal) -> None:
    for number, step in enumerate((*LANDING, *CLEANING), start=1):
        mortal.at(START + number * HOURS)
        for minutes in (0, 20):  # whoever comes next dies there once more
            mortal.at(mortal.clock + dt.timedelta(minutes=minutes))
            assert died(mortal.worker(FETCH + CLEAN, fail_at=step)), f"{step} was not reached"
            mortal.check_books()
        if number % 3 == 0:
            mortal.finish_work()
            mortal.check_truth()
    mortal.finish_work()
    mortal.check_truth()
    mortal.check_orphans()


def test_a_kill_after_a_checkpoint_was_written_loses_nothing_and_doubles_nothing(mortal: Mortal) -> None:
    mortal.at(END)  # 120 windows, and a checkpoint is due after the twentieth
    (step,) = AT_CHECKPOINT
    assert died(mortal.worker(FETCH + CLEAN, fail_at=step))
    assert mortal.lake.store.exists(checkpoint_path(DATASET.name, 20))
    mortal.check_books()
    mortal.finish_work()
    mortal.check_truth()
    mortal.check_orphans()


def test_a_kill_while_raw_expires_loses_no_row(mortal: Mortal) -> None:
    mortal.at(END)
    mortal.finish_work()
    content = mortal.content()
    (step,) = EXPIRING
    expire = f"from lakehouse.steps.retention import expire\nimport datetime as dt\nexpire(lake, dataset, dt.date{END.year, END.month, END.day})\n"
    assert died(mortal.worker(expire, fail_at=step))
    mortal.check_truth()
    assert not died(mortal.worker(expire))
    left = [p.part.path for p in load_ledger(mortal.lake, DATASET.name).parts[f"{START:%Y-%m-%dT%H}"] if mortal.lake.store.exists(p.part.path)]
    assert left == []
    mortal.finish_work()
    mortal.check_truth()
    assert mortal.content() == content


def test_a_kill_at_each_step_of_a_compaction_loses_nothing_and_doubles_nothing(mortal: Mortal) -> None:
    mortal.at(START + 3 * HOURS)
    for step in (*LANDING[-2:], *REWRITING):
        mortal.at(mortal.clock + 4 * HOURS)
        mortal.finish_work()
        mortal.at(mortal.clock + dt.timedelta(days=1))  # what is compacted are days that are over; what lands late comes once more
        content, before = mortal.content(), len(stored(mortal))
        assert died(mortal.worker(COMPACT, fail_at=step)), f"{step} was not reached"
        mortal.check_books()
        assert died(mortal.worker(COMPACT, fail_at=step)) or step != "landing.after_rewritten"
        assert not died(mortal.worker(COMPACT))
        assert len(stored(mortal)) < before
        for stale in stale_days(mortal.lake, DATASET):
            build_day(mortal.lake, DATASET, stale.day)
        assert mortal.content() == content
        mortal.at(mortal.clock - dt.timedelta(days=1))
    mortal.finish_work()
    mortal.check_truth()
    mortal.check_orphans()


def test_a_kill_at_each_step_of_an_erasure_erases_once_and_nobody_else(mortal: Mortal) -> None:
    mortal.at(START + 6 * HOURS)
    mortal.finish_work()
    addresses = iter(sorted({found.lower() for path in stored(mortal) for found in addresses_in(text_of(mortal, path))}))
    gone: set[tuple[str, int]] = set()
    for step in (*LANDING[-2:], *REWRITING, *CLEANING, *FORGETTING):
        address, hers = next((a, them) for a in addresses if (them := erasable(mortal.lake, DATASET, values=[a]).lines))
        found = {(path, n) for path, numbers in hers.items() for n in numbers}
        lines, work = landed_lines(mortal), ERASE.format(value=address)
        assert died(mortal.worker(work, fail_at=step)), f"{step} was not reached"
        mortal.check_books()
        assert not died(mortal.worker(work))
        gone |= found
        told = load_ledger(mortal.lake, DATASET.name).erasures
        assert sorted((path, n) for path, erasures in told.items() for e in erasures for n in e.lines) == sorted(gone)
        assert {ref: text for ref, text in landed_lines(mortal).items() if ref not in gone} == {r: t for r, t in lines.items() if r not in gone}
        later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
        clear_orphans(mortal.lake.store, orphans(mortal.lake, DATASET, now=later))  # of those that were killed before their manifest
        assert not any(address.encode() in text_of(mortal, path).lower() for path in stored(mortal))
        assert forgotten_files(mortal.lake, DATASET.contract, load_ledger(mortal.lake, DATASET.name)) == []
        mortal.check_books()
    told_now = reconcile(mortal.lake, DATASET)
    assert (told_now.books.erased, told_now.pending) == (len(gone), 0)
    content = mortal.content()
    mortal.finish_work()  # a sweep meets all of them once more
    assert mortal.content() == content


def stored(mortal: Mortal) -> list[str]:
    """The files of raw that hold lines."""
    return [e.path for e in mortal.lake.store.entries(f"raw/{DATASET.name}") if e.path.endswith(".jsonl.zst")]


def text_of(mortal: Mortal, path: str) -> bytes:
    """The text of a file of raw, whoever names it."""
    return b"".join(read_part(mortal.lake, Part(path, "", "", 0, 0, 0, "")))


def landed_lines(mortal: Mortal) -> dict[tuple[str, int], bytes]:
    """Every line of every part as a reader gets it."""
    parts = [p.part for landed in load_ledger(mortal.lake, DATASET.name).parts.values() for p in landed]
    return {(p.path, n): text for p in parts for n, text in read_lines(mortal.lake, p, range(1, p.lines + 1))}


def test_a_kill_at_each_step_of_publishing_leaves_a_whole_version(mortal: Mortal) -> None:
    mortal.at(START + HOURS)
    mortal.finish_work(publish=True)
    for number, step in enumerate(PUBLISHING, start=2):
        mortal.at(START + number * HOURS)
        before = current_version(mortal.lake, DATASET)
        assert before is not None
        assert died(mortal.worker(FETCH + CLEAN + PUBLISH, fail_at=step)), f"{step} was not reached"
        mortal.check_books()
        after = current_version(mortal.lake, DATASET)
        assert after is not None
        assert after.number == before.number + (step in ("marts.after_record", "marts.after_rename"))
        assert published_path(mortal.lake, DATASET) is not None
    mortal.finish_work(publish=True)
    mortal.check_truth()
    mortal.check_orphans()
