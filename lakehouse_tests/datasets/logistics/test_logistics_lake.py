"""The sample through the real rooms: its books, its rules and its rows are what the truth says, whatever the order of its files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from dataset_lakes import files_of
from logistics_lakes import LogisticsLake

from lakehouse.accounts.truth import SampleTruth
from lakehouse.landing.ledger import load_ledger
from lakehouse.operations.reconciliation import reconcile
from lakehouse.operations.status import status
from lakehouse.operations.truth import compare
from lakehouse.tables.dimensions import current_dimensions


def test_the_books_are_those_of_the_truth(built: LogisticsLake, truth: SampleTruth, sample: Path) -> None:
    assert [term for term in compare(built.lake, built.dataset, sample / "truth.json") if not term.agrees] == []
    assert status(built.lake, built.dataset).books == truth.total.books
    assert truth.total.books.held > 0
    assert set(truth.total.rules) == {
        "unreadable_json", "changed_type", "missing_required", "unknown_version", "time_unreadable", "not_allowed", "unsplittable",
    }  # fmt: skip
    assert reconcile(built.lake, built.dataset).closes


def test_no_person_is_in_the_clean_table(built: LogisticsLake) -> None:
    rows = built.rows()
    told = rows.filter(pl.col("driver_id").is_not_null())
    for name in ("driver_phone", "driver_email"):
        assert told[name].str.contains(r"^tok_[a-z2-7]{26}$").all()
        assert told.select("driver_id", name).unique().height == told["driver_id"].n_unique()
    texts = rows.select(pl.concat_str(pl.selectors.string(), ignore_nulls=True).alias("all"))["all"]
    assert not texts.str.contains("@|%40|55-0").any()


def test_an_id_with_two_times_is_counted_and_both_rows_are_kept(built: LogisticsLake, truth: SampleTruth) -> None:
    rows = built.rows().filter(feed="events")
    twice = rows.group_by("event_id").agg(pl.col("event_time").n_unique()).filter(pl.col("event_time") > 1)
    assert twice.height == truth.defects["same_id"] > 0


def test_the_dimensions_know_what_changed(built: LogisticsLake) -> None:
    versions = current_dimensions(built.lake, built.dataset)
    assert set(versions) == {"carriers", "lanes", "facilities"}
    for version in versions.values():
        assert version.books.read == version.books.kept
        assert [f.name.rsplit("_", 1)[1] for f in version.files] == ["first.csv", "late.csv"]
    carriers = pl.read_parquet(built.lake.store.uri(versions["carriers"].table)).filter(carrier_code="ALPN").sort("valid_from")
    assert carriers["tier"].to_list() == ["gold", "platinum"]
    assert carriers["valid_to"].to_list() == [carriers["valid_from"][1], None]


def test_a_second_run_changes_nothing(built: LogisticsLake, sample: Path) -> None:
    before, number = built.content(), load_ledger(built.lake, built.dataset.name).last_number
    assert built.ingest(sample / "first", sample / "late").manifests == ()
    assert load_ledger(built.lake, built.dataset.name).last_number == number
    assert built.build().lines == 0
    assert built.content() == before


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_and_any_groups_of_files_give_the_same_rows(built: LogisticsLake, sample: Path, tmp_path: Path, seed: int) -> None:
    made = LogisticsLake.make(tmp_path / "lake").fill_in_any_order(files_of(sample / "first", sample / "late"), seed)
    assert made.content() == built.content()
    for name, version in current_dimensions(made.lake, made.dataset).items():
        other = current_dimensions(built.lake, built.dataset)[name]
        one, two = (pl.read_parquet(built.lake.store.uri(v.table) if v is other else made.lake.store.uri(v.table)) for v in (version, other))
        assert one.drop("_file", "_line").equals(two.drop("_file", "_line"))
