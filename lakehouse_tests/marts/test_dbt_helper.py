"""One dbt process serves many runs: it keeps nothing open between them, is replaced when it is gone, and none is left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mart_lakes import Built

from lakehouse.errors import TerminalError
from lakehouse.marts import dbt, dbt_helper
from lakehouse.marts.build import builds_ahead
from lakehouse.steps.publish import publish_marts

Request = Callable[..., Path]
ON_PROC = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files where the system shows them")


@pytest.fixture
def request_file(tmp_path: Path) -> Request:
    """Requests that need no project."""

    def made(*arguments: str) -> Path:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        file.write_text(
            json.dumps({"arguments": arguments or ["--version"], "parsed": None, "parse": [], "log": None, "results": None, "environment": {}})
        )
        return file

    return made


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every process that is started."""
    found: list[Any] = []
    start = dbt_helper._start

    def noted() -> Any:
        found.append(start())
        return found[-1]

    monkeypatch.setattr(dbt_helper, "_start", noted)
    return found


def gone(processes: list[Any]) -> bool:
    return all(process.returncode is not None for process in processes)


def test_one_process_serves_all_runs_of_a_block_and_each_says_its_own(request_file: Request, started: list[Any]) -> None:
    with dbt_helper.dbt_helper():
        assert started == []
        for arguments, words in ((["--version"], "installed"), (["no-such-command"], "No such command"), (["--version"], "installed")):
            heard: list[str] = []
            code, said = dbt_helper.run_process(request_file(*arguments), heard.append)
            assert (code == 0, words in said, any(words in line for line in heard)) == (arguments == ["--version"], True, True)
            assert dbt_helper.DONE not in said
        assert len(started) == 1
        assert not gone(started)
    assert gone(started)


def test_a_block_within_a_block_shares_its_process(request_file: Request, started: list[Any]) -> None:
    with dbt_helper.dbt_helper():
        for _ in range(2):
            with dbt_helper.dbt_helper():
                assert dbt_helper.run_process(request_file(), lambda _: None)[0] == 0
        assert len(started) == 1
        assert not gone(started)
    assert gone(started)


def test_without_a_block_a_process_is_started_for_the_run_and_ended(request_file: Request, started: list[Any]) -> None:
    code, said = dbt_helper.run_process(request_file(), lambda _: None)
    assert (code, len(started), gone(started)) == (0, 1, True)
    assert "installed" in said


def test_one_that_was_started_ahead_and_not_needed_is_ended(tmp_path: Path, started: list[Any]) -> None:
    with pytest.raises(KeyboardInterrupt), dbt_helper.dbt_helper(ahead=dbt.parse_ahead(tmp_path / "project.msgpack")):
        raise KeyboardInterrupt
    assert len(started) == 1
    assert gone(started)


def test_one_that_died_while_it_waited_is_replaced(tmp_path: Path, request_file: Request, started: list[Any]) -> None:
    with dbt_helper.dbt_helper(ahead=dbt.parse_ahead(tmp_path / "project.msgpack")):
        started[0].kill()
        started[0].wait()
        assert dbt_helper.run_process(request_file(), lambda _: None)[0] == 0
    assert len(started) == 2
    assert gone(started)


def test_one_that_is_killed_over_a_run_is_an_error_that_says_so_and_the_next_run_gets_another(tmp_path: Path, started: list[Any]) -> None:
    def kill(_: str) -> None:
        started[0].kill()

    with dbt_helper.dbt_helper():
        with pytest.raises(TerminalError, match=r"dbt could not run in .* \(exit code -?\d+\)"):
            dbt.run_dbt(["parse"], target=tmp_path / "first", line=kill)
        assert dbt.run_dbt(["parse"], target=tmp_path / "second")
    assert len(started) == 2
    assert gone(started)


def test_a_project_read_ahead_is_taken_by_the_run_and_kept_for_others(tmp_path: Path, started: list[Any]) -> None:
    parsed = tmp_path / "project.msgpack"
    with dbt_helper.dbt_helper(ahead=dbt.parse_ahead(parsed)):
        for number in range(2):
            target = tmp_path / f"run{number}"
            assert dbt.run_dbt(["ls", "--select", "audit_method_calls", "--resource-type", "model"], target=target, parsed=parsed)
            assert not (target / "manifest.json").exists(), "dbt would write the whole project with every run"
            assert "audit_method_calls" in (target / "dbt.log").read_text()
            assert parsed.stat().st_size > 0
    assert len(started) == 1
    assert gone(started)


