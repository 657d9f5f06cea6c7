"""`kill -9` at every named step of fetch, clean, commit and publish: each on the lake that the deaths before it left behind."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

import pytest
from survival_lakes import CLEAN, DATASET, END, FETCH, PUBLISH, START, Mortal, died

import lakehouse
from lakehouse.landing.ledger import checkpoint_path, load_ledger
from lakehouse.marts.publish import current_version, published_path

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
EXPIRING = ("landing.after_expired",)
HOURS = dt.timedelta(hours=1)


def test_every_step_that_has_a_name_in_the_source_is_killed_at_here() -> None:
    source = Path(lakehouse.__file__).parent
    texts = [file.read_text("utf-8") for file in sorted(source.rglob("*.py"))]
    named = [name for text in texts for name in re.findall(r'\bfail_point\(\s*"([^"]+)"\s*\)', text)]
    calls = [call for text in texts for call in re.findall(r"(?<!def )\bfail_point\(", text)]
    assert len(named) == len(calls), "a fail point whose name is no plain text cannot be found"
    assert len(named) == len(set(named)), "two places share a name"
    assert sorted(named) == sorted((*LANDING, *OF_FILES, *AT_CHECKPOINT, *CLEANING, *PUBLISHING, *EXPIRING))


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
    mortal.at(END)  # 120 windows, and a checkpoint is due after the hundredth
    (step,) = AT_CHECKPOINT
    assert died(mortal.worker(FETCH + CLEAN, fail_at=step))
    assert mortal.lake.store.exists(checkpoint_path(DATASET.name, 100))
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
