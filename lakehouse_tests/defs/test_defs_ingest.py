"""A dataset of files in Dagster: its assets, what a run tells of each partition, bad files beside good ones, the sensor."""

from __future__ import annotations

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from defs_helpers import definitions, execute, materialized, newest, tick

from lakehouse.datasets.model import Dataset
from lakehouse.defs import catalogue
from lakehouse.defs.house import definitions_of
from lakehouse.defs.instance import open_instance
from lakehouse.defs.lost import process_tags
from lakehouse.defs.metadata import ingest_metadata
from lakehouse.defs.run import materialize_clean, materialize_ingest
from lakehouse.errors import ConfigurationError
from lakehouse.landing.ledger import load_ledger
from lakehouse.settings import Lake, LakeSettings, open_lake
from lakehouse.steps.build import stale_days

CLOCK = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 17)
SENSOR = "plays_new_files_sensor"
INGEST, RAW, CLEAN = catalogue.ingest_key("plays"), catalogue.raw_key("plays"), catalogue.clean_key("plays")


@pytest.fixture
def lake(tmp_path: Path, plays: Dataset) -> Lake:
    return open_lake(tmp_path / "lake").with_settings(LakeSettings(clock=CLOCK, made=CLOCK))


def put(lake: Lake, name: str, *times: str, text: bytes | None = None) -> Path:
    """A file in the inbox that has settled, with a play at each of these times."""
    from lakehouse.datasets.plays.generator import play

    file = Path(lake.url) / "inbox" / "plays" / name if lake.store.root is None else lake.store.root / "inbox" / "plays" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [play(dt.datetime.fromisoformat(time), number) + b"\n" for number, time in enumerate(times)]
    file.write_bytes(b"".join(lines) if text is None else text)
    old = dt.datetime.now(dt.UTC).timestamp() - 3600
    os.utime(file, (old, old))
    return file


def test_its_assets_are_one_that_ingests_and_an_external_raw_by_day(lake: Lake) -> None:
    graph = definitions(lake).resolve_asset_graph()
    ingest, raw, clean = graph.get(INGEST), graph.get(RAW), graph.get(CLEAN)
    assert (ingest.is_executable, ingest.partitions_def, set(raw.parent_keys)) == (True, None, {INGEST})
    assert (raw.is_executable, set(clean.parent_keys)) == (False, {RAW})
    assert raw.partitions_def.get_partition_keys()[0] == "2026-10-21"  # the history of the contract before the lake was made
    assert ingest.pools == {"ingest_plays"}
    assert "*.jsonl" in (ingest.description or "")
    assert all(node.description and node.owners and node.code_version for node in graph.asset_nodes)


def test_both_kinds_of_source_stand_in_one_graph() -> None:
    names = {sensor.name for sensor in definitions_of(None).sensors or []}
    assert {"workspace_audit_new_data_sensor", "workspace_audit_reconcile_sensor"} <= names


def test_a_run_tells_each_partition_what_landed_in_it_and_observes_those_without_a_line(lake: Lake, plays: Dataset) -> None:
    put(lake, "a.jsonl", "2026-11-15T10:00:00", "2026-11-15T11:00:00", "2026-11-17T10:00:00")
    put(lake, "b.jsonl", "2026-11-17T12:00:00", "2026-11-19T23:00:00", "1999-01-01T00:00:00")
    done = materialize_ingest(lake, plays)
    assert done.success
    assert [o.name for o in done.reports[0].outcomes] == ["a.jsonl", "b.jsonl"]
    with open_instance(lake) as instance:
        assert materialized(instance, RAW) == {"2026-11-15": 1, "2026-11-17": 1, "2026-11-19": 1}
        told = newest(instance, RAW, "2026-11-17").metadata
        assert (told["lines"].value, told["this_run_landed"].value, told["this_run_manifests"].value) == (2, 2, "1, 2")
        observed = instance.fetch_observations(RAW, limit=100).records
        assert {r.partition_key for r in observed} == {"2026-11-16", "2026-11-18"}
        ingested = instance.fetch_materializations(INGEST, limit=1).records[0].asset_materialization
        assert ingested is not None
        assert (ingested.metadata["files_landed"].value, ingested.metadata["lines_unplaced"].value) == (2, 1)


def test_a_run_that_has_to_wait_for_another_names_it_and_begins_when_that_has_ended(lake: Lake, plays: Dataset, caplog) -> None:
    put(lake, "a.jsonl", "2026-11-17T10:00:00")
    with open_instance(lake) as instance, ThreadPoolExecutor(1) as pool:
        other = instance.add_run(dg.DagsterRun(job_name="other", status=dg.DagsterRunStatus.STARTED, tags=process_tags())).run_id
        instance.event_log_storage.initialize_concurrency_limit_to_default("ingest_plays")
        assert instance.event_log_storage.claim_concurrency_slot("ingest_plays", other, "step").is_claimed
        waits = pool.submit(materialize_ingest, lake, plays)
        try:
            with pytest.raises(TimeoutError):
                waits.result(5)
            assert f"Waiting for run {other[:8]}, which has the turn in pool ingest_plays" in caplog.text
            assert load_ledger(lake, "plays").last_number == 0
        finally:
            instance.event_log_storage.free_concurrency_slots_for_run(other)
        assert waits.result(60).success
        assert load_ledger(lake, "plays").last_number == 1
    caplog.clear()
    assert materialize_ingest(lake, plays).success
    assert "Waiting" not in caplog.text


def test_a_second_run_lands_nothing_and_tells_no_partition(lake: Lake, plays: Dataset) -> None:
    put(lake, "a.jsonl", "2026-11-15T10:00:00")
    first, second = materialize_ingest(lake, plays), materialize_ingest(lake, plays)
    assert (len(first.reports[0].manifests), second.reports[0].manifests) == (1, ())
    with open_instance(lake) as instance:
        assert materialized(instance, RAW) == {"2026-11-15": 1}