def test_a_project_that_does_not_parse_is_told_by_the_run_that_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Any]) -> None:
    project = tmp_path / "project"
    shutil.copytree(dbt.dbt_project(), project)
    (project / "models" / "broken.sql").write_text("select {{ no_such_macro( }}")
    monkeypatch.setattr(dbt, "dbt_project", lambda: project)
    with dbt_helper.dbt_helper(ahead=dbt.parse_ahead(tmp_path / "project.msgpack")), pytest.raises(TerminalError, match=r"broken\.sql"):
        dbt.run_dbt(["build"], target=tmp_path / "run", parsed=tmp_path / "project.msgpack")
    assert gone(started)


@pytest.mark.parametrize(("rubbish", "ahead"), [(b"", True), (b"", False), (b"\x81\xa5nodes", False)], ids=["empty, read ahead", "empty", "cut off"])
def test_a_damaged_file_of_the_parsed_project_is_told_and_the_project_parsed_anew(
    tmp_path: Path, started: list[Any], rubbish: bytes, ahead: bool
) -> None:
    damaged, heard = tmp_path / "damaged.msgpack", list[str]()
    damaged.write_bytes(rubbish)
    command = ["ls", "--select", "audit_method_calls", "--resource-type", "model"]
    with dbt_helper.dbt_helper(ahead=dbt.parse_ahead(damaged) if ahead else None):
        assert dbt.run_dbt(command, target=tmp_path / "run", parsed=damaged, line=heard.append)
    assert [line for line in heard if "damaged.msgpack is damaged and is removed; the project is parsed anew" in line]
    log = (damaged.with_suffix("") if ahead else tmp_path / "run") / "dbt.log"
    assert "damaged.msgpack is damaged" in log.read_text()
    assert damaged.stat().st_size > 100_000
    assert gone(started)


def test_what_dbt_says_is_told_in_any_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    heard: list[str] = []
    assert dbt.run_dbt(["ls", "--select", "日本"], target=tmp_path, line=heard.append)
    assert any("日本" in line for line in heard)
    assert "日本" in (tmp_path / "dbt.log").read_text(encoding="utf-8")


def test_an_interrupted_run_ends_its_process(request_file: Request, started: list[Any]) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with dbt_helper.dbt_helper():
        with pytest.raises(KeyboardInterrupt):
            dbt_helper.run_process(request_file(), interrupt)
        assert gone(started)


def test_a_request_that_cannot_be_read_ends_the_process_and_tells_why(tmp_path: Path, request_file: Request, started: list[Any]) -> None:
    with dbt_helper.dbt_helper():
        code, said = dbt_helper.run_process(tmp_path / "missing.json", lambda _: None)
        assert code not in (0, 3)
        assert "missing.json" in said
        assert gone(started)
        assert dbt_helper.run_process(request_file(), lambda _: None)[0] == 0
    assert len(started) == 2


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by its id")
def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = "import os; from lakehouse.marts import dbt_helper; print(dbt_helper._start().pid, flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False, cwd=tmp_path, env=_with_package())
    pid = int(done.stdout)
    end = time.monotonic() + 60
    while _alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _alive(pid)


def _with_package() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(dbt_helper.project_root())}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_marts_are_built_from_a_project_that_was_read_ahead(built: Built, tmp_path: Path, started: list[Any]) -> None:
    copy = built.copy(tmp_path / "one")
    shutil.rmtree(tmp_path / "one" / "marts" / ".parsed")
    with builds_ahead(copy.lake):
        assert publish_marts(copy.lake, copy.dataset, force=True).rows == built.report.rows
    assert len(started) == 1
    assert gone(started)


@ON_PROC
def test_builds_of_two_lakes_by_one_process_are_right_and_leave_no_file_open(built: Built, tmp_path: Path, started: list[Any]) -> None:
    lakes = [built.copy(tmp_path / name) for name in ("one", "two")]
    with dbt_helper.dbt_helper():
        for copy in lakes:
            report = publish_marts(copy.lake, copy.dataset, force=True)
            assert report.rows == built.report.rows
            assert all(test.passed for test in report.tests)
            files = [str(f.readlink()) for f in Path(f"/proc/{started[0].pid}/fd").iterdir()]
            assert [f for f in files if str(tmp_path) in f] == []
        assert len(started) == 1
