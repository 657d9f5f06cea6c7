"""What the published marts of the sample say, against the truth and against what the dimensions and events say by themselves."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from dataset_lakes import assert_explained, files_of
from logistics_lakes import DAYS, START, LogisticsLake
from shown_lakes import assert_assets_have_their_charts, assert_page_has_every_section, assert_row_leads_to_lines_of_files

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.logistics.generator import world
from lakehouse.marts.explain import predicate
from lakehouse.marts.publish import current_version
from lakehouse.marts.specs import MartSpec, mart_specs
from lakehouse.steps.publish import publish_marts

SPECS = mart_specs("logistics")
LAST = START + dt.timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def marts(built: LogisticsLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published marts of the sample."""
    with built.marts() as con:
        yield con


@pytest.fixture(scope="module")
def clean(built: LogisticsLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """Clean and quarantine of the sample."""
    with built.views() as con:
        yield con


def total(marts: duckdb.DuckDBPyConnection, what: str, mart: str) -> Any:
    return marts.execute(f"SELECT {what} FROM {mart}").fetchall()[0]


def test_shipments_are_those_of_the_truth(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    names = ("shipments", "delivered", "late_by_timestamp", "late_by_day")
    wanted = tuple(truth.facts[name] for name in names)
    sums = ", ".join(f"sum({name})" for name in names)
    for mart in ("logistics_shipments_daily", "logistics_on_time"):
        assert total(marts, sums, f"{mart} WHERE feed = 'events'") == wanted
    assert wanted[2] > wanted[3] > 0, "the two rules differ"
    assert total(marts, "sum(shipments), sum(events)", "logistics_shipments_daily WHERE feed = 'olist'") == (
        truth.facts["orders"], truth.facts["order_steps"],
    )  # fmt: skip


def test_both_rules_of_lateness_by_day_facility_and_carrier_are_counted_shipment_by_shipment(marts: duckdb.DuckDBPyConnection) -> None:
    keys = "mart_date, feed, destination_facility_id, carrier_code"
    counts: dict[tuple[Any, ...], list[int]] = {}
    for *key, delivered, promised in marts.execute(f"SELECT {keys}, delivered_at, promised_at FROM logistics_shipments").fetchall():
        count = counts.setdefault(tuple(key), [0, 0, 0, 0])
        count[0] += 1
        if delivered is not None and promised is not None:
            late = (True, delivered > promised, delivered.date() > promised.date())
            count[1:] = [n + is_so for n, is_so in zip(count[1:], late, strict=True)]
    columns = keys.replace("destination_", "")
    told = marts.execute(
        f"SELECT {columns}, sum(shipments), sum(judged), sum(late_by_timestamp), sum(late_by_day) FROM logistics_on_time GROUP BY ALL"
    )
    assert {row[:4]: list(row[4:]) for row in told.fetchall()} == counts
    assert len({key[2] for key in counts}) > 3
    assert len({key[3] for key in counts}) > 3


@pytest.mark.parametrize(
    ("mart", "where"), [("logistics_shipments_daily", (f"feed={feed}",)) for feed in ("events", "olist")] + [("logistics_flights", ())]
)
def test_a_row_leads_to_the_lines_of_the_files(mart: str, where: tuple[str, ...], built: LogisticsLake) -> None:
    assert_row_leads_to_lines_of_files(built, mart, *where)


def test_the_page_and_the_assets_show_every_picture(built: LogisticsLake) -> None:
    assert_page_has_every_section(built)
    assert_assets_have_their_charts(built)


def test_of_two_times_of_a_step_the_later_export_is_believed_and_both_are_kept(built: LogisticsLake, truth: SampleTruth) -> None:
    rows = built.rows().filter(feed="olist", status="picked_up")
    twice = rows.filter(pl.col("shipment_id").is_duplicated())
    assert twice.height == 2 * truth.facts["order_steps_corrected"] > 0
    wanted = {r["shipment_id"]: r["event_time"].replace(tzinfo=None) for r in twice.sort("telling", "event_time").iter_rows(named=True)}
    told = built.mart("SELECT shipment_id, picked_up_at FROM logistics_shipments WHERE feed = 'olist'")
    assert {order: at for order, at in told.iter_rows() if order in wanted} == wanted


def test_what_went_wrong_is_what_the_truth_says(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    found = dict(marts.execute("SELECT code, sum(occurrences) FROM logistics_exceptions WHERE feed = 'events' GROUP BY ALL").fetchall())
    codes = {name.removeprefix("exception_"): count for name, count in truth.facts.items() if name.startswith("exception_")}
    assert {name: found[name] for name in codes} == codes
    for kind in ("created_after_picked_up", "out_for_delivery_after_delivered"):
        assert found[kind] == truth.facts[kind] > 0


def test_steps_that_came_out_of_order_are_told_of(built: LogisticsLake, marts: duckdb.DuckDBPyConnection) -> None:
    rows = built.rows().filter(pl.col("status").is_not_null() & (pl.col("feed") == "events"))
    first = rows.group_by("shipment_id", "status", day=pl.col("event_time").dt.date()).agg(pl.col("event_time").min(), pl.col("ingest_time").min())
    orders = first.group_by("shipment_id").agg(
        happened=pl.col("status").sort_by("event_time", "status"), came=pl.col("status").sort_by("ingest_time", "status")
    )
    wanted = set(orders.filter(pl.col("happened") != pl.col("came"))["shipment_id"])
    assert {row[0] for row in marts.execute("SELECT shipment_id FROM logistics_shipments WHERE came_out_of_order").fetchall()} == wanted
    assert wanted


def test_scans_positions_flights_and_files_are_those_of_the_truth(marts: duckdb.DuckDBPyConnection, truth: SampleTruth) -> None:
    assert total(marts, "sum(scans)", "logistics_facility_minutes") == (truth.facts["scans"],)
    assert total(marts, "sum(events)", "logistics_kpis_daily WHERE event_type = 'driver.position'") == (truth.facts["positions"],)
    assert total(marts, "sum(flights), sum(cancelled)", "logistics_flights") == (truth.facts["flights"], truth.facts["flights_cancelled"])
    assert total(marts, "sum(lines)", "logistics_files WHERE feed = 'olist'") == (truth.facts["order_lines"],)
    books = truth.total.books
    assert total(marts, "sum(lines), sum(duplicates), sum(held), sum(kept)", "logistics_files") == (
        books.lines, books.duplicate, books.held, books.kept,
    )  # fmt: skip


def test_a_shipment_has_its_carrier_lane_and_facilities_as_they_were_then(built: LogisticsLake) -> None:
    """Against a plain look-up: the newest row of the files that is not newer than the instant."""
    half = START + dt.timedelta(days=DAYS // 2)
    told = {name: [line.split(",") for part in make(START, half) for line in part] for name, make in
            {"carriers": world.carriers, "lanes": world.lanes, "facilities": world.facilities}.items()}  # fmt: skip

    def then(dimension: str, key: str | None, at: dt.datetime, column: int) -> str | None:
        known = [(row[1], row[column]) for row in told[dimension] if row[0] == key and dt.datetime.fromisoformat(row[1]).replace(tzinfo=None) <= at]
        return max(known)[1] if known else None

    shipments = built.mart("SELECT * FROM logistics_shipments WHERE feed = 'events'")
    for row in shipments.iter_rows(named=True):
        begun, ended = row["begun_at"], row["delivered_at"] or row["begun_at"]
        assert row["carrier_tier"] == then("carriers", row["carrier_code"], begun, 3)
        promised = then("lanes", row["lane_id"], begun, 5)
        assert row["lane_promised_days"] == (int(promised) if promised else None)
        assert row["origin_name"] == then("facilities", row["origin_facility_id"], begun, 2)
        assert row["destination_name"] == then("facilities", row["destination_facility_id"], ended, 2)
    changed = shipments.group_by("carrier_code").agg(pl.col("carrier_tier").n_unique()).filter(pl.col("carrier_tier") > 1)
    assert changed.height > 0, "some carrier changed within the sample"


def test_a_row_of_a_dimension_has_the_shipments_that_began_while_it_held(built: LogisticsLake) -> None:
    carriers = built.mart("SELECT * FROM logistics_carriers")
    shipments = built.mart(f"SELECT * FROM logistics_shipments WHERE mart_date <= DATE '{current_version(built.lake, built.dataset).as_of}'")  # type: ignore[union-attr]
    assert carriers["shipments"].sum() == shipments["carrier_code"].is_not_null().sum()
    by_tier = {(r[0], r[1]): r[2] for r in shipments.drop_nulls("carrier_code").group_by("carrier_code", "carrier_tier").len().iter_rows()}
    assert {(r["carrier_code"], r["tier"]): r["shipments"] for r in carriers.iter_rows(named=True) if r["shipments"]} == by_tier


def test_features_of_days_are_sums_of_what_was_before(built: LogisticsLake) -> None:
    rows = built.rows().filter(pl.col("event_type") == "driver.position")
    known = rows.filter(pl.col("ingest_time") - pl.col("event_time") <= dt.timedelta(hours=2))
    for row in built.mart("SELECT * FROM logistics_driver_behavior_daily ORDER BY ALL LIMIT 60").iter_rows(named=True):
        of = known.filter(pl.col("driver_id") == row["driver_id"])
        for days in (1, 7, 28):
            window = of.filter(pl.col("event_time").dt.date().is_between(row["mart_date"] - dt.timedelta(days=days - 1), row["mart_date"]))
            assert row[f"positions_{days}d"] == window.height
            assert row[f"harsh_brakes_{days}d"] == window["harsh_brakes"].sum()
            assert row[f"active_days_{days}d"] == window["event_time"].dt.date().n_unique()
            assert row[f"mean_speed_kmh_{days}d"] == pytest.approx(window["speed_kmh"].mean(), rel=1e-6)
            assert row[f"top_speed_kmh_{days}d"] == window["speed_kmh"].max()


@pytest.mark.slow
@pytest.mark.parametrize("cut", [START + dt.timedelta(days=1), START + dt.timedelta(days=3)], ids=str)
def test_what_comes_later_changes_no_feature_of_a_day(cut: dt.date, sample: Path, released: LogisticsLake, tmp_path: Path) -> None:
    """A lake that knows only what had come two hours after the day tells the same features of it as one that knows all, released rows too."""
    known_at = dt.datetime.combine(cut, dt.time(2), tzinfo=dt.UTC) + dt.timedelta(days=1)
    made = LogisticsLake.make(tmp_path / "lake")
    made.ingest(*_as_known(sample, known_at, tmp_path / "known"))
    made.build()
    publish_marts(made.lake, made.dataset)
    sql = f"SELECT * FROM logistics_driver_behavior_daily WHERE mart_date <= DATE '{cut}' ORDER BY mart_date, driver_id"
    then, now = made.mart(sql), released.mart(sql)
    assert then.height > 0
    assert then.equals(now)
    later = "SELECT count(*) FROM logistics_driver_behavior_daily"
    assert made.mart(later).item() < released.mart(later).item()


def _as_known(sample: Path, at: dt.datetime, folder: Path) -> list[Path]:
    """The files of events of the sample with the lines that had come at an instant."""
    folder.mkdir()
    found = []
    for path in files_of(sample):
        if not path.name.startswith("events_"):
            continue
        lines = []
        for line in path.read_text().splitlines():
            try:
                event = json.loads(line)
            except json.JSONDecodeError:  # damaged on purpose: it is in quarantine, and in no mart
                continue
            if dt.datetime.fromisoformat(event["ingest_time"]) < at:
                lines.append(line)
        if lines:
            found.append(folder / path.name)
            found[-1].write_text("\n".join(lines) + "\n")
    return found


def test_a_release_changes_what_is_told_of_days_and_not_what_models_have_learned_from(built: LogisticsLake, released: LogisticsLake) -> None:
    held = "SELECT sum(held) FROM logistics_files"
    assert built.mart(held).item() > 0
    assert released.mart(held).item() == 0
    for mart in ("logistics_driver_days", "logistics_driver_behavior_daily"):
        sql = f"SELECT * FROM {mart} ORDER BY mart_date, driver_id"
        assert built.mart(sql).equals(released.mart(sql))
    late = built.mart("SELECT sum(events) FROM logistics_kpis_daily WHERE event_type = 'driver.position'").item()
    assert released.mart("SELECT sum(events) FROM logistics_kpis_daily WHERE event_type = 'driver.position'").item() > late


@pytest.mark.parametrize("spec", [s for s in SPECS if s.explain_counts], ids=lambda s: s.name)
def test_every_row_is_explained_by_as_many_clean_rows_as_it_counts(spec: MartSpec, built, marts, clean) -> None:
    assert spec.explain is not None
    assert_explained(spec, built, marts, clean, "USING SAMPLE 40 ROWS (reservoir, 1)")


@pytest.mark.parametrize("spec", [s for s in SPECS if not s.explain_counts], ids=lambda s: s.name)
def test_rows_that_count_no_events_lead_to_some(spec: MartSpec, built, marts, clean) -> None:
    record = current_version(built.lake, built.dataset)
    assert record is not None
    assert spec.explain is not None
    found = marts.execute(f"SELECT * FROM {spec.name} WHERE shipments > 0 USING SAMPLE 10 ROWS (reservoir, 1)")
    names = [column[0] for column in found.description]
    for values in found.fetchall():
        where = predicate(spec, spec.explain, dict(zip(names, values, strict=True)), record)
        rows, shipments = clean.execute(f"SELECT count(*), count(DISTINCT shipment_id) FROM lake.clean WHERE {where}").fetchall()[0]
        assert rows > 0, where
        if spec.derives_from == "logistics_shipments":
            assert shipments == values[names.index("shipments")], where


@pytest.mark.parametrize("question", [q for s in SPECS for q in s.questions], ids=lambda q: q.ask)
def test_every_question_is_answered(question: Any, marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(question.sql).fetchall()


@pytest.mark.slow
def test_days_that_are_built_one_after_the_other_are_those_that_are_built_at_once(built: LogisticsLake, released: LogisticsLake) -> None:
    """The released lake was published twice: only what its days reach was built anew. From an empty file it comes to the same."""
    before = {spec.name: released.mart(f"SELECT * FROM {spec.name}") for spec in SPECS}
    report = publish_marts(released.lake, released.dataset, force=True)
    assert report.reason == "every date was asked for"
    for name, rows in before.items():
        again = released.mart(f"SELECT * FROM {name}")
        assert again.sort(again.columns).equals(rows.sort(rows.columns)), name
