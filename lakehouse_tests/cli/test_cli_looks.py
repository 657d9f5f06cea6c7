"""The commands that look: status, books, explain, reveal, sources, doctor."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

from lakehouse.engines.kernel.tokens import token
from lakehouse.landing.manifest import Window
from lakehouse.landing.write import land_fetch


def test_status_tells_coverage_pending_lines_and_what_was_refused(run: Any, small_lake: Any, token_key: str) -> None:
    (told,) = run("status", "--json", "--lake", small_lake.folder).json
    assert [(a["application"], a["complete_up_to"], a["holes"]) for a in told["applications"]] == [
        ("login", "2026-11-17T10:00:00Z", []),
        ("token", "2026-11-17T10:00:00Z", []),
    ]
    assert (told["pending_lines"], [s["day"] for s in told["stale"]]) == (1, ["2026-11-17"])
    assert told["quarantined"] == {"missing_required": 1, "changed_type": 1, "out_of_range": 1, "unreadable_json": 1, "before_start": 1}
    shown = run("status", "--lake", small_lake.folder).out
    assert "2026-11-17 10:00" in shown
    assert "missing_required 1" in shown


def test_status_tells_which_fetches_found_what_came_late(run: Any, changing_lake: Any) -> None:
    lake, contract = changing_lake.lake, changing_lake.dataset.contract
    window = Window(dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC), dt.datetime(2026, 11, 17, 10, tzinfo=dt.UTC))
    for purpose, first, count in (("overlap", 500, 3), ("daily_sweep", 510, 1)):
        identity = {"time": "2026-11-17T09:45:00.000Z", "applicationName": "login", "customerId": "C0"}
        lines = [json.dumps({"id": {**identity, "uniqueQualifier": str(n)}}).encode() for n in range(first, first + count)]
        land_fetch(
            lake, contract, source="reports_api", application="login", purpose=purpose, window=window, covered=window, batches=[lines], http=dict,
            started_at=lake.now(),
        )  # fmt: skip
    (told,) = run("status", "--json", "--lake", changing_lake.folder).json
    # Two came with fetches of the small lake that asked for that hour again: the duplicate and the pending line.
    assert told["recovered"] == [
        {"purpose": "overlap", "count": 3, "late": 6, "share": 0.5},
        {"purpose": "daily_sweep", "count": 1, "late": 6, "share": 1 / 6},
        {"purpose": "weekly_sweep", "count": 0, "late": 6, "share": 0.0},
        {"purpose": "new", "count": 2, "late": 6, "share": 1 / 3},
    ]
    shown = run("status", "--lake", changing_lake.folder).out
    assert "6: overlap 3 (50.0%), daily sweep 1 (16.7%), weekly sweep 0 (0.0%), new 2 (33.3%)" in shown
    rows = run("sql", "SELECT purpose, late_recovered, share FROM ops.recovered", "--json", "--lake", changing_lake.folder).json
    assert [(r["purpose"], r["late_recovered"], r["share"]) for r in rows] == [(r["purpose"], r["count"], r["share"]) for r in told["recovered"]]


def test_an_empty_lake_has_a_status_too(run: Any, tmp_path: Path) -> None:
    from lakehouse.settings import open_lake

    open_lake(tmp_path)
    told = next(one for one in run("status", "--json", "--lake", tmp_path).json if one["dataset"] == "workspace_audit")
    assert (told["fetches"], told["days"], told["clean_version"], told["mart_version"]) == (0, 0, None, None)
    assert told["recovered"][0] == {"purpose": "overlap", "count": 0, "late": 0, "share": None}
    assert "none yet" in run("status", "--lake", tmp_path).out


def test_books_close_and_tell_what_is_pending(run: Any, small_lake: Any, token_key: str) -> None:
    result = run("books", "--json", "--lake", small_lake.folder)
    assert (result.code, result.json["closes"]) == (0, True)
    shown = run("books", "--lake", small_lake.folder).out
    assert "The books close." in shown
    assert "1 landed lines are pending" in shown
    one = run("books", "--day", "2026-11-17", "--json", "--lake", small_lake.folder).json["datasets"][0]["reconciliation"]["days"]
    assert [d["day"] for d in one] == ["2026-11-17"]


def test_books_that_do_not_close_end_with_1_and_name_the_difference(run: Any, changing_lake: Any) -> None:
    file = next((changing_lake.folder / "clean/workspace_audit/event_date=2026-11-17").glob("*.parquet"))
    import polars as pl

    pl.read_parquet(file).head(2).write_parquet(file)
    result = run("books", "--lake", changing_lake.folder)
    assert result.code == 1
    assert "rows kept in the books against rows in the clean table: 5 against 2 (-3)" in result.out
    assert "do not close" in result.out


def test_books_of_a_day_that_was_never_built_say_so(run: Any, small_lake: Any) -> None:
    result = run("books", "--day", "2026-11-17", "--day", "1999-01-01", "--lake", small_lake.folder)
    assert result.code == 0
    assert result.err.count("there are no books of") == 1
    assert "there are no books of 1999-01-01" in result.err


def test_doctor_refuses_a_dataset_that_there_is_not(run: Any, small_lake: Any) -> None:
    result = run("doctor", "-d", "nothing", "--lake", small_lake.folder)
    assert result.code == 2
    assert "There is no dataset 'nothing'. Expected one of: " in result.err
    assert "workspace_audit" in result.err


def test_books_against_another_truth_end_with_1(run: Any, small_lake: Any, tmp_path: Path, token_key: str) -> None:
    (tmp_path / "truth.json").write_text(json.dumps({"total": {"books": {"kept": 6}}}))
    assert run("books", "--truth", tmp_path / "truth.json", "--lake", small_lake.folder).code == 1
    (tmp_path / "truth.json").write_text("[]")
    assert run("books", "--truth", tmp_path / "truth.json", "--lake", small_lake.folder).code == 2


def test_explain_line_tells_the_fate_and_the_text_only_when_asked(run: Any, small_lake: Any, token_key: str) -> None:
    ref = small_lake.lines["duplicate"]
    shown = run("explain", "line", ref.part, ref.line, "--lake", small_lake.folder)
    assert shown.code == 0
    assert "dropped as a duplicate" in shown.out
    assert small_lake.lines["kept_twice"].part in shown.out
    assert "Bob@Example.com" not in shown.out
    assert "Bob@Example.com" in run("explain", "line", ref.part, ref.line, "--raw", "--lake", small_lake.folder).out
    assert run("explain", "line", ref.part, 99, "--lake", small_lake.folder).code == 2


def test_explain_row_before_anything_is_published_says_so(run: Any, small_lake: Any) -> None:
    result = run("explain", "row", "audit_top_users", "--lake", small_lake.folder)
    assert result.code == 2
    assert "published" in result.err


def test_reveal_prints_the_address_alone_on_stdout(run: Any, changing_lake: Any) -> None:
    asked = token("ada@example.com", changing_lake.lake.token_key())
    result = run("reveal", asked, "--reason", "incident 4711", "--lake", changing_lake.folder)
    assert (result.code, result.out) == (0, "ada@example.com\n")
    assert "ops/reveals/" in result.err
    missing = run("reveal", token("nobody@example.com", changing_lake.lake.token_key()), "--reason", "x", "--lake", changing_lake.folder)
    assert (missing.code, missing.out) == (1, "")
    assert run("reveal", asked, "--lake", changing_lake.folder).code == 2


def test_doctor_finds_nothing_wrong_and_notes_what_is_no_fault(run: Any, small_lake: Any, token_key: str) -> None:
    result = run("doctor", "--json", "--lake", small_lake.folder)
    found = {f["name"]: f for f in result.json}
    assert result.code == 0
    assert found["libraries"]["state"] == found["token key"]["state"] == "good"
    assert found["clock"]["state"] == "note"
    assert all(f["remedy"] for f in result.json if f["state"] == "note")


def test_doctor_refuses_production_without_a_token_key(run: Any, small_lake: Any) -> None:
    result = run("doctor", "--json", "--lake", small_lake.folder, env={"LAKEHOUSE_ENV": "production", "LAKEHOUSE_TOKEN_KEY": ""})
    assert result.code == 1
    assert {f["name"] for f in result.json if f["state"] == "bad"} == {"token key"}


def test_doctor_lists_orphans_and_clears_them_and_nothing_else(run: Any, changing_lake: Any) -> None:
    folder = changing_lake.folder
    orphans = [
        folder / "raw/workspace_audit/date=2026-11-17/hour=09/20261119T120000Z-login-deadbeef.jsonl.zst",
        folder / f"clean/workspace_audit/event_date=2026-11-17/09-{'0' * 32}.parquet",
    ]
    for path in orphans:
        path.write_bytes(b"left behind")
        _age(path)
    for path in (p for p in folder.rglob("*") if p.is_file()):
        _age(path)
    note = {f["name"]: f for f in run("doctor", "--json", "--lake", folder).json}["orphans of workspace_audit"]
    assert note["state"] == "note"
    assert "2 files" in note["message"]
    before = {p for p in folder.rglob("*") if p.is_file() and ".dagster" not in p.parts}
    assert "2 files deleted" in run("doctor", "--clear", "--lake", folder).out
    assert before - {p for p in folder.rglob("*") if p.is_file()} == set(orphans)
    assert run("books", "--lake", folder).code == 0


def test_doctor_names_a_folder_that_cannot_be_listed_and_looks_at_everything_else(run: Any, changing_lake: Any) -> None:
    fetches = changing_lake.folder / "raw" / "workspace_audit" / "_fetches"
    fetches.rename(fetches.with_name("aside"))
    fetches.write_text("no folder")
    result = run("doctor", "--json", "--lake", changing_lake.folder)
    found = {f["name"]: f for f in result.json}
    assert result.code == 1
    assert found["workspace_audit"]["state"] == "bad"
    assert str(fetches) in found["workspace_audit"]["message"]
    assert {"files of listening", "dagster"} <= set(found)


def test_doctor_looks_at_the_simulated_source(run: Any, simulated_lake: Path) -> None:
    result = run("doctor", "--source", "--lake", simulated_lake)
    assert result.code == 0
    assert "read token" in result.out
    assert "@" not in "".join(line for line in result.out.splitlines() if "e-mail at" not in line)


def test_sources_tell_where_each_dataset_is_read_from(run: Any, simulated_lake: Path) -> None:
    row = next(r for r in run("sources", "--json", "--lake", simulated_lake).json if r["dataset"] == "workspace_audit")
    assert (row["reads"], row["start"]) == ("simulated activities in activities", "2026-11-17")


def _age(path: Path) -> None:
    old = dt.datetime.now(dt.UTC).timestamp() - 3 * 86400
    os.utime(path, (old, old))
