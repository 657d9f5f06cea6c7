"""The generator against a slow reader of its files, and that it repeats."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dataset_lakes import files_of
from listening_lakes import DAYS, START

from lakehouse.accounts.truth import TRUTH_FILE, SampleTruth
from lakehouse.datasets.listening.generator import Arguments, Defects, generate, small_demo
from lakehouse.errors import ConfigurationError


def events_of(folder: Path) -> list[dict[str, Any] | None]:
    """The records of every event file; None for a line that is none."""
    found: list[dict[str, Any] | None] = []
    for path in files_of(folder / "first", folder / "late"):
        if "song_data" in path.parts:
            continue
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode()
        assert not text.endswith("\n")
        if path.suffix == ".csv":
            header, *rows = csv.reader(text.split("\n"))
            found += [dict(zip(header, row, strict=True)) if len(row) == len(header) else None for row in rows]
        else:
            found += [parsed(line) for line in text.split("\n")]
    return found


def parsed(line: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(line, parse_float=str))
    except json.JSONDecodeError:
        return None


def test_a_slow_reader_finds_what_the_truth_says(sample: Path, truth: SampleTruth) -> None:
    records = events_of(sample)
    total = truth.total
    assert len(records) == total.fetch.read == total.books.lines
    assert records.count(None) == total.books.unreadable
    told = [r for r in records if r is not None]
    assert sum(str(r["ts"]) == "1.54224E+12" for r in told) == truth.defects["damaged_time"]
    assert sum(str(r.get("registration")) == "1.54104E+12" for r in told) == truth.defects["damaged_registration"]
    assert sum("deviceId" in r for r in told) == truth.defects["unknown_fields"]
    assert sum(not r.get("page") for r in told) == truth.defects["missing"]
    assert total.fetch.difference() == 0
    assert total.books.balanced()
    assert sum(total.days.values()) == total.books.kept == truth.facts["events"]


def test_every_defect_is_in_a_sample_that_asks_for_all(truth: SampleTruth) -> None:
    assert set(truth.defects) == set(Defects.__struct_fields__) - {"out_of_order"}


def test_late_files_hold_events_of_the_days_before(sample: Path, truth: SampleTruth) -> None:
    late = [p for p in files_of(sample / "late") if p.suffix == ".gz"]
    lines = [json.loads(line) for p in late for line in gzip.decompress(p.read_bytes()).split(b"\n")]
    assert len(lines) == truth.defects["late"]
    days = Counter(dt.datetime.fromtimestamp(r["ts"] / 1000, dt.UTC).date() for r in lines)
    assert set(days) <= {START + dt.timedelta(days=n) for n in range(DAYS)}


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    asked = Arguments(seed=3, start=START, days=2, events=400)
    one, two = tmp_path / "one", tmp_path / "two"
    assert generate(one, asked) == generate(two, asked)
    names = [p.relative_to(one) for p in files_of(one)]
    assert names == [p.relative_to(two) for p in files_of(two)]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_a_sample_takes_the_place_of_another_one(tmp_path: Path) -> None:
    generate(tmp_path, Arguments(seed=3, start=START, days=3, events=300))
    generate(tmp_path, Arguments(seed=3, start=START, days=1, events=100))
    days = {p.name[:10] for p in files_of(tmp_path / "first" / "log_data")}
    assert days == {f"{START}"}


def test_without_defects_everything_is_kept(tmp_path: Path) -> None:
    truth = generate(tmp_path, Arguments(seed=3, start=START, days=1, events=200, defects=Defects.none()))
    assert truth.total.books.kept == truth.total.books.lines
    assert truth.defects == {}


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="more than a sample"):
        generate(tmp_path, Arguments(seed=3, start=START, days=1, events=100))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_demo_is_five_small_days_that_end_yesterday(tmp_path: Path) -> None:
    now = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    truth = small_demo(tmp_path, now)
    assert sorted(truth.total.days) == [f"2026-11-{day}" for day in range(15, 20)]
    assert truth.total.books.lines < 15_000
    assert (tmp_path / TRUTH_FILE).is_file()
    assert truth.facts["level_switches"] > 0
    assert truth.facts["logged_out"] > 0
