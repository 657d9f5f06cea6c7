"""Samples of the generator against their truth, through the real rooms: files, raw, clean, books."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import msgspec
import pytest
from clickstream_lakes import CLOCK, ClickLake
from dataset_lakes import files_of

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.clickstream.generator import DEMO_DAYS, Arguments, generate, small_demo
from lakehouse.landing.ledger import load_ledger

ARGUMENTS = Arguments(seed=3, start=dt.date(2026, 11, 10), days=3, events=6_000, clicks=0.3, requests=0.3, agents=60, malformed=0.002, late=0.01)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, ARGUMENTS)
    return folder


@pytest.fixture(scope="module")
def truth(sample: Path) -> SampleTruth:
    return SampleTruth.load(sample)


@pytest.fixture(scope="module")
def built(sample: Path, truth: SampleTruth, tmp_path_factory: pytest.TempPathFactory) -> ClickLake:
    """The lake of the sample, first and late files read one after the other."""
    made = ClickLake.make(tmp_path_factory.mktemp("built") / "lake", ARGUMENTS.start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", "a key for tests that is long enough")
        made.fill(sample)
    return made


@pytest.fixture(autouse=True)
def key(token_key: str) -> None:
    """The token key."""


def test_the_books_of_the_lake_are_those_of_the_truth(built: ClickLake, truth: SampleTruth) -> None:
    assert load_ledger(built.lake, "clickstream").books == truth.total.fetch
    assert built.books() == truth.total.books
    assert built.books().balanced()
    assert (built.rules(), built.filtered()) == (truth.total.rules, truth.facts["filtered"])


def test_the_rows_of_the_lake_are_those_of_the_truth(built: ClickLake, truth: SampleTruth) -> None:
    rows = built.rows()
    days = rows.group_by(rows["event_time"].dt.date().cast(str).alias("day")).len().sort("day")
    assert dict(days.iter_rows()) == truth.total.days
    assert dict(rows["feed"].value_counts().iter_rows()) == truth.facts["kept"]
    assert rows["bytes"].sum() == truth.facts["log_bytes"]
    assert rows["event_id"].n_unique() == rows.height


def test_every_defect_was_put_in(truth: SampleTruth) -> None:
    kept = {"identical", "late", "out_of_order", "unknown_fields"}
    refused = {"malformed", "missing_keys", "unreadable_times", "wrong_types"}
    assert {name for name, count in truth.defects.items() if count > 0} == kept | refused | {"duplicates", "files_again"}
    assert truth.facts["sessions_over_midnight"] > 0
    assert truth.facts["late_clicks"] > 0


def test_files_in_any_order_and_any_groups_are_the_same_table(built: ClickLake, sample: Path, tmp_path: Path) -> None:
    other = ClickLake.make(tmp_path / "lake", ARGUMENTS.start).fill_in_any_order(files_of(sample / "first", sample / "late"), 5)
    assert other.content() == built.content()


def test_the_same_files_once_more_under_other_names_change_nothing(built: ClickLake, sample: Path, tmp_path: Path) -> None:
    shutil.copytree(built.folder, tmp_path / "lake")
    again = ClickLake.make(tmp_path / "lake", ARGUMENTS.start)
    for path in files_of(sample / "first"):
        copy = tmp_path / "again" / path.relative_to(sample).with_name(f"{path.stem}_copy{path.suffix}")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes() + b"\n")  # other bytes, the same lines
    again.ingest(tmp_path / "again")
    books = again.build()
    assert books.balanced()
    assert again.content() == built.content()


def test_the_same_arguments_make_the_same_files_and_another_seed_makes_others(sample: Path, tmp_path: Path) -> None:
    generate(tmp_path / "same", ARGUMENTS)
    assert [p.read_bytes() for p in files_of(tmp_path / "same")] == [p.read_bytes() for p in files_of(sample)]
    generate(tmp_path / "other", msgspec.structs.replace(ARGUMENTS, seed=4))
    assert files_of(tmp_path / "other")[0].read_bytes() != files_of(sample)[0].read_bytes()


def test_a_spotless_sample_has_no_defect(tmp_path: Path) -> None:
    truth = generate(tmp_path, ARGUMENTS.spotless())
    assert (truth.total.books.duplicate, truth.total.books.quarantined, truth.total.books.unreadable, truth.total.fetch.unplaced) == (0, 0, 0, 0)
    assert not (tmp_path / "late").exists()
    assert truth.total.books.filtered > 0


def test_the_small_demo_ends_the_day_before_and_tells_of_every_feed(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    truth = small_demo(tmp_path, CLOCK, lambda done, of: told.append((done, of)))
    assert list(truth.total.days) == [str(CLOCK.date() - dt.timedelta(days=n)) for n in range(DEMO_DAYS, 0, -1)]
    assert truth.total.books.lines <= 15_000
    assert min(truth.facts["kept"].values()) > 0
    assert told == [(n, DEMO_DAYS) for n in range(1, DEMO_DAYS + 1)]
    assert json.loads((tmp_path / "truth.json").read_bytes())["total"]["books"]["kept"] == truth.total.books.kept
