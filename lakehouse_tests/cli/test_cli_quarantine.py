"""From a refused line to a kept row: list, show, export, mend, redrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_the_list_counts_by_rule_with_an_example(run: Any, small_lake: Any) -> None:
    told = run("quarantine", "list", "--json", "--lake", small_lake.folder).json
    assert {(r["rule"], r["count"]) for r in told} == {
        (rule, 1) for rule in ("missing_required", "changed_type", "out_of_range", "unreadable_json", "before_start")
    }
    assert run("quarantine", "list", "--day", "2026-11-19", "--json", "--lake", small_lake.folder).json[0]["first_day"] == "2026-11-19"


def test_the_text_is_shown_only_when_it_is_asked_for(run: Any, small_lake: Any) -> None:
    ref = small_lake.lines["missing_required"]
    plain = run("quarantine", "show", "--rule", "missing_required", "--lake", small_lake.folder)
    assert ref.part in plain.out
    assert "zed@example.com" not in plain.out
    assert "zed@example.com" in run("quarantine", "show", ref.part, ref.line, "--raw", "--lake", small_lake.folder).out


@pytest.mark.parametrize(("args", "told"), [(["show", "--rule", "nothing"], "Rules that refused something"), (["show", "some/part"], "PART LINE")])
def test_what_is_not_there_is_answered_with_what_is(run: Any, small_lake: Any, args: list[str], told: str) -> None:
    result = run("quarantine", *args, "--lake", small_lake.folder)
    assert result.code == 2
    assert told in result.err


def test_a_line_is_exported_mended_and_becomes_a_row(run: Any, changing_lake: Any, tmp_path: Path) -> None:
    file, lake = tmp_path / "mend.jsonl", changing_lake.folder
    assert run("quarantine", "export", file, "--rule", "missing_required", "--lake", lake).code == 0
    assert file.stat().st_mode & 0o077 == 0
    entry = json.loads(file.read_text())
    record = json.loads(entry["raw"])
    record["id"]["customerId"] = "C0"
    file.write_text(json.dumps({**entry, "raw": json.dumps(record)}) + "\n")
    result = run("quarantine", "redrive", file, "--no-build", "--json", "--lake", lake)
    assert (result.code, result.json["lines"]) == (0, 1)
    built = run("replay", "--stale", "--no-marts", "--json", "--lake", lake).json["days"]
    assert [d["committed"] for d in built] == [True]
    ref = changing_lake.lines["missing_required"]
    fate = run("explain", "line", ref.part, ref.line, "--json", "--lake", lake).json
    assert (fate["fate"], fate["superseded_by"]) == ("superseded", result.json["manifests"])
    rules = {r["rule"] for r in run("quarantine", "list", "--json", "--lake", lake).json}
    assert "missing_required" not in rules
    kept = run("sql", "SELECT count(*) AS n FROM clean.workspace_audit WHERE unique_id = '4'", "--json", "--lake", lake).json
    assert kept == [{"n": 1}]
    assert run("books", "--lake", lake).code == 0


def test_a_redrive_is_told_on_the_page_of_the_raw_asset(run: Any, changing_lake: Any, tmp_path: Path) -> None:
    file, lake = tmp_path / "mend.jsonl", changing_lake.folder
    run("quarantine", "export", file, "--rule", "changed_type", "--lake", lake)
    entry = json.loads(file.read_text())
    file.write_text(json.dumps({**entry, "raw": entry["raw"].replace('"none"', '[{"name":"login_success"}]')}) + "\n")
    assert run("quarantine", "redrive", file, "--no-build", "--lake", lake).code == 0
    import dagster as dg

    from lakehouse.defs.instance import open_instance

    with open_instance(changing_lake.lake) as instance:
        told = instance.fetch_materializations(dg.AssetKey(["raw", "workspace_audit"]), limit=10).records
    assert [t.partition_key for t in told] == ["2026-11-17T09"]


def test_an_export_never_replaces_a_file(run: Any, small_lake: Any, tmp_path: Path) -> None:
    file = tmp_path / "mend.jsonl"
    file.write_text("mended already")
    assert run("quarantine", "export", file, "--lake", small_lake.folder).code == 2
    assert file.read_text() == "mended already"
