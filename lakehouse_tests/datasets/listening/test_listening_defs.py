"""A dimension in Dagster: an asset that the ingest tells, which marts read; another version of it asks for them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest
from dataset_lakes import DatasetLake
from listening_lakes import make_listening

from lakehouse.datasets.registry import find_dataset
from lakehouse.defs import catalogue
from lakehouse.defs.house import definitions_of
from lakehouse.defs.instance import open_instance
from lakehouse.defs.run import materialize_ingest

SONGS = catalogue.dimension_key("listening", "songs")
CLEAN = catalogue.clean_key("listening")
MATCH, DAILY = catalogue.mart_key("listening_catalogue_match"), catalogue.mart_key("listening_daily")


@pytest.fixture
def made(tmp_path: Path) -> DatasetLake:
    return make_listening(tmp_path / "lake")


def test_the_dimension_is_an_asset_that_the_ingest_makes_and_a_mart_reads(made: DatasetLake) -> None:
    graph = definitions_of(made.lake, datasets=[made.dataset]).resolve_asset_graph()
    node = graph.get(SONGS)
    assert (node.is_executable, set(node.parent_keys)) == (False, {catalogue.ingest_key("listening")})
    assert SONGS in graph.get(MATCH).parent_keys
    assert SONGS not in graph.get(DAILY).parent_keys


def test_an_ingest_tells_the_version_that_it_made(made: DatasetLake, sample: Path) -> None:
    done = materialize_ingest(made.lake, made.dataset, [str(sample / "first" / "song_data" / "songs.json")])
    assert done.failures == {}
    with open_instance(made.lake) as instance:
        found = instance.fetch_materializations(SONGS, limit=5).records
    assert len(found) == 1
    told = found[0].asset_materialization
    assert told is not None
    assert told.metadata["version"].value == 1
    assert told.metadata["refused"].value == 3


def test_another_version_asks_for_the_marts_that_read_it_and_for_no_others(made: DatasetLake) -> None:
    defs, days = definitions_of(made.lake, datasets=[find_dataset("listening")]), ["2026-03-02", "2026-03-03"]
    now, cursor = dt.datetime(2026, 3, 20, 13, tzinfo=dt.UTC), None
    with dg.DagsterInstance.ephemeral() as instance:

        def tick() -> dict[dg.AssetKey, set[str]]:
            nonlocal now, cursor
            now += dt.timedelta(seconds=30)
            marts = dg.AssetSelection.assets(MATCH, DAILY)
            result = dg.evaluate_automation_conditions(defs=defs, instance=instance, asset_selection=marts, cursor=cursor, evaluation_time=now)
            cursor = result.cursor
            return {key: found for key in (MATCH, DAILY) if (found := set(result.get_requested_partitions(key)))}

        tick()
        for key in (CLEAN, MATCH, DAILY):
            for day in days:
                instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=day))
        tick()
        tick()
        assert tick() == {}
        instance.report_runless_asset_event(dg.AssetMaterialization(SONGS))
        assert tick() == {MATCH: set(days)}
        assert tick() == {}
