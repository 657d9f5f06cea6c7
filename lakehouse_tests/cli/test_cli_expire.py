"""`lakehouse expire`, from the question to what other commands say afterwards."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from build_lakes import KEY

from lakehouse.steps.build import build_day
from lakehouse.steps.publish import publish_marts

DAY = dt.date(2026, 11, 17)
GONE = "raw of 2026-11-17 has expired (sealed on 2026-11-19 12:00 UTC by manifest 5)"
BEFORE = ("--before", "2026-11-18")


@pytest.fixture(scope="session")
def built_template(small_lake: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The small lake, published, with nothing pending."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_TOKEN_KEY", KEY)
        lake = small_lake.copy(tmp_path_factory.mktemp("built") / "lake")
        build_day(lake.lake, lake.dataset, DAY)
        publish_marts(lake.lake, lake.dataset)
    return lake


@pytest.fixture
def built(built_template: Any, tmp_path: Path, token_key: str) -> Any:
    """A copy of it that a test may change."""
    return built_template.copy(tmp_path / "lake")


def parts(lake: Any) -> list[Path]:
    return sorted((lake.folder / "raw").rglob("*.zst"))


def test_raw_goes_when_the_answer_is_yes_and_only_then(run: Any, built: Any) -> None:
    before = parts(built)
    for answer, code in (("n\n", 0), ("\n", 0), (None, 2)):
        refused = run("expire", "workspace_audit", *BEFORE, "--lake", built.folder, input=answer)
        assert refused.code == code
        assert "Would be sealed" in refused.err
        assert ("Nothing was deleted." in refused.err) is (code == 0)
        assert refused.out == ""
    assert "nobody is there to say yes" in refused.err
    assert parts(built) == before
    done = run("expire", "workspace_audit", *BEFORE, "--lake", built.folder, input="y\n")
    assert done.code == 0
    assert "raw of workspace_audit before 2026-11-18: 1 days, sealed by manifest 5; 4 parts deleted" in done.out
    assert "can be neither shown nor mended" in done.err
    assert len(parts(built)) == len(before) - 4


def test_json_is_no_consent(run: Any, built: Any) -> None:
    before = parts(built)
    refused = run("expire", "workspace_audit", *BEFORE, "--json", "--lake", built.folder)
    assert (refused.code, refused.out) == (2, "")
    assert "say --json --yes" in refused.err
    looked = run("expire", "workspace_audit", *BEFORE, "--json", "--dry-run", "--lake", built.folder)
    assert (looked.code, looked.json["files"], looked.json["manifest"]) == (0, 4, None)
    assert parts(built) == before


def test_an_expiry_is_told_on_the_page_of_the_raw_asset(run: Any, built: Any) -> None:
    for _ in range(2):
        assert run("expire", "workspace_audit", *BEFORE, "--yes", "--lake", built.folder).code == 0
    import dagster as dg

    from lakehouse.defs.instance import open_instance
    from lakehouse.landing.ledger import load_ledger

    landed = {key: parts for key, parts in load_ledger(built.lake, "workspace_audit").parts.items() if key.startswith("2026-11-17")}
    with open_instance(built.lake) as instance:
        told = instance.fetch_observations(dg.AssetKey(["raw", "workspace_audit"]), limit=100).records
    found = {t.partition_key: t.event_log_entry.asset_observation for t in told}
    assert (len(told), set(found)) == (len(landed), set(landed))
    for key, one in found.items():
        assert one is not None
        freed = sum(p.part.size for p in landed[key])
        assert {name: value.value for name, value in one.metadata.items()} == {
            "expired": GONE, "expired_by_manifest": 5, "freed_bytes": freed, "stored_bytes": 0,
        }  # fmt: skip


def test_yes_does_not_ask_and_a_dry_run_deletes_nothing(run: Any, built: Any) -> None:
    before = parts(built)
    shown = run("expire", "workspace_audit", *BEFORE, "--dry-run", "--lake", built.folder)
    assert (shown.code, parts(built)) == (0, before)
    assert "4 parts would be deleted" in shown.out
    told = run("expire", "workspace_audit", *BEFORE, "--json", "--yes", "--lake", built.folder).json
    assert (told["manifest"], [d["day"] for d in told["sealed"]], told["files"], told["dry_run"]) == (5, ["2026-11-17"], 4, False)
    assert told["freed"] == sum(d["size"] for d in told["sealed"])
    again = run("expire", "workspace_audit", *BEFORE, "--yes", "--lake", built.folder)
    assert "0 days; 0 parts deleted, 0 bytes" in again.out


def test_the_setting_of_the_lake_says_what_is_old(run: Any, built: Any) -> None:
    assert run("expire", "workspace_audit", "--lake", built.folder).code == 2
    file = built.folder / "lake.json"
    settings = json.loads(file.read_text())
    settings["datasets"]["workspace_audit"]["raw_retention_days"] = 1
    file.write_text(json.dumps(settings))
    told = run("expire", "workspace_audit", "--json", "--yes", "--lake", built.folder).json
    assert (told["before"], len(told["sealed"])) == ("2026-11-18", 1)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("workspace_audit",), "kept for ever"),
        (("workspace_audit", "--before", "2027-01-01"), "days that are not over cannot expire"),
        (("nothing", *BEFORE), "nothing"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Any, small_lake: Any, token_key: str, args: tuple[str, ...], told: str) -> None:
    refused = run("expire", *args, "--lake", small_lake.folder)
    assert refused.code == 2
    assert told in refused.err


def test_a_stale_day_keeps_its_raw_and_ends_with_1(run: Any, changing_lake: Any) -> None:
    before = parts(changing_lake)
    result = run("expire", "workspace_audit", *BEFORE, "--lake", changing_lake.folder)
    assert result.code == 1
    assert "2026-11-17 keeps its raw: manifest 4 landed after the build had seen 3" in result.err
    assert parts(changing_lake) == before


def test_afterwards_every_command_says_what_is_gone_and_the_books_close(run: Any, built: Any, tmp_path: Path) -> None:
    here = ("--lake", built.folder)
    rows = run("sql", "SELECT count(*) AS n FROM clean.workspace_audit", "--json", *here).json
    assert run("expire", "workspace_audit", *BEFORE, "--yes", *here).code == 0

    assert run("sql", "SELECT count(*) AS n FROM clean.workspace_audit", "--json", *here).json == rows
    books = run("books", *here)
    assert books.code == 0
    assert "2026-11-17" in books.out
    assert "sealed up to 2026-11-17: raw of 1 days has expired" in run("status", *here).out
    replayed = run("replay", "2026-11-17", "--force", *here)
    assert replayed.code == 4
    assert "2026-11-17 cannot be built again" in replayed.err
    assert run("replay", "--stale", *here).code == 0
    among = run("replay", "--from", "2026-11-17", "--to", "2026-11-18", "--no-marts", *here)
    assert among.code == 0
    assert f"2026-11-17 is kept as built: {GONE}" in among.err
    assert run("replay", "--from", "2026-11-17", "--to", "2026-11-17", "--json", *here).json["kept"] == ["2026-11-17"]
    assert run("replay", "2026-11-17", *here).code == 4
    assert run("replay", "--from", "2026-11-17", "--force", *here).code == 4

    kept, lost = built.lines["kept"], built.lines["duplicate"]
    shown = run("explain", "line", kept.part, kept.line, "--raw", *here).out
    assert f"raw       {GONE}" in shown
    assert "kept: it is a row of the clean table" in shown
    assert "not to be told any more" in run("explain", "line", lost.part, lost.line, *here).out
    made_of = ("explain", "row", "audit_hourly_activity", "application=token", "--raw")
    assert GONE in run(*made_of, *here).out
    (told,) = run(*made_of, "--json", *here).json
    assert (told["raw"], told["raw_expired"]) == ([None], [GONE])

    assert GONE in run("quarantine", "show", "--rule", "changed_type", "--raw", *here).out
    file = tmp_path / "mend.jsonl"
    exported = run("quarantine", "export", file, *here)
    assert "3 lines are left out: they were erased or their raw has expired" in exported.err
    assert len(file.read_text().splitlines()) == 2
    from lakehouse.engines.kernel.tokens import token

    revealed = run("reveal", token("robot@example.com", built.lake.token_key()), "--reason", "a test", *here)
    assert revealed.code == 1
    assert "Raw of 1 days has expired" in revealed.err
    assert run("doctor", "--clear", *here).code == 0
    assert run("books", *here).code == 0
