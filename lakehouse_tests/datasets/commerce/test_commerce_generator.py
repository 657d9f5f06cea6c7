"""A sample through the real rooms: what its truth says is what the lake says, to the record."""

from __future__ import annotations

import datetime as dt
import filecmp
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from commerce_lakes import CLOCK, CommerceLake
from dataset_lakes import files_of

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.commerce.generator import DEMO_DAYS, Arguments, generate, small_demo
from lakehouse.datasets.commerce.generator.options import Defects
from lakehouse.landing.ledger import load_ledger

DAYS = 3
MANY = Defects(**dict.fromkeys(Defects.__struct_fields__, 0.03))
ARGUMENTS = Arguments(seed=5, start=CLOCK.date() - dt.timedelta(days=DAYS), days=DAYS, events=2_000, invoice_lines=900, merchants=5, defects=MANY)
pytestmark = pytest.mark.usefixtures("token_key")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "commerce"
    generate(folder, ARGUMENTS)
    return folder


@pytest.fixture(scope="module")
def truth(sample: Path) -> SampleTruth:
    return SampleTruth.load(sample)


@pytest.fixture(scope="module")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> CommerceLake:
    """A lake of the whole sample, in the order in which it comes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", "a key for tests that is long enough")
        return CommerceLake.make(tmp_path_factory.mktemp("lake")).fill(sample)


def test_the_truth_is_what_the_lake_says_to_the_record(built: CommerceLake, truth: SampleTruth) -> None:
    assert load_ledger(built.lake, "commerce").books == truth.total.fetch
    assert built.books() == truth.total.books
    assert built.books().balanced()
    assert built.rules() == truth.total.rules
    rows = built.rows()
    assert {str(day): count for day, count in rows["event_time"].dt.date().value_counts().iter_rows()} == truth.total.days


def test_every_kind_of_defect_was_put_in(truth: SampleTruth) -> None:
    beside = {"out_of_order"}  # which changes no record
    assert set(truth.defects) == (set(Defects.__struct_fields__) - beside) | {"lines_of_a_file_published_again"}


def test_unknown_and_moved_fields_are_in_the_extras(built: CommerceLake, truth: SampleTruth) -> None:
    events = built.rows().filter(feed="events").unique("event_id")
    found = {name: events["_extra"].str.contains(f'"{name}"').sum() for name in ("campaign", "gdpr")}
    assert found == {"campaign": truth.defects["unknown_field"], "gdpr": truth.defects["moved_type"]}


def test_no_address_is_in_the_table(built: CommerceLake) -> None:
    rows = built.rows()
    assert rows["customer_email"].drop_nulls().str.contains(r"^tok_[a-z2-7]{26}$").all()
    assert not any(rows[c].str.contains("@").any() for c, kind in rows.schema.items() if kind == "String")


def test_identical_lines_of_a_file_are_rows_and_those_of_its_copy_are_not(built: CommerceLake, truth: SampleTruth) -> None:
    rows = built.rows().filter(feed="retail")
    assert rows.filter(rows["repeat"] > 1).height == truth.defects["repeated"]
    assert rows.select(built.dataset.contract.key).n_unique() == rows.height


def test_a_second_run_changes_nothing(built: CommerceLake, sample: Path) -> None:
    before = built.content()
    report = built.ingest(sample / "first", sample / "late")
    assert len(report.skipped) == len(report.outcomes) == len(files_of(sample / "first", sample / "late"))
    assert built.build().lines == 0
    assert built.content() == before


@pytest.mark.parametrize("seed", range(3))
def test_files_in_any_order_and_in_any_groups_make_the_same_table(seed: int, built: CommerceLake, sample: Path, tmp_path: Path) -> None:
    made = CommerceLake.make(tmp_path / "lake").fill_in_any_order(files_of(sample / "first", sample / "late"), seed)
    assert made.content() == built.content()
    assert made.books() == built.books()


def test_the_same_arguments_write_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", ARGUMENTS)
    generate(tmp_path / "other", msgspec.structs.replace(ARGUMENTS, seed=6))
    for file in files_of(sample):
        place = file.relative_to(sample)
        assert filecmp.cmp(file, tmp_path / "again" / place, shallow=False)
        assert not filecmp.cmp(file, tmp_path / "other" / place, shallow=False)


def test_without_defects_every_line_is_kept(tmp_path: Path) -> None:
    none = Defects(**dict.fromkeys(Defects.__struct_fields__, 0.0))
    truth = generate(tmp_path / "sample", msgspec.structs.replace(ARGUMENTS, defects=none, invoice_lines=0, events=500))
    assert truth.defects == truth.total.rules == {}
    assert truth.total.books.kept == truth.total.books.rows
    assert truth.total.fetch.unplaced == 0
    made = CommerceLake.make(tmp_path / "lake")
    made.ingest(tmp_path / "sample")
    made.build()
    assert made.books() == truth.total.books


def test_the_events_of_a_file_are_in_order_but_for_those_that_shall_not_be(tmp_path: Path) -> None:
    none = Defects(**dict.fromkeys(Defects.__struct_fields__, 0.0))
    for share, expected in ((0.0, 0), (0.5, 1)):
        defects = msgspec.structs.replace(none, out_of_order=share)
        generate(tmp_path / str(share), msgspec.structs.replace(ARGUMENTS, defects=defects, invoice_lines=0, days=1, events=500))
        (file,) = (tmp_path / str(share) / "first").iterdir()
        records = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
        times = [r.get("timestamp") or r["event_time"] for r in records]
        assert min(1, sum(a > b for a, b in pairwise(times))) == expected


def test_the_demo_is_small_and_ends_yesterday(tmp_path: Path) -> None:
    now = dt.datetime(2026, 11, 21, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))  # the 20th, in UTC
    truth = small_demo(tmp_path / "demo", now)
    assert sorted(truth.total.days) == [f"2026-11-{15 + n}" for n in range(DEMO_DAYS)]
    assert 5_000 < truth.total.fetch.read <= 15_000
    assert SampleTruth.load(tmp_path / "demo") == truth
