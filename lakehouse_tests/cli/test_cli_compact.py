"""`lakehouse compact`: many files become few, and no answer changes."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from lakehouse.defs.instance import open_instance


def files(lake: Any) -> list[Any]:
    return sorted(p for p in (lake.folder / "raw").rglob("*") if p.is_file() and "_fetches" not in p.parts)


def test_a_dry_run_changes_nothing_and_tells_what_would(run: Any, changing_lake: Any) -> None:
    before = files(changing_lake)
    shown = run("compact", "workspace_audit", "--dry-run", "--lake", changing_lake.folder)
    assert shown.code == 0
    assert "Would be put together" in shown.out
    assert "4 files would become 1" in shown.out
    assert files(changing_lake) == before
    done = run("compact", "workspace_audit", "--json", "--lake", changing_lake.folder).json
    assert [(d["day"], d["files"], d["containers"], d["manifest"]) for d in done["days"]] == [("2026-11-17", 4, 1, 5)]
    assert len(files(changing_lake)) == len(before) - done["deleted"] + 2
    again = run("compact", "workspace_audit", "--lake", changing_lake.folder)
    assert "0 files became 0; 0 files deleted" in again.out


def test_every_answer_is_the_same_afterwards(run: Any, changing_lake: Any) -> None:
    here = ("--lake", changing_lake.folder)
    line = changing_lake.lines["duplicate"]
    asked = [
        ("books",), ("quarantine", "show", "--raw"), ("explain", "line", line.part, line.line, "--raw"),
        ("sql", "SELECT count(*) AS n FROM clean.workspace_audit"),
    ]  # fmt: skip
    before = [run(*one, "--json", *here).json for one in asked]
    assert run("compact", "workspace_audit", *here).code == 0
    after = [run(*one, "--json", *here).json for one in asked]
    assert after[1:] == before[1:]
    assert [one["reconciliation"]["days"] for one in after[0]["datasets"]] == [one["reconciliation"]["days"] for one in before[0]["datasets"]]
    assert run("replay", "2026-11-17", "--force", "--no-marts", *here).code == 1, "the contract's check is red as it was before"
    assert run("books", *here).code == 0


def test_few_files_are_left_alone_when_that_is_asked(run: Any, changing_lake: Any) -> None:
    here = ("--lake", changing_lake.folder)
    assert run("compact", "workspace_audit", "--min-files", "5", "--json", *here).json["days"] == []
    assert run("compact", "workspace_audit", "--from", "2026-11-18", "--json", *here).json["days"] == []
    assert len(run("compact", "workspace_audit", "--min-files", "4", "--to", "2026-11-17", "--json", *here).json["days"]) == 1


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("workspace_audit", "--to", "2026-11-19"), "Files of days that are not over still come"),
        (("workspace_audit", "--from", "2026-11-18", "--to", "2026-11-17"), "ends before it begins"),
        (("workspace_audit", "--min-files", "1"), "--min-files"),
        (("nothing",), "nothing"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Any, small_lake: Any, args: tuple[str, ...], told: str) -> None:
    refused = run("compact", *args, "--lake", small_lake.folder)
    assert refused.code == 2
    assert told in refused.err


def test_a_compaction_is_told_on_the_page_of_the_raw_asset(run: Any, changing_lake: Any) -> None:
    for _ in range(2):
        assert run("compact", "workspace_audit", "--lake", changing_lake.folder).code == 0
    with open_instance(changing_lake.lake) as instance:
        (told,) = instance.fetch_observations(dg.AssetKey(["raw", "workspace_audit"]), limit=100).records
    observed = told.event_log_entry.asset_observation
    assert observed is not None
    assert told.partition_key == "2026-11-17T09"
    assert {k: v.value for k, v in observed.metadata.items()} == {"compacted_parts": 4, "compacted_by_manifest": 5, "files": 1}
