"""From a refused line to a kept row: list, show, export, mend, redrive; from a held row to a kept one: release."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from build_lakes import DAY, BuildLake, event, whole

from lakehouse.datasets.registry import find_dataset
from lakehouse.landing.retention import land_retention


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


def test_an_export_that_is_broken_off_leaves_nothing(run: Any, small_lake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse.steps import redrive

    whole = redrive.quarantine_export

    def broken(*args: Any) -> Iterator[bytes]:
        yield next(iter(whole(*args)))
        raise KeyboardInterrupt

    monkeypatch.setattr(redrive, "quarantine_export", broken)
    assert run("quarantine", "export", tmp_path / "mend.jsonl", "--lake", small_lake.folder).code == 130
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert run("quarantine", "export", tmp_path / "mend.jsonl", "--lake", small_lake.folder).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mend.jsonl"]


def test_what_landed_is_said_though_the_history_cannot_be_told(run: Any, changing_lake: Any, tmp_path: Path) -> None:
    file, lake = tmp_path / "mend.jsonl", changing_lake.folder
    run("quarantine", "export", file, "--rule", "changed_type", "--lake", lake)
    entry = json.loads(file.read_text())
    file.write_text(json.dumps({**entry, "raw": entry["raw"].replace('"none"', '[{"name":"login_success"}]')}) + "\n")
    settings = lake / ".dagster" / "dagster.yaml"
    settings.parent.mkdir()
    settings.write_text("run_monitoring:\n  enabled: [tr")
    result = run("quarantine", "redrive", file, "--lake", lake)
    assert (result.code, result.out) == (4, "1 lines superseded by manifest 5\n")
    assert "landed as manifest 5: do not redrive them again" in result.err
    assert "lakehouse replay --stale --dataset workspace_audit" in result.err
    settings.unlink()
    built = run("replay", "--stale", "--no-marts", "--json", "--lake", lake).json["days"]
    assert [d["committed"] for d in built] == [True]


def test_the_command_to_copy_names_the_file_as_it_is(run: Any, small_lake: Any, tmp_path: Path) -> None:
    file = tmp_path / "mend[v2].jsonl"
    assert f"redrive {file} --dataset" in run("quarantine", "export", file, "--lake", small_lake.folder).err


def test_an_export_never_replaces_a_file(run: Any, small_lake: Any, tmp_path: Path) -> None:
    file = tmp_path / "mend.jsonl"
    file.write_text("mended already")
    assert run("quarantine", "export", file, "--lake", small_lake.folder).code == 2
    assert file.read_text() == "mended already"


@pytest.fixture
def strict_lake(tmp_path: Path, token_key: str, monkeypatch: pytest.MonkeyPatch) -> tuple[BuildLake, str]:
    """A lake of a dataset that allows two hours, with one held and one refused row; and the part of the held one."""
    declared = find_dataset("workspace_audit")
    strict = replace(declared, contract=replace(declared.contract, allowed_lateness=dt.timedelta(hours=2)))
    for room in ("datasets.registry", "defs.house", "steps.query"):
        monkeypatch.setattr(f"lakehouse.{room}.all_datasets", lambda: (strict,))
    made = replace(BuildLake.make(tmp_path / "strict"), dataset=strict)
    made.land(event(1, 1), event(2, 2, events="none"), covers=whole(DAY))
    (part,) = made.land(event(1, 3), covers=whole(DAY), purpose="daily_sweep").parts
    assert made.build().books.held == 1
    return made, part.path


def test_held_rows_are_listed_and_released_and_a_second_release_does_nothing(run: Any, strict_lake: tuple[BuildLake, str]) -> None:
    made, part = strict_lake
    lake = made.folder
    listed = run("quarantine", "list", "--json", "--lake", lake).json
    assert [(r["rule"], r["level"], r["count"]) for r in listed] == [("changed_type", "row", 1), ("held_late", "held", 1)]
    assert "held: it came later" in run("explain", "line", part, 1, "--lake", lake).out
    assert "1 quarantined, 1 held as late" in run("status", "--lake", lake).out
    assert run("books", "--lake", lake).code == 0

    told = run("quarantine", "release", "--day", "2026-11-16", "--lake", lake)
    assert (told.code, told.out) == (0, "Nothing to admit: no row is held\n")
    result = run("quarantine", "release", "--day", str(DAY), "--no-build", "--json", "--lake", lake)
    assert (result.code, result.json) == (0, {"rows": 1, "manifest": 3, "days": [str(DAY)], "sealed": []})
    waits = run("quarantine", "release", "--no-build", "--lake", lake)
    assert (waits.code, waits.out) == (0, "Nothing more to admit: an earlier release waits for a build\n")
    assert run("status", "--json", "--lake", lake).json[0]["stale"][0]["touched"] == 3
    assert [d["committed"] for d in run("replay", "--stale", "--no-marts", "--json", "--lake", lake).json["days"]] == [True]
    assert [r["rule"] for r in run("quarantine", "list", "--json", "--lake", lake).json] == ["changed_type"]
    assert run("sql", "SELECT count(*) AS n FROM clean.workspace_audit", "--json", "--lake", lake).json == [{"n": 2}]
    assert run("books", "--lake", lake).code == 0
    assert run("quarantine", "release", "--json", "--lake", lake).json == {"rows": 0, "manifest": None, "days": [], "sealed": []}


def test_a_release_is_told_on_the_page_of_the_raw_asset(run: Any, strict_lake: tuple[BuildLake, str]) -> None:
    made, _ = strict_lake
    for _ in range(2):
        run("quarantine", "release", "--no-build", "--lake", made.folder)
    import dagster as dg

    from lakehouse.defs.instance import open_instance

    key = dg.AssetKey(["raw", "workspace_audit"])
    with open_instance(made.lake) as instance:
        (told,) = instance.fetch_observations(key, limit=10).records
        assert instance.fetch_materializations(key, limit=10).records == []
    assert told.partition_key == f"{DAY}T01"
    observed = told.event_log_entry.asset_observation
    assert observed is not None
    assert {name: value.value for name, value in observed.metadata.items()} == {"released_parts": 1, "released_by_manifest": 3}


def test_a_release_says_in_one_sentence_what_is_held_for_ever(run: Any, strict_lake: tuple[BuildLake, str]) -> None:
    made, _ = strict_lake
    other = DAY - dt.timedelta(days=1)
    made.land(event(1, 1, day=other), covers=whole(other))
    made.land(event(1, 3, day=other), covers=whole(other), purpose="daily_sweep")
    assert made.build(other).books.held == 1
    land_retention(made.lake, made.dataset.contract, [DAY])
    for_ever = f"held for ever, because raw of these days has expired: {DAY}"
    admitted = run("quarantine", "release", "--no-build", "--lake", made.folder).out
    assert " ".join(admitted.split()) == f"1 held rows admitted by manifest 6; other rows are {for_ever}"
    made.build(other)
    nothing = run("quarantine", "release", "--no-build", "--lake", made.folder)
    assert (nothing.code, " ".join(nothing.out.split())) == (0, f"Nothing to admit: every row that is held is {for_ever}")


def test_held_rows_are_not_exported_because_there_is_nothing_to_mend(run: Any, strict_lake: tuple[BuildLake, str], tmp_path: Path) -> None:
    made, _ = strict_lake
    refusal = run("quarantine", "export", tmp_path / "held.jsonl", "--rule", "held_late", "--lake", made.folder)
    assert (refusal.code, (tmp_path / "held.jsonl").exists()) == (2, False)
    assert "lakehouse quarantine release" in refusal.err
    assert run("quarantine", "export", tmp_path / "all.jsonl", "--lake", made.folder).code == 0
    assert [json.loads(text)["rule"] for text in (tmp_path / "all.jsonl").read_text().splitlines()] == ["changed_type"]


def test_a_line_that_was_not_refused_is_said_so_with_where_to_ask(run: Any, small_lake: Any) -> None:
    ref = small_lake.lines["kept"]
    result = run("quarantine", "show", ref.part, ref.line, "--lake", small_lake.folder)
    assert result.code == 0
    assert f"nothing of this line was refused. Where it ended: lakehouse explain line {ref.part} {ref.line}" in result.err
    assert "refused or holds anything on 1999-01-01" in run("quarantine", "list", "--day", "1999-01-01", "--lake", small_lake.folder).err
    assert run("quarantine", "show", "--limit", "-1", "--lake", small_lake.folder).code == 2
