"""The files of a sample: repeatable, in order, and placed where the API would tell them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from audit_samples import END, START
from audit_slow_reader import NotJsonError, files_of, parse

from lakehouse.datasets.workspace_audit.contract import CONTRACT
from lakehouse.datasets.workspace_audit.generator import (
    APPLICATIONS,
    Defects,
    LateHour,
    Truth,
    generate,
    read_hour,
    small_demo,
)
from lakehouse.datasets.workspace_audit.generator.demo import DEMO_ACTIVITIES
from lakehouse.errors import ConfigurationError
from lakehouse.landing.routing import Router
from lakehouse.sources.reports_api.pages import parse_page

HOUR = 3_600_000_000


def _digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path):
    late = (LateHour(START, END),)
    for name in ("one", "two"):
        generate(tmp_path / name, seed=9, start=START, end=START + dt.timedelta(hours=30), events=2_000, late=late)
    assert _digests(tmp_path / "one") == _digests(tmp_path / "two")


def test_another_seed_gives_other_bytes(tmp_path: Path):
    for seed in (1, 2):
        generate(tmp_path / str(seed), seed=seed, start=START, end=START + dt.timedelta(hours=3), events=300)
    one, two = _digests(tmp_path / "1"), _digests(tmp_path / "2")
    assert not set(one.values()) & set(two.values())


def test_a_folder_is_emptied_of_an_earlier_sample(tmp_path: Path):
    generate(tmp_path, seed=1, start=START, end=END, events=500)
    truth = generate(tmp_path, seed=1, start=END, end=END + dt.timedelta(hours=2), events=100, applications=("token",))
    assert {p.name for p in tmp_path.iterdir()} == {"token", "facts.parquet", "truth.json"}
    assert {stem[:10] for stem, _, _ in files_of(tmp_path, "token")} == {"2026-11-23"}
    assert set(truth.applications) == {"token"}


def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match=r"thesis\.txt"):
        generate(tmp_path, seed=1, start=START, end=END, events=100)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"start": dt.datetime(2026, 11, 16, 0, 30, tzinfo=dt.UTC)}, "whole hour"),
        ({"start": dt.datetime(2026, 11, 16, tzinfo=dt.timezone(dt.timedelta(hours=1)))}, "in UTC"),
        ({"start": dt.datetime(2026, 11, 16)}, "in UTC"),  # noqa: DTZ001  that is the point
        ({"end": START}, "end after it starts"),
        ({"events": 0}, "at least 1 activity"),
        ({"applications": ("token", "chat")}, "'chat'"),
        ({"late": (LateHour(START + dt.timedelta(minutes=1), END),)}, "late hour"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path: Path, changed: dict, message: str):
    with pytest.raises(ConfigurationError, match=message):
        generate(tmp_path, **{"seed": 1, "start": START, "end": END, "events": 100, **changed})
    assert not list(tmp_path.iterdir())


def test_progress_is_told_and_ends_with_everything(tmp_path: Path):
    told = []
    generate(tmp_path, seed=1, start=START, end=END, events=700, progress=lambda done, all_: told.append((done, all_)))
    assert told[-1] == (700, 700)
    assert told == sorted(told)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_lines_of_a_file_ascend_by_the_time_of_the_server_within_its_hour(sample: Path, application: str):
    for stem, lines, times in files_of(sample, application):
        first = int(dt.datetime.strptime(stem, "%Y-%m-%dT%H").replace(tzinfo=dt.UTC).timestamp()) * 1_000_000
        assert times.dtype == np.int64
        assert times.shape == (len(lines), 2)
        assert (np.diff(times[:, 0]) >= 0).all()
        assert times[0, 0] >= first
        assert times[-1, 0] < first + HOUR
        assert (times[:, 1] > times[:, 0]).all()


def test_an_hour_is_read_back_as_it_was_written(sample: Path):
    stem, lines, times = files_of(sample, "drive")[40]
    again, pairs = read_hour(sample, "drive", stem)
    assert again == lines
    assert (pairs == times).all()


@pytest.mark.parametrize("application", APPLICATIONS)
def test_every_line_can_be_cut_out_of_a_page(sample: Path, application: str):
    for _, lines, _ in files_of(sample, application):
        page = b'{"kind":"admin#reports#activities","items":[' + b",".join(lines) + b'],"nextPageToken":"x"}'
        assert parse_page(page).items == lines


def test_lines_are_placed_where_the_routing_rule_puts_them(sample: Path):
    truth = Truth.load(sample)
    router = Router(CONTRACT, START.date(), END + dt.timedelta(days=4))
    for application in APPLICATIONS:
        seen, placed = set(), Counter()
        for _, lines, _ in files_of(sample, application):
            for line in lines:
                grain, _, identity = router.route(line)
                if identity not in seen:
                    placed[grain if not grain.startswith("unplaced") else "unplaced"] += 1
                seen.add(identity)
        counts = truth.applications[application]
        expected = {hour: books.lines for hour, books in counts.hours.items()}
        assert placed == Counter(expected) + Counter({"unplaced": counts.unplaced.lines})


def test_each_kind_of_malformed_line_is_no_json_and_keeps_its_braces(sample: Path):
    bad = []
    for application in APPLICATIONS:
        for _, lines, _ in files_of(sample, application):
            for line in lines:
                try:
                    parse(line)
                except NotJsonError as error:
                    bad.append((line, str(error)))
    defects = Truth.load(sample).total.defects
    assert len(bad) == sum(n for name, n in defects.items() if name.startswith("malformed."))
    for line, _ in bad:
        assert line.startswith(b"{")
        assert line.endswith(b"}")
        assert line.count(b"{") == line.count(b"}")
    for mark in (b":NaN", b"one\x01two", b'"name":"first","name"', b",]}", b"\\ud83d", b"Zo\xeb"):
        assert any(mark in line for line, _ in bad), mark


def test_the_demo_has_every_defect_and_an_hour_that_heals(tmp_path: Path):
    now = dt.datetime(2026, 11, 20, 12, 34, tzinfo=dt.UTC)
    truth = small_demo(tmp_path, now)
    late = truth.arguments.late[0]
    assert truth.total.activities >= DEMO_ACTIVITIES
    assert truth.arguments.start < late.hour < late.visible_at < now
    assert set(truth.applications) == set(APPLICATIONS)
    assert all(truth.total.defects.get(name, 0) for name in ("malformed.nan", "reordered", "in_future", "revised", "old_shape"))
    assert all(getattr(truth.arguments.defects, name) > 0 for name in Defects.__struct_fields__)
