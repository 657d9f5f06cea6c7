"""The sample through the real rooms: its books, its rules and its rows are what the truth says, whatever the order of its files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from dataset_lakes import DatasetLake, files_of
from listening_lakes import make_listening

from lakehouse.accounts.truth import SampleTruth
from lakehouse.landing.ledger import load_ledger
from lakehouse.operations.status import status
from lakehouse.tables.dimensions import current_dimension


def test_the_books_are_those_of_the_truth(built: DatasetLake, truth: SampleTruth) -> None:
    told = status(built.lake, built.dataset)
    assert told.books == truth.total.books
    assert told.quarantined == truth.total.rules
    assert load_ledger(built.lake, built.dataset.name).books == truth.total.fetch


def test_the_rows_are_those_of_the_truth(built: DatasetLake, truth: SampleTruth) -> None:
    rows = built.rows()
    days = rows.group_by(pl.col("event_time").dt.strftime("%Y-%m-%d").alias("day")).len().sort("day")
    assert dict(days.iter_rows()) == truth.total.days
    assert rows["event_id"].n_unique() == rows.height
    assert rows["user_id"].null_count() == truth.facts["logged_out"]
    assert rows["session_id"].n_unique() == truth.facts["sessions"]
    assert rows["_extra"].drop_nulls().to_list() == ['{"deviceId":7}'] * truth.defects["unknown_fields"]
    assert rows.filter(pl.col("browser").is_null()).height == truth.facts["logged_out"]


def test_the_catalogue_is_that_of_the_truth(built: DatasetLake, truth: SampleTruth) -> None:
    version = current_dimension(built.lake, "listening", "songs")
    assert version is not None
    told = truth.facts["catalogue"]
    books = version.books
    assert (books.read, books.kept, books.duplicate, books.refused) == (told["read"], told["kept"], told["duplicate"], told["refused"])
    assert (version.number, [f.name for f in version.files]) == (2, ["song_data/additions.json", "song_data/songs.json"])


def test_a_second_run_changes_nothing(built: DatasetLake, sample: Path) -> None:
    before, number = built.content(), load_ledger(built.lake, built.dataset.name).last_number
    again = built.ingest(sample / "first", sample / "late")
    assert again.manifests == again.dimensions == ()
    assert load_ledger(built.lake, built.dataset.name).last_number == number
    assert built.build().lines == 0
    assert built.content() == before


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_and_any_groups_of_files_give_the_same_rows(built: DatasetLake, sample: Path, tmp_path: Path, seed: int) -> None:
    made = make_listening(tmp_path / "lake").fill_in_any_order(files_of(sample / "first", sample / "late"), seed)
    assert made.content() == built.content()
    one, other = (current_dimension(x.lake, "listening", "songs") for x in (made, built))
    assert one is not None
    assert other is not None
    kept = [pl.read_parquet(x.lake.store.uri(v.table)).drop("_file", "_line") for x, v in ((made, one), (built, other))]
    assert kept[0].equals(kept[1])
    assert one.books == other.books
