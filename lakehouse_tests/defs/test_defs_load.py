"""The code location loads fast, alone, and is what the case file says."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from lakehouse.datasets.registry import all_datasets
from lakehouse.defs.house import definitions_of, existing_lake
from lakehouse.defs.switches import ENV_SENSORS
from lakehouse.errors import ConfigurationError
from lakehouse.settings import ENV_URL, project_root

CASE = Path(__file__).parent / "cases" / "definitions.json"
HEAVY = ("pandera", "duckdb", "dbt", "dagster_dbt", "google", "requests", "apache_beam")


def snapshot(found: dg.Definitions) -> dict[str, object]:
    """Assets with group, kinds, owners and deps; their columns, freshness and pools; checks by asset, the blocking ones; sensors."""
    graph = found.resolve_asset_graph()
    nodes = {node.key.to_user_string(): node for node in sorted(graph.asset_nodes, key=lambda n: n.key.to_user_string())}
    assets = {}
    for name, node in nodes.items():
        words = [node.group_name, "executable" if node.is_executable else "external", *sorted(node.kinds), *sorted(node.owners)]
        assets[name] = f"{' '.join(words)} <- {' '.join(sorted(k.to_user_string() for k in node.parent_keys))}".strip()
    checks: dict[str, list[str]] = {}
    for key in sorted(graph.asset_check_keys):
        checks.setdefault(key.asset_key.to_user_string(), []).append(f"{key.name}{' (blocking)' if graph.get(key).blocking else ''}")
    schemas = {name: node.metadata.get("dagster/column_schema") for name, node in nodes.items()}
    return {
        "assets": assets,
        "columns": {name: " ".join(c.name for c in schema.columns) for name, schema in schemas.items() if schema is not None},
        "freshness": {name: str(node.freshness_policy.fail_window.to_timedelta()) for name, node in nodes.items() if node.freshness_policy},
        "pools": {name: " ".join(sorted(node.pools)) for name, node in nodes.items() if node.pools},
        "checks": {asset: " ".join(names) for asset, names in sorted(checks.items())},
        "sensors": sorted(s.name for s in found.sensors or []),
    }


def test_keys_groups_deps_columns_freshness_pools_checks_and_sensors_are_those_of_the_case_file():
    found = snapshot(definitions_of(None))
    if os.environ.get("UPDATE_CASES"):
        CASE.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(CASE.read_text())


def test_every_clean_table_has_the_columns_of_its_contract_its_freshness_and_the_one_blocking_check():
    found: dict[str, dict[str, str]] = json.loads(CASE.read_text())
    for dataset in all_datasets():
        clean = f"clean/{dataset.name}"
        assert found["columns"][clean].split() == [c.name for c in dataset.contract.table_columns]
        assert found["freshness"][clean] == str(dataset.contract.freshness)
        assert [check for check in re.findall(r"(\w+) \(blocking\)", found["checks"][clean])] == ["books_balance"]


def test_every_partitioned_asset_that_can_be_executed_says_how_it_is_backfilled_and_every_asset_describes_itself():
    graph = definitions_of(None).resolve_asset_graph()
    for node in graph.asset_nodes:
        assert (node.partitions_def is None) == (node.key.path[0] in ("ingest", "dimensions")), node.key
        assert node.description, node.key
        assert node.code_version, node.key
        assert node.owners, node.key
        assert "dagster/table_name" in node.metadata, node.key
        if node.is_executable and node.partitions_def is not None:
            assert node.backfill_policy is not None, node.key
    assert all(graph.get(k).partitions_def is not None for k in graph.asset_check_keys if k.asset_key.path[0] == "clean")


def test_sensors_are_stopped_unless_the_environment_says_otherwise(monkeypatch):
    assert {s.default_status for s in definitions_of(None).sensors or []} == {dg.DefaultSensorStatus.STOPPED}
    monkeypatch.setenv(ENV_SENSORS, "on")
    assert {s.default_status for s in definitions_of(None).sensors or []} == {dg.DefaultSensorStatus.RUNNING}


def test_the_code_location_imports_nothing_heavy_and_makes_no_lake(tmp_path):
    script = (
        "import sys, json\n"
        "from lakehouse.definitions import defs\n"
        "found = defs()\n"
        "print(json.dumps({'heavy': [m for m in sys.argv[1:] if m in sys.modules], 'assets': len(list(found.resolve_asset_graph().asset_nodes))}))\n"
    )
    env = {**os.environ, "LAKEHOUSE_URL": str(tmp_path / "nowhere")}
    done = subprocess.run([sys.executable, "-c", script, *HEAVY], env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["heavy"] == []
    assert found["assets"] > 3
    assert not (tmp_path / "nowhere").exists()
    assert "Warning" not in done.stderr


@pytest.mark.slow
def test_dagster_validates_the_workspace(tmp_path):
    env = {**os.environ, "LAKEHOUSE_URL": str(tmp_path / "nowhere"), "DAGSTER_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    done = subprocess.run(command, env=env, cwd=project_root(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_name_where_no_lake_can_be_is_told_when_the_location_loads(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(ENV_URL, str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"must be a folder, but .*file is a file"):
        existing_lake()
    monkeypatch.setenv(ENV_URL, str(tmp_path / "nowhere"))
    assert existing_lake() is None


def test_a_lake_that_is_there_gives_its_start_and_its_clock(make_lake):
    lake = make_lake(clock=dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC), start=dt.date(2026, 11, 18))
    graph = definitions_of(lake, lake.url).resolve_asset_graph()
    hours = graph.get(dg.AssetKey(["raw", "workspace_audit"])).partitions_def.get_partition_keys()
    days = graph.get(dg.AssetKey(["clean", "workspace_audit"])).partitions_def.get_partition_keys()
    assert (hours[0], hours[-1]) == ("2026-11-18T00", "2026-11-20T12")
    assert days == ["2026-11-18", "2026-11-19", "2026-11-20"]
