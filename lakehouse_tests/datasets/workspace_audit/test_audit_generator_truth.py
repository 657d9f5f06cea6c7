"""The truth of a sample against a slow reader that knows only the files and the rules."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import msgspec
import polars as pl
import pytest
from audit_slow_reader import Found, SlowReader, files_of

from lakehouse.accounts.books import Books, total
from lakehouse.datasets.workspace_audit.generator import APPLICATIONS, Counts, Defects, LateHour, Truth, generate, truth_at
from lakehouse.datasets.workspace_audit.generator.kinds import all_kinds
from lakehouse.datasets.workspace_audit.generator.truth import LATENESS, TOP
from lakehouse.errors import LakeFormatError

START = dt.datetime(2026, 11, 17, tzinfo=dt.UTC)
END = START + dt.timedelta(days=2)
NOW = END + dt.timedelta(days=10)
LATE = LateHour(START + dt.timedelta(hours=10), END + dt.timedelta(hours=1))
CLOCK = END - dt.timedelta(hours=7)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, seed=11, start=START, end=END, events=4_000, late=(LATE,), defects=Defects(reordered=40, repeated=30, malformed=0.01))
    return folder


@pytest.fixture(scope="module")
def truth(sample: Path) -> Truth:
    return Truth.load(sample)


def _bucket(seconds: float) -> int:
    return next(bound for bound in LATENESS if seconds <= bound)


def _books(terms: Counter[str]) -> Books:
    return Books(**terms)


def _same(counts: Counts, found: Found) -> None:
    assert counts.fetch.read == found.read
    assert counts.fetch.re_read == found.re_read
    assert counts.fetch.unplaced == found.unplaced["lines"]
    assert counts.fetch.difference() == 0
    assert counts.books == _books(found.books)
    assert counts.unplaced == _books(found.unplaced)
    assert counts.hours == {hour: _books(terms) for hour, terms in found.hours.items()}
    assert counts.rules == dict(found.rules)
    assert counts.unknown == dict(found.unknown)
    assert counts.lateness == dict(Counter(map(_bucket, found.lateness)))
    for name in ("days", "names", "methods", "method_bytes", "apps"):
        assert getattr(counts, name) == dict(getattr(found, name)), name
    assert counts.users == dict(sorted(found.users.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP])
    sums = {name: getattr(counts, name) for name in counts.__struct_fields__ if isinstance(getattr(counts, name), int) and name != "late"}
    assert sums == {name: found.sums[name] for name in sums}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_slow_reader_of_the_files_finds_what_the_truth_says(sample: Path, truth: Truth, application: str):
    _same(truth.applications[application], SlowReader(sample, application, START, NOW).found)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_the_truth_at_a_clock_is_what_a_reader_finds_who_sees_only_what_is_visible_by_then(sample: Path, application: str):
    then = truth_at(sample, CLOCK).applications[application]
    _same(then, SlowReader(sample, application, START, NOW, CLOCK).found)


def test_the_books_of_all_applications_balance_and_add_up(truth: Truth):
    assert truth.total.books.balanced()
    assert truth.total.unplaced.balanced()
    assert total([*truth.total.hours.values(), truth.total.unplaced]) == truth.total.books
    assert total(c.books for c in truth.applications.values()) == truth.total.books
    assert sum(truth.total.days.values()) == truth.total.books.kept
    assert truth.total.books.quarantined + truth.total.books.unreadable == sum(truth.total.rules.values())


def test_the_number_of_activities_is_what_was_asked_for_and_revisions(truth: Truth):
    assert truth.total.activities == truth.arguments.events + truth.total.defects["revised"]


def test_every_defect_is_there_in_each_of_its_kinds(truth: Truth):
    assert {k.label for k in all_kinds()} - set(truth.total.defects) == set()
    counts = truth.total
    assert min(counts.late, counts.out_of_order, counts.without_ip, counts.without_email, counts.without_type, counts.several, counts.collisions) > 0
    assert set(counts.rules) == {
        *("unreadable_json", "changed_type", "missing_required", "no_rows", "not_a_number", "out_of_range"),
        *("time_unreadable", "before_start", "in_future"),
    }


def test_a_defect_asked_for_by_number_comes_that_often(truth: Truth):
    assert truth.total.defects["reordered"] == 40
    assert truth.total.defects["repeated"] == 30


def test_a_sample_without_defects_has_none(tmp_path: Path):
    truth = generate(tmp_path, seed=3, start=START, end=START + dt.timedelta(hours=6), events=1_500, defects=Defects.none())
    counts = truth.total
    assert counts.books == Books(lines=1_500, records=1_500, rows=counts.books.rows, kept=counts.books.rows)
    assert counts.fetch.re_read == 0
    assert not counts.defects
    assert counts.late == counts.out_of_order == 0
    assert counts.without_email == 0


def test_the_late_hour_is_seen_only_once_it_is_visible(sample: Path):
    hour = LATE.hour.strftime("%Y-%m-%dT%H")
    before = truth_at(sample, LATE.visible_at - dt.timedelta(seconds=1))
    after = truth_at(sample, LATE.visible_at + dt.timedelta(days=3))
    assert hour not in before.applications["token"].hours
    assert after.applications["token"].hours[hour].kept > 0
    assert before.visible_until == LATE.visible_at - dt.timedelta(seconds=1)


def test_the_truth_of_the_end_of_time_is_the_truth_of_the_file(sample: Path, truth: Truth):
    at_last = truth_at(sample, NOW + dt.timedelta(days=365))
    assert at_last.total == truth.total
    assert at_last.applications == truth.applications


def test_facts_name_the_line_that_they_are_about(sample: Path):
    facts = pl.read_parquet(sample / "facts.parquet").filter((pl.col("row") == 0) & (pl.col("defect") == "old_shape"))
    assert len(facts)
    for application, hour, line in facts.select("application", "hour", "line").iter_rows():
        lines = {stem: lines for stem, lines, _ in files_of(sample, application)}
        record = msgspec.json.decode(lines[hour.strftime("%Y-%m-%dT%H")][line - 1])
        assert [p["name"] for p in record["events"][0]["parameters"]] == ["client_id", "app_name", "scope"]


def test_a_folder_without_truth_is_no_sample(tmp_path: Path):
    with pytest.raises(LakeFormatError, match=r"truth\.json is missing"):
        Truth.load(tmp_path)
