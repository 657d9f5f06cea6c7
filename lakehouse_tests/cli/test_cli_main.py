"""The command as a whole: help that teaches, errors as one panel, exit codes with a meaning."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from lakehouse.cli.exits import ExitCode, code_of
from lakehouse.cli.main import app
from lakehouse.errors import AuditError, ConfigurationError, ConflictError, LakeFormatError, TerminalError, TransientError


def _commands(group: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found += _commands(command, (*before, name)) if hasattr(command, "commands") else [(*before, name)]
    return found


COMMANDS = _commands(typer.main.get_command(app))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_shows_an_example_and_describes_every_option(run: Any, command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.code == 0
    assert "Example:" in result.out
    assert f"lakehouse {' '.join(command)}" in result.out
    undescribed = re.findall(r"^│ +(--[a-z-]+)\s+[^ ]*\s*│$", result.out, re.MULTILINE)
    assert undescribed == []


@pytest.mark.parametrize("command", [*COMMANDS, *sorted({c[:1] for c in COMMANDS if len(c) > 1})], ids=" ".join)
def test_the_help_names_values_as_people_do_and_groups_show_an_example_too(run: Any, command: tuple[str, ...]) -> None:
    text = run(*command, "--help").out
    assert "Example:" in text
    assert "%" not in text, "a format of strptime says nothing to a person"
    assert not re.search(r"[\[{][a-z]+[\]}]", text.splitlines()[1]), "arguments are in capitals"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_lines_of_a_help_break_where_the_terminal_ends_and_nowhere_else(run: Any, command: tuple[str, ...]) -> None:
    """In a terminal that is wide enough every paragraph is one line."""
    text = run(*command, "--help", env={"COLUMNS": "2000"}).out
    prose = text.split("Example:")[0].splitlines()[2:]
    paragraphs = [line.strip() for line in prose if line.strip()]
    assert all(one.endswith((".", ":")) for one in paragraphs), paragraphs


def test_every_command_that_was_promised_is_there() -> None:
    promised = [
        "demo",
        "dev",
        "fetch",
        "ingest",
        "replay",
        "expire",
        "compact",
        "erase",
        "status",
        "sql",
        "explain",
        "reveal",
        "books",
        "quarantine",
        "doctor",
        "simulate",
        "sources",
        "report",
        "new-dataset",
    ]
    assert {c[0] for c in COMMANDS} == set(promised)
    assert {c for c in COMMANDS if c[0] == "quarantine"} == {("quarantine", n) for n in ("list", "show", "export", "redrive", "release")}


def test_the_help_says_what_the_exit_codes_mean(run: Any) -> None:
    text = " ".join(run("--help").out.split())
    for code in ExitCode:
        assert re.search(rf"\b{code.value}\b", text), f"{code!r} is not in the help"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuditError("x"), 1),
        (ConfigurationError("x"), 2),
        (TransientError("x"), 3),
        (ConflictError("x"), 3),
        (LakeFormatError("x"), 4),
        (TerminalError("x"), 4),
    ],
)
def test_every_error_of_the_project_has_an_exit_code(error: Any, code: int) -> None:
    assert code_of(error) == code


def test_a_lake_that_is_not_there_is_said_to_be_missing_and_not_made(run: Any, tmp_path: Path) -> None:
    result = run("status", "--lake", tmp_path / "typo")
    assert result.code == 2
    assert "There is no lake at" in result.err
    assert "lakehouse demo" in result.err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [('{"format": 99}', "Install a newer lakehouse"), ("{broken", "cannot be read"), ('{"clock": "2026-11-20T12:00:00"}', "must have a time zone")],
)
def test_a_damaged_or_newer_lake_stops_with_the_name_of_the_file(run: Any, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "lake.json").write_text(text)
    result = run("status", "--lake", tmp_path)
    assert result.code == 4
    assert told in result.err
    assert "lake.json" in result.err


def test_errors_come_without_a_traceback_until_it_is_asked_for(run: Any, tmp_path: Path) -> None:
    assert "Traceback" not in run("status", "--lake", tmp_path / "typo").err
    assert "Traceback" in run("--debug", "status", "--lake", tmp_path / "typo").err


def test_the_lake_may_be_named_before_the_command_after_it_or_in_the_environment(run: Any, small_lake: Any) -> None:
    told = [
        run("--lake", small_lake.folder, "sources", "--json").json,
        run("sources", "--lake", small_lake.folder, "--json").json,
        run("sources", "--json", env={"LAKEHOUSE_URL": str(small_lake.folder)}).json,
    ]
    assert told[0] == told[1] == told[2]
    assert next(r["applications"] for r in told[0] if r["dataset"] == "workspace_audit") == ["login", "token"]


def test_a_wrong_command_is_a_usage_error_with_a_suggestion(run: Any) -> None:
    result = run("statsu")
    assert result.code == 2
    assert "status" in result.err


def test_an_unknown_dataset_is_answered_with_those_that_there_are(run: Any, small_lake: Any) -> None:
    result = run("books", "--dataset", "nothing", "--lake", small_lake.folder)
    assert result.code == 2
    assert "workspace_audit" in result.err


def test_the_version_is_told(run: Any) -> None:
    assert re.fullmatch(r"lakehouse \d+\.\d+\.\d+\n", run("--version").out)


def test_the_package_is_the_command_where_its_script_is_not_on_the_path(run: Any) -> None:
    done = subprocess.run([sys.executable, "-m", "lakehouse", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == run("--version").out


def _process(*args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    import os

    code = "from lakehouse.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *args], env={**os.environ, **env}, capture_output=True, check=False)


def test_a_pipe_gets_no_colours_and_facts_only_on_stdout(small_lake: Any) -> None:
    result = _process("sql", "SELECT 1 AS one", "--lake", str(small_lake.folder))
    assert result.returncode == 0
    assert b"\x1b" not in result.stdout + result.stderr
    assert b"one" in result.stdout
    assert b"1 row" in result.stderr
    assert json.loads(_process("sql", "SELECT 1 AS one", "--json", "--lake", str(small_lake.folder)).stdout) == [{"one": 1}]


def test_a_bug_ends_with_a_code_of_its_own(tmp_path: Path) -> None:
    # A folder in the place of the settings file is nothing that any error of the project speaks of.
    code = "import lakehouse.cli.status as s, lakehouse.cli.main as m; s.show = None; m.main()"
    from lakehouse.settings import open_lake

    open_lake(tmp_path)
    result = subprocess.run([sys.executable, "-c", code, "status", "--lake", str(tmp_path)], capture_output=True, check=False)
    assert result.returncode == 70
    assert b"This is a bug" in result.stderr


def test_help_starts_without_the_heavy_libraries() -> None:
    heavy = "('dagster', 'polars', 'pyarrow', 'duckdb', 'deltalake', 'pandera')"
    code = f"import sys, lakehouse.cli.main; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("doctor",), "Default: all; with --source the only one"),
        (("explain", "row"), "Default: that of the mart"),
        (("explain", "line"), "Default: that of the part"),
        (("quarantine", "show"), "Default: that of the part"),
        (("replay",), "may be left out where the lake holds one only"),
        (("erase",), "Why (required)"),
        (("report",), "--no-open"),
    ],
)
def test_the_help_of_an_option_is_true_of_its_command(run: Any, command: tuple[str, ...], told: str) -> None:
    assert told in " ".join(run(*command, "--help", env={"COLUMNS": "300"}).out.split())
