"""`lakehouse erase`, from the question to what other commands say afterwards."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from build_lakes import KEY

from lakehouse.defs.instance import open_instance
from lakehouse.engines.kernel.tokens import token
from lakehouse.landing.ledger import load_ledger
from lakehouse.steps.build import build_day
from lakehouse.steps.publish import publish_marts

DAY = dt.date(2026, 11, 17)
BOB = "bob@example.com"
WHY = ("--reason", "request 4711")
RED = 1  # too many lines of the small lake are in quarantine for a day of it to be green, erased lines or not
GONE = "erased on 2026-11-19 by manifest 5"


@pytest.fixture(scope="session")
def erase_template(small_lake: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The small lake, published, with nothing pending."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
        lake = small_lake.copy(tmp_path_factory.mktemp("to_erase") / "lake")
        build_day(lake.lake, lake.dataset, DAY)
        publish_marts(lake.lake, lake.dataset)
    return lake


@pytest.fixture
def built(erase_template: Any, tmp_path: Path, token_key: str) -> Any:
    """A copy of it that a test may change."""
    return erase_template.copy(tmp_path / "lake")


def manifests(lake: Any) -> int:
    return load_ledger(lake.lake, "workspace_audit").last_number


def test_lines_go_when_the_answer_is_yes_and_only_then(run: Any, built: Any) -> None:
    asked = ("erase", "workspace_audit", "--value", BOB, *WHY, "--no-marts", "--lake", built.folder)
    for answer, code in (("n\n", 0), ("\n", 0), (None, 2)):
        refused = run(*asked, input=answer)
        assert refused.code == code
        assert "2 lines in 2 parts of 1 days" in refused.err
        assert ("Nothing was erased." in refused.err) is (code == 0)
        assert refused.out == ""
    assert "nobody is there to say yes" in refused.err
    assert manifests(built) == 4
    done = run(*asked, input="y\n")
    assert done.code == RED
    assert "2 lines of 2 parts erased by manifest 5" in done.out
    assert "2 files of raw and" in done.out
    assert BOB not in done.out + done.err
    again = run(*asked)
    assert (again.code, manifests(built)) == (0, 5)
    assert "No line to erase" in again.out


def test_a_dry_run_tells_where_and_never_what(run: Any, built: Any) -> None:
    files = {p: p.stat().st_mtime_ns for p in (built.folder / "raw").rglob("*") if p.is_file()}
    shown = run("erase", "workspace_audit", "--value", BOB.upper(), *WHY, "--dry-run", "--lake", built.folder)
    assert shown.code == 0
    assert "Would be erased" in shown.out
    told = run("erase", "workspace_audit", "--value", BOB, *WHY, "--dry-run", "--json", "--lake", built.folder).json
    kept, copy = built.lines["kept_twice"].part, built.lines["duplicate"].part
    assert {(p["day"], p["part"], p["lines"]) for p in told["parts"]} == {("2026-11-17", kept, 1), ("2026-11-17", copy, 1)}
    assert told["lines"] == 2
    assert "bob" not in (shown.out + shown.err + json.dumps(told)).lower()
    assert {p: p.stat().st_mtime_ns for p in (built.folder / "raw").rglob("*") if p.is_file()} == files


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("workspace_audit", "--value", BOB), "A reason is required"),
        (("workspace_audit", "--value", BOB, "--reason", " "), "A reason is required"),
        (("workspace_audit", "--value", "a", *WHY), "would be found in lines of everybody"),
        (("workspace_audit", "--line", "raw/x.jsonl.zst", *WHY), "names no line. Expected PART:LINE"),
        (("workspace_audit", "--token", "tok_nothing", *WHY), "is no token"),
        (("workspace_audit", "--token", "tok_" + "a" * 26, *WHY), "Nothing was erased"),
        (("workspace_audit", "--value", BOB, *WHY, "--json"), "say --json --yes"),
        (("nothing", "--value", BOB, *WHY), "nothing"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Any, built: Any, args: tuple[str, ...], told: str) -> None:
    refused = run("erase", *args, "--lake", built.folder)
    assert refused.code == 2
    assert told in refused.err
    assert manifests(built) == 4


def test_a_line_that_is_not_there_or_of_a_sealed_day_ends_with_4(run: Any, built: Any) -> None:
    ref = built.lines["kept"]
    assert run("erase", "workspace_audit", "--line", f"{ref.part}:99", *WHY, "--yes", "--lake", built.folder).code == 4
    assert run("expire", "workspace_audit", "--before", "2026-11-18", "--yes", "--lake", built.folder).code == 0
    refused = run("erase", "workspace_audit", "--line", f"{ref.part}:{ref.line}", *WHY, "--yes", "--lake", built.folder)
    assert refused.code == 4
    assert "raw of 2026-11-17 has expired" in refused.err
    assert "never built again" in refused.err
    searched = run("erase", "workspace_audit", "--value", BOB, *WHY, "--yes", "--lake", built.folder)
    assert searched.code == 0
    assert "raw of 1 days has expired" in searched.err


def test_a_token_leads_to_the_lines_and_is_written_to_the_log_of_reveals(run: Any, built: Any) -> None:
    hers = token(BOB, built.lake.token_key())
    told = run("erase", "workspace_audit", "--token", hers, *WHY, "--yes", "--json", "--no-marts", "--lake", built.folder).json
    assert (told["lines"], told["manifest"], len(told["days"])) == (2, 5, 1)
    (entry,) = (built.folder / "ops/reveals").rglob("*.json")
    attempt = json.loads(entry.read_bytes())
    assert (attempt["token"], attempt["why"]) == (hers, "erase: request 4711")
    assert run("sql", f"SELECT count(*) AS n FROM clean.workspace_audit WHERE actor_email = '{hers}'", "--json", "--lake", built.folder).json == [
        {"n": 0}
    ]


def test_afterwards_every_command_says_what_is_gone_and_the_books_close(run: Any, built: Any, tmp_path: Path) -> None:
    here = ("--lake", built.folder)
    bad, kept = built.lines["missing_required"], built.lines["kept_twice"]
    named = [arg for one in (bad, kept) for arg in ("--line", f"{one.part}:{one.line}")]
    done = run("erase", "workspace_audit", *named, *WHY, "--yes", "--json", *here).json
    assert (done["lines"], [e.split(":")[0] for e in done["errors"]], [m["skipped"] for m in done["marts"]]) == (2, ["2026-11-17 contract"], [False])
    assert done["deleted_files"] > 1
    books = run("books", *here)
    assert books.code == 0
    assert "2 erased" in books.out
    assert run("sql", "SELECT sum(erased) AS n FROM ops.books", "--json", *here).json == [{"n": 2}]
    shown = run("explain", "line", kept.part, kept.line, "--raw", *here).out
    assert "erased: its text is gone for ever" in shown
    assert f"raw       {GONE}" in shown
    assert "zed@example.com" not in run("quarantine", "show", "--raw", *here).out
    assert "missing_required" not in run("quarantine", "list", *here).out
    assert run("status", *here).code == 0
    assert run("replay", "2026-11-17", "--force", *here).code == RED
    assert run("doctor", "--clear", *here).code == 0
    assert run("books", *here).code == 0


def test_an_erasure_is_told_on_the_page_of_the_raw_asset_and_names_nobody(run: Any, built: Any) -> None:
    assert run("erase", "workspace_audit", "--value", BOB, *WHY, "--yes", "--no-marts", "--lake", built.folder).code == RED
    with open_instance(built.lake) as instance:
        (told,) = instance.fetch_materializations(dg.AssetKey(["raw", "workspace_audit"]), limit=100).records
        (day,) = instance.fetch_materializations(dg.AssetKey(["clean", "workspace_audit"]), limit=100).records
    assert (told.partition_key, day.partition_key) == ("2026-11-17T09", "2026-11-17")
    metadata = told.event_log_entry.asset_materialization.metadata
    assert (metadata["erased_now"].value, metadata["erased_lines"].value, metadata["erased_by_manifest"].value) == (2, 2, 5)
    for file in (p for p in built.folder.rglob("*") if p.is_file()):
        assert BOB.encode() not in file.read_bytes().lower(), file


def test_what_a_killed_erasure_left_is_finished_without_a_line(run: Any, built: Any) -> None:
    from lakehouse.steps.erase import erasable, erase

    found = erasable(built.lake, built.dataset, values=[BOB])
    erase(built.lake, built.dataset, found.lines, reason="killed before the build")
    told = run("erase", "workspace_audit", *WHY, "--yes", "--json", "--lake", built.folder).json
    assert (told["lines"], told["manifest"], [d["day"] for d in told["days"]]) == (0, None, ["2026-11-17"])
    assert told["days"][0]["books"]["erased"] == 2
    assert told["deleted_files"] > 0
