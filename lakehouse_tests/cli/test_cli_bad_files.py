"""Files that are not what they should be: what is told names the file and says what to do, and what does not need the file goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FORCED = ("replay", "--from", "2026-11-17", "--to", "2026-11-18", "--force", "--no-marts")


def one(folder: Path, pattern: str) -> Path:
    """The first file of a pattern."""
    return sorted(folder.glob(pattern))[0]


def empty(path: Path) -> None:
    path.write_bytes(b"")


def newer(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


Damage = Callable[[Path], None]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (cut, "is damaged or cut short"),
        (empty, "lines by its manifest, 0 were read"),
        (folder, "is missing, expected a raw part"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_part_that_cannot_be_read_stops_its_day_only(run: Any, fetched_lake: Path, damage: Damage, told: str) -> None:
    part = one(fetched_lake, "raw/workspace_audit/date=2026-11-17/hour=23/*.zst")
    damage(part)
    result = run(*FORCED, "--json", "--lake", fetched_lake)
    assert result.code == 1
    assert [(d["day"], d["committed"]) for d in result.json["days"]] == [("2026-11-18", True)]
    (error,) = result.json["errors"]
    assert error.startswith("2026-11-17: ")
    for words in (part.name, told, "Restore the"):
        assert words in error


@pytest.mark.parametrize(("damage", "code"), [(empty, 1), (cut, 4)], ids=["audits", "damaged files"])
def test_days_that_all_fail_each_in_its_own_way_end_as_one_of_them_would(run: Any, fetched_lake: Path, damage: Damage, code: int) -> None:
    for day in ("2026-11-17", "2026-11-18"):
        damage(one(fetched_lake, f"raw/workspace_audit/date={day}/hour=*/*.zst"))
    result = run(*FORCED, "--json", "--lake", fetched_lake)
    assert (result.code, result.json["days"]) == (code, [])
    assert [error[:12] for error in result.json["errors"]] == ["2026-11-17: ", "2026-11-18: "]
    assert ("2026-11-17: " in result.err, "2026-11-18: " in result.err, "Traceback" in result.err) == (True, True, False)


def test_what_was_built_before_is_published_though_every_stale_day_fails(run: Any, fetched_lake: Path) -> None:
    assert run("replay", "2026-11-17", "--no-marts", "--lake", fetched_lake).code == 0
    empty(one(fetched_lake, "raw/workspace_audit/date=2026-11-18/hour=*/*.zst"))
    result = run("replay", "--stale", "--json", "--lake", fetched_lake)
    assert (result.code, result.json["days"], len(result.json["marts"])) == (1, [], 1)
    assert "The data did not pass" in result.err


@pytest.mark.parametrize(
    ("pattern", "damage", "command", "told"),
    [
        ("lake.json", newer, "status", "Install a newer lakehouse"),
        ("lake.json", empty, "status", "Mend the file, or move it away"),
        ("lake.json", folder, "status", "is no file, expected the settings of the lake. Move it away"),
        ("lake.json", folder, "fetch", "is no file, expected the settings of the lake. Move it away"),
        ("raw/workspace_audit/_fetches/00000002.json", newer, "status", "Install a newer lakehouse"),
        ("raw/workspace_audit/_fetches/00000002.json", empty, "fetch", "expected the JSON of a manifest"),
        ("raw/workspace_audit/_fetches/00000002.json", folder, "status", "restore the file from a backup"),
        ("ops/builds/workspace_audit/2026-11-17/*.json", newer, "status", "Install a newer lakehouse"),
        ("ops/builds/workspace_audit/2026-11-17/*.json", empty, "books", "Delete it and build the day again"),
        ("ops/builds/workspace_audit/2026-11-17/*.json", folder, "books", "lakehouse replay 2026-11-17"),
        ("ops/grains/workspace_audit/2026-11-17T09/*.json", newer, "books", "Install a newer lakehouse"),
        ("ops/grains/workspace_audit/2026-11-17T09/*.json", empty, "books", "Delete it and build the day again"),
        ("ops/grains/workspace_audit/2026-11-17T09/*.json", folder, "books", "lakehouse replay 2026-11-17"),
        ("clean/workspace_audit/_delta_log/00000000000000000001.json", folder, "status", "restore that folder from a backup"),
        ("clean/workspace_audit/_delta_log/00000000000000000001.json", Path.unlink, "sql", "restore that folder from a backup"),
    ],
)
def test_a_file_of_the_lake_that_is_newer_damaged_or_a_folder_is_named(
    run: Any, changing_lake: Any, pattern: str, damage: Damage, command: str, told: str
) -> None:
    path = one(changing_lake.folder, pattern)
    damage(path)
    result = run(command, *(["SELECT 1"] if command == "sql" else []), "--lake", changing_lake.folder)
    assert result.code == 4
    assert path.name in result.err or "_delta_log" in result.err
    assert told in result.err
    assert "Traceback" not in result.err


@pytest.mark.slow
@pytest.mark.parametrize(("what", "told"), [("workspace_audit.duckdb", "is a folder, expected the published marts"), ("version", "neither free nor")])
def test_a_folder_in_the_place_of_the_marts_is_named_and_clean_is_built(
    run: Any, published_lake: Any, tmp_path: Path, token_key: str, what: str, told: str
) -> None:
    lake = published_lake.copy(tmp_path / "lake")
    marts = lake.folder / "marts"
    (place,) = [marts / what] if what.endswith("duckdb") else [marts / "workspace_audit" / "_versions" / "00000002.json"]
    if place.is_file():
        place.unlink()
    place.mkdir()
    result = run("replay", "2026-11-17", "--json", "--lake", lake.folder)
    assert result.json["days"][0]["committed"]
    assert result.code == 1
    assert place.name in result.err
    assert told in result.err
    assert "Move it away" in result.err
    assert run("sql", "SELECT count(*) FROM marts.audit_top_users", "--lake", lake.folder).code == 0
    place.rmdir()
    assert run("replay", "--stale", "--lake", lake.folder).code == 0
    assert run("books", "--lake", lake.folder).code == 0
    assert list(marts.rglob("*.tmp")) == []


# --- files of people --------------------------------------------------------------------------------------------------

BAD = {
    "empty": (b"", ["has no line, so there is nothing to redrive", "no truth of a generator", "no SQL to run"]),
    "half_a_line": (b'{"part":"a","line":', ["line 1: ", "no truth of a generator", "DuckDB refused"]),
    "invalid_utf8": (b'{"part":"\xff"}\n', ["line 1: 'utf-8'", "no truth of a generator", "is not UTF-8"]),
    "nul_byte": (b"\0\n", ["line 1: ", "no truth of a generator", "DuckDB refused"]),
    "two_objects": (b'{"part":"a","line":1,"raw":"x"} {"part":"b"}\n', ["line 1: Extra data", "no truth of a generator", "DuckDB refused"]),
    "a_long_line": (b'{"part":"' + b"x" * 10_000_000, ["line 1: ", "no truth of a generator", "DuckDB refused"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_of_a_person_that_is_none_of_ours_is_named(run: Any, small_lake: Any, token_key: str, tmp_path: Path, case: str) -> None:
    content, told = BAD[case]
    file = tmp_path / case
    file.write_bytes(content)
    commands = (("quarantine", "redrive", file), ("books", "--truth", file), ("sql", "-f", file))
    for command, words in zip(commands, told, strict=True):
        result = run(*command, "--lake", small_lake.folder)
        assert result.code in (2, 4)
        assert words in result.err
        assert "Traceback" not in result.err
        assert len(result.err) < 5_000
        if command[0] != "sql" or words == "is not UTF-8":
            assert case in result.err


@pytest.mark.parametrize("command", [("quarantine", "redrive"), ("books", "--truth"), ("sql", "-f"), ("quarantine", "export")], ids=" ".join)
def test_a_folder_is_no_file(run: Any, small_lake: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run(*command, tmp_path, "--lake", small_lake.folder)
    assert result.code == 2
    assert tmp_path.name in result.err


# --- the command line and the environment -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ("replay", "yesterday"),
        ("replay", "2026-13-45"),
        ("replay", "--from", "17.11.2026"),
        ("books", "--day", "2026-02-30"),
        ("quarantine", "list", "--day", "1"),
        ("expire", "workspace_audit", "--before", "x"),
        ("fetch", "--from", "2026-11-18T25"),
        ("fetch", "--from", "2026-11-18", "--to", "noon"),
        ("simulate", "activities", "sample", "--start", "x", "--end", "2026-11-18"),
    ],
    ids=" ".join,
)
def test_a_wrong_date_is_answered_with_what_was_expected_and_what_came(run: Any, small_lake: Any, args: tuple[str, ...]) -> None:
    result = run(*args, *(() if args[0] == "simulate" else ("--lake", small_lake.folder)))
    assert result.code == 2
    assert "expected a " in result.err
    assert "2026-11-18" in result.err
    assert repr(next(a for a in args if a in ("yesterday", "x", "1", "noon") or (a[0].isdigit() and a != "2026-11-18"))) in result.err


def test_a_range_that_is_none_is_refused(run: Any, small_lake: Any) -> None:
    backwards = run("fetch", "--from", "2026-11-18", "--to", "2026-11-17", "--lake", small_lake.folder)
    assert (backwards.code, "The range ends before it begins" in backwards.err) == (2, True)
    future = run("fetch", "--from", "2027-01-01", "--lake", small_lake.folder)
    assert "Expected --to, which is exclusive, to be later." in backwards.err
    assert (future.code, "lies in the future: the lake's clock says 2026-11-19" in future.err) == (2, True)


def test_a_missing_key_of_tokens_stops_a_build_in_production_and_no_look(run: Any, fetched_lake: Path) -> None:
    environment = {"LAKEHOUSE_TOKEN_KEY": "", "LAKEHOUSE_ENV": "production"}
    result = run("replay", "2026-11-17", "--lake", fetched_lake, env=environment)
    assert result.code == 2
    assert "LAKEHOUSE_TOKEN_KEY is not set" in result.err
    assert "openssl rand" in result.err
    assert run("status", "--lake", fetched_lake, env=environment).code == 0
    assert run("fetch", "--lake", fetched_lake, env=environment).code == 0


def test_credentials_that_are_not_there_are_named(run: Any, fetched_lake: Path) -> None:
    settings = json.loads((fetched_lake / "lake.json").read_text())
    del settings["datasets"]["workspace_audit"]["source"]["simulated"]
    (fetched_lake / "lake.json").write_text(json.dumps(settings))
    result = run("fetch", "--lake", fetched_lake, env={"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json", "LAKEHOUSE_GOOGLE_CREDENTIALS": ""})
    assert result.code == 2
    assert "/nowhere/key.json" in result.err
    assert "LAKEHOUSE_GOOGLE_CREDENTIALS" in result.err
    key = run("fetch", "--lake", fetched_lake, env={"LAKEHOUSE_GOOGLE_CREDENTIALS": "/nowhere/other.json"})
    assert key.code == 2
    assert "/nowhere/other.json" in key.err
