"""`lakehouse sql`: everything in one session, for people and machines."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

QUERY = "SELECT application, count(*) AS n FROM clean.workspace_audit GROUP BY ALL ORDER BY ALL"


def test_clean_quarantine_and_ops_answer_in_one_session(run: Any, small_lake: Any) -> None:
    query = """
        SELECT (SELECT count(*) FROM clean.workspace_audit) AS clean, (SELECT sum(kept) FROM ops.books) AS kept,
               (SELECT count(*) FROM quarantine.workspace_audit) AS refused, (SELECT sum(unreadable + quarantined) FROM ops.books) AS booked,
               (SELECT count(*) FROM ops.fetches) AS fetches, (SELECT count(*) FROM ops.coverage) AS coverage
    """
    (row,) = run("sql", query, "--json", "--lake", small_lake.folder).json
    assert row["clean"] == row["kept"] == 5
    assert row["refused"] == row["booked"] == 5
    assert (row["fetches"], row["coverage"]) == (4, 2)


def test_the_ops_tables_name_their_dataset(run: Any, small_lake: Any) -> None:
    for table in ("books", "fetches", "coverage", "recovered", "lateness", "census", "builds"):
        rows = run("sql", f"SELECT DISTINCT dataset FROM ops.{table}", "--json", "--lake", small_lake.folder).json
        assert rows == [{"dataset": "workspace_audit"}]


def test_json_csv_and_table_tell_the_same(run: Any, small_lake: Any) -> None:
    told = run("sql", QUERY, "--json", "--lake", small_lake.folder).json
    lines = list(csv.DictReader(io.StringIO(run("sql", QUERY, "--csv", "--lake", small_lake.folder).out)))
    assert [{"application": r["application"], "n": int(r["n"])} for r in lines] == told
    table = run("sql", QUERY, "--lake", small_lake.folder)
    assert "login" in table.out
    assert f"{len(told)} rows" in table.err


def test_a_table_for_people_is_cut_and_says_so(run: Any, small_lake: Any) -> None:
    result = run("sql", "SELECT * FROM range(500)", "--limit", 10, "--lake", small_lake.folder)
    assert "500 rows, the first 10 shown" in result.err
    assert len(run("sql", "SELECT * FROM range(500)", "--json", "--lake", small_lake.folder).json) == 500


def test_the_query_may_come_from_a_file_or_from_a_pipe(run: Any, small_lake: Any, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text(QUERY)
    told = run("sql", QUERY, "--json", "--lake", small_lake.folder).json
    assert run("sql", "-f", file, "--json", "--lake", small_lake.folder).json == told
    assert run("sql", "-", "--json", "--lake", small_lake.folder, input=QUERY).json == told


def test_of_several_statements_the_last_answer_is_printed(run: Any, small_lake: Any) -> None:
    assert run("sql", "SET VARIABLE x = 4; SELECT getvariable('x') AS x", "--json", "--lake", small_lake.folder).json == [{"x": 4}]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["SELEC 1"], "DuckDB refused"),
        (["SELECT * FROM clean.nothing"], "DuckDB refused"),
        (["   "], "no SQL to run"),
        (["SELECT 1", "--json", "--csv"], "one of --json and --csv"),
        (["-f", "/nothing/here.sql"], "does not exist"),
    ],
)
def test_what_cannot_be_asked_is_refused(run: Any, small_lake: Any, args: list[str], told: str) -> None:
    result = run("sql", *args, "--lake", small_lake.folder)
    assert result.code == 2
    assert told in result.err


def test_markup_in_data_is_shown_and_not_obeyed(run: Any, small_lake: Any) -> None:
    assert "[bold]x[/]" in run("sql", "SELECT '[bold]x[/]' AS t", "--lake", small_lake.folder).out


def test_the_prompt_answers_collects_lines_and_survives_errors(
    small_lake: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lakehouse.cli.sql import prompt
    from lakehouse.steps.query import connect

    lines = iter(["SELECT count(*) AS kept", "FROM clean.workspace_audit;", "SELEC 1;", ".tables", ".schema ops.coverage", ".what", ".quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    with connect(small_lake.lake) as con:
        prompt(con, limit=10)
    shown = capsys.readouterr()
    assert "kept" in shown.out
    assert "clean.workspace_audit" in shown.out
    assert "TIMESTAMP WITH TIME ZONE" in shown.out
    assert "DuckDB refused" in shown.err
    assert next(lines, None) is None


ENDLESS = "SELECT count(*) FROM range(1_000_000_000_000) WHERE range % 7 = 8;"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody presses Ctrl-C while the endless query runs."""
    from lakehouse.cli import sql

    ask = sql._ask

    def interrupted(con: Any, text: str) -> Any:
        if text == ENDLESS:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        return ask(con, text)

    monkeypatch.setattr(sql, "_ask", interrupted)


@pytest.mark.usefixtures("impatient")
def test_ctrl_c_ends_a_query_as_it_ends_every_command(run: Any, small_lake: Any) -> None:
    result = run("sql", ENDLESS, "--lake", small_lake.folder)
    assert (result.code, result.err) == (130, "interrupted\n")


@pytest.mark.usefixtures("impatient")
def test_ctrl_c_at_the_prompt_ends_the_query_and_not_the_session(
    small_lake: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lakehouse.cli.sql import prompt
    from lakehouse.steps.query import connect

    lines = iter(["CREATE TABLE kept AS SELECT 4711 AS n;", ENDLESS, "SELECT n + 1 FROM kept;", ".quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    with connect(small_lake.lake) as con:
        prompt(con, limit=10)
    shown = capsys.readouterr()
    assert "interrupted" in shown.err
    assert "4,712" in shown.out


def test_a_pipe_that_is_closed_early_is_no_fault(small_lake: Any) -> None:
    code = "from lakehouse.cli.main import main; main()"
    command = [sys.executable, "-c", code, "sql", "SELECT * FROM range(2_000_000)", "--csv", "--lake", str(small_lake.folder)]
    ours, theirs = os.pipe()
    os.close(ours)  # who would read has ended already
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (done.stderr, done.returncode) == (b"", 1)


def test_a_pipe_that_is_not_utf_8_is_a_usage_error(run: Any, small_lake: Any) -> None:
    result = run("sql", "-", "--lake", small_lake.folder, input=b"SELECT 'caf\xe9'")
    assert (result.code, "Standard input is not UTF-8" in result.err) == (2, True)


def test_columns_of_one_name_are_told_apart_in_json(run: Any, small_lake: Any) -> None:
    told = run("sql", "SELECT 1 AS n, 2 AS n, 3 AS n_1, 4 AS n", "--json", "--lake", small_lake.folder)
    assert told.json == [{"n": 1, "n_2": 2, "n_1": 3, "n_3": 4}]