def test_a_bad_file_is_named_and_hides_no_other(lake: Lake, plays: Dataset) -> None:
    put(lake, "a.jsonl.gz", text=b"this is no gzip")
    put(lake, "b.jsonl", "2026-11-15T10:00:00")
    done = materialize_ingest(lake, plays)
    assert [Path(path).name for path in done.failures] == ["a.jsonl.gz"]
    assert load_ledger(lake, "plays").last_number == 1
    with open_instance(lake) as instance:
        assert materialized(instance, RAW) == {"2026-11-15": 1}
        run = instance.get_run_by_id(done.run_ids[0])
        assert run is not None
        assert run.status == dg.DagsterRunStatus.FAILURE


def test_paths_are_taken_instead_of_the_inbox_and_a_wrong_one_fails_the_run(lake: Lake, plays: Dataset, tmp_path: Path) -> None:
    put(lake, "a.jsonl", "2026-11-15T10:00:00")
    elsewhere = put(lake, "c.jsonl", "2026-11-16T10:00:00").rename(tmp_path / "c.jsonl")
    assert [o.name for o in materialize_ingest(lake, plays, [str(elsewhere)]).reports[0].outcomes] == ["c.jsonl"]
    wrong = materialize_ingest(lake, plays, [str(tmp_path / "nothing")])
    with pytest.raises(ConfigurationError, match="no file or folder"):
        wrong.raise_for_failures()


def test_what_was_ingested_is_built_and_a_late_file_makes_its_day_stale(lake: Lake, plays: Dataset, token_key: str) -> None:
    put(lake, "a.jsonl", "2026-11-15T10:00:00", "2026-11-16T10:00:00")
    materialize_ingest(lake, plays)
    assert materialize_clean(lake, plays, [s.day for s in stale_days(lake, plays)]).success
    assert stale_days(lake, plays) == []
    put(lake, "late.jsonl", "2026-11-15T20:00:00")
    materialize_ingest(lake, plays)
    assert [s.day for s in stale_days(lake, plays)] == [dt.date(2026, 11, 15)]


def test_the_sensor_asks_for_what_waits_and_then_for_nothing(lake: Lake, instance: dg.DagsterInstance) -> None:
    assert "No file waits" in tick(lake, instance, SENSOR).skip_message
    put(lake, "a.jsonl", "2026-11-15T10:00:00")
    (request,) = tick(lake, instance, SENSOR).run_requests
    assert list(request.asset_selection or ()) == [INGEST]
    assert execute(lake, instance, request).success
    assert "No file waits" in tick(lake, instance, SENSOR).skip_message


def test_files_that_no_feed_takes_are_told_of_by_the_sensor_and_on_the_page(lake: Lake, plays: Dataset, instance: dg.DagsterInstance) -> None:
    for name in ("a.zip", "PLAYS.JSONL"):
        put(lake, name, "2026-11-15T10:00:00")
    skipped = str(tick(lake, instance, SENSOR).skip_message)
    assert skipped.startswith("No file waits in the inbox; 2 lie there that no feed takes by their names, such as ")
    assert skipped.endswith("/PLAYS.JSONL.")
    (report,) = materialize_ingest(lake, plays).reports
    assert [path.rpartition("/")[2] for path in report.aside] == ["PLAYS.JSONL", "a.zip"]
    told = ingest_metadata(report, load_ledger(lake, plays.name))["files_that_no_feed_takes"]
    assert told == ", ".join(report.aside)


def test_a_file_that_stays_bad_is_tried_three_times_and_again_when_another_comes(lake: Lake, instance: dg.DagsterInstance) -> None:
    put(lake, "a.jsonl.gz", text=b"this is no gzip")
    asked = []
    for _ in range(5):
        result = tick(lake, instance, SENSOR)
        asked.append(len(result.run_requests))
        for request in result.run_requests:
            quick = request.with_replaced_attrs(tags={**request.tags, "lakehouse/retries": "0"})
            assert not execute(lake, instance, quick).success
    assert asked == [1, 1, 1, 0, 0]
    assert "a.jsonl.gz failed 3 times" in result.skip_message
    put(lake, "b.jsonl", "2026-11-15T10:00:00")
    assert tick(lake, instance, SENSOR).run_requests


def test_nothing_is_asked_for_while_a_run_ingests(lake: Lake, instance: dg.DagsterInstance) -> None:
    put(lake, "a.jsonl", "2026-11-15T10:00:00")
    instance.add_run(
        dg.DagsterRun(
            job_name="x", run_id=dg.DagsterRun(job_name="x").run_id, status=dg.DagsterRunStatus.STARTED, asset_selection=frozenset([INGEST])
        )
    )
    assert "ingests plays" in tick(lake, instance, SENSOR).skip_message


def test_what_lies_after_the_watermark_is_no_hole_and_lines_without_a_place_do_not_condemn_the_day_they_land_on(
    lake: Lake, plays: Dataset, token_key: str
) -> None:
    put(lake, "a.jsonl", *(f"2026-11-15T10:{minute:02d}:00" for minute in range(40)), "1999-01-01T00:00:00")
    materialize_ingest(lake, plays)
    reports = materialize_clean(lake, plays, [s.day for s in stale_days(lake, plays)]).reports
    assert [r.day for r in reports] == [dt.date(2026, 11, 15), CLOCK.date()]
    assert not any(r.build.complete for r in reports)
    assert [c.name for r in reports for c in r.checks if not c.passed] == []
    (contract,) = (c for c in reports[1].checks if c.name == "contract")
    assert "1 of the 41 lines that landed on this day have no place" in contract.description
