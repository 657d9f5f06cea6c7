"""The code location loads fast, alone, and is what the case file says."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from lakehouse.defs.house import definitions_of
from lakehouse.defs.switches import ENV_SENSORS
from lakehouse.settings import project_root

CASE = Path(__file__).parent / "cases" / "definitions.json"
HEAVY = ("pandera", "duckdb", "dbt", "dagster_dbt", "google", "requests", "apache_beam")


def snapshot(found: dg.Definitions) -> dict[str, object]:
    """Assets with group, kinds, owners and deps; checks by asset; sensors."""
    graph = found.resolve_asset_graph()
    assets = {}
    for node in graph.asset_nodes:
        words = [node.group_name, "executable" if node.is_executable else "external", *sorted(node.kinds), *sorted(node.owners)]
        assets[node.key.to_user_string()] = f"{' '.join(words)} <- {' '.join(sorted(k.to_user_string() for k in node.parent_keys))}".strip()
    checks: dict[str, list[str]] = {}
    for key in sorted(graph.asset_check_keys):
        checks.setdefault(key.asset_key.to_user_string(), []).append(key.name)
    told = {asset: " ".join(sorted(names)) for asset, names in sorted(checks.items())}
    return {"assets": dict(sorted(assets.items())), "checks": told, "sensors": sorted(s.name for s in found.sensors or [])}


def test_keys_groups_deps_checks_and_sensors_are_those_of_the_case_file():
    found = snapshot(definitions_of(None))
    if os.environ.get("UPDATE_CASES"):
        CASE.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(CASE.read_text())


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


def test_a_lake_that_is_there_gives_its_start_and_its_clock(make_lake):
    lake = make_lake(clock=dt.datetime(2026, 11, 20, 12, 30, tzinfo=dt.UTC), start=dt.date(2026, 11, 18))
    graph = definitions_of(lake, lake.url).resolve_asset_graph()
    hours = graph.get(dg.AssetKey(["raw", "workspace_audit"])).partitions_def.get_partition_keys()
    days = graph.get(dg.AssetKey(["clean", "workspace_audit"])).partitions_def.get_partition_keys()
    assert (hours[0], hours[-1]) == ("2026-11-18T00", "2026-11-20T12")
    assert days == ["2026-11-18", "2026-11-19", "2026-11-20"]
