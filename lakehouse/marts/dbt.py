"""Running dbt: one process per run, with folders of its own, offline; and reading what it did."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from lakehouse.errors import TerminalError
from lakehouse.settings import project_root

ENV_FILE = "LAKEHOUSE_MARTS_FILE"
_TAIL = 4000  # characters of dbt's own words that an error repeats


class TestResult(msgspec.Struct, frozen=True):
    """How a test of a mart went. `failures`: rows that failed it. `compiled`: path of the SQL that finds them, while the build's folder is there."""

    __test__ = False  # no test class of pytest

    name: str
    model: str
    status: Literal["pass", "warn", "fail", "error", "skipped"]
    failures: int
    seconds: float
    message: str | None = None
    compiled: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it does not stand in the way of publishing."""
        return self.status in ("pass", "warn")


class ModelResult(msgspec.Struct, frozen=True):
    """How a model or seed went."""

    name: str
    status: Literal["success", "error", "skipped"]
    seconds: float
    message: str | None = None


class DbtRun(msgspec.Struct, frozen=True):
    """What one invocation did."""

    models: tuple[ModelResult, ...]
    tests: tuple[TestResult, ...]
    seconds: float

    @property
    def red(self) -> bool:
        """Whether a model or a test did not pass."""
        return any(m.status != "success" for m in self.models) or any(not t.passed for t in self.tests)


class _Node(msgspec.Struct):
    name: str
    resource_type: str
    attached_node: str | None = None
    original_file_path: str = ""
    relation_name: str | None = None


class _Manifest(msgspec.Struct):
    nodes: dict[str, _Node]


class _Result(msgspec.Struct):
    unique_id: str
    status: str
    execution_time: float = 0.0
    message: str | None = None
    failures: int | None = None


class _RunResults(msgspec.Struct):
    results: list[_Result]
    elapsed_time: float = 0.0


def dbt_project() -> Path:
    """The folder of the dbt project."""
    return project_root() / "dbt_project"


def run_dbt(
    command: Sequence[str],
    *,
    target: Path,
    file: Path | None = None,
    variables: Mapping[str, Any] | None = None,
    line: Callable[[str], None] | None = None,
) -> int:
    """Run dbt in a process of its own; returns 0 when all went well, 1 when a node failed.

    `target`: folder for all that dbt writes. `file`: the DuckDB file that models are built in (none: in memory). `line` is called with each line
    that dbt says. Raises `TerminalError` when dbt could not run at all.
    """
    target.mkdir(parents=True, exist_ok=True)
    project = str(dbt_project())
    arguments = ["--no-use-colors", "--no-partial-parse", *command, "--project-dir", project, "--profiles-dir", project]
    arguments += ["--target-path", str(target), "--log-path", str(target), "--vars", msgspec.json.encode(dict(variables or {})).decode()]
    request = target / "arguments.json"
    request.write_bytes(msgspec.json.encode(arguments))
    environment = {**os.environ, "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONUNBUFFERED": "1"}
    environment[ENV_FILE] = str(file) if file is not None else ":memory:"
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "lakehouse.marts.dbt_process", str(request)],
        cwd=project_root(),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        for text in process.stdout:
            said.append(text)
            if line is not None:
                line(text.rstrip())
    if process.returncode not in (0, 1):
        raise TerminalError(f"dbt could not run (exit code {process.returncode}). It said:\n{''.join(said)[-_TAIL:]}")
    return process.returncode


def read_run(target: Path) -> DbtRun:
    """What the invocation with this target folder did. Raises `TerminalError` when it left no results."""
    try:
        results = msgspec.json.decode((target / "run_results.json").read_bytes(), type=_RunResults)
        nodes = msgspec.json.decode((target / "manifest.json").read_bytes(), type=_Manifest).nodes
    except FileNotFoundError as error:
        raise TerminalError(f"dbt left no results in {target}; its log is {target / 'dbt.log'}.") from error
    models, tests = [], []
    for result in results.results:
        node = nodes[result.unique_id]
        if node.resource_type == "test":
            tests.append(_test(result, node, nodes, target))
        else:
            models.append(ModelResult(node.name, _model_status(result.status), round(result.execution_time, 3), _said(result)))
    return DbtRun(tuple(models), tuple(tests), round(results.elapsed_time, 3))


def _test(result: _Result, node: _Node, nodes: Mapping[str, _Node], target: Path) -> TestResult:
    of = nodes.get(node.attached_node or "")
    status: Any = result.status if result.status in ("pass", "warn", "fail", "skipped") else "error"
    compiled = next(iter(sorted(target.glob(f"compiled/**/{node.name}.sql"))), None) if status in ("fail", "error") else None
    return TestResult(
        name=node.name,
        model=of.name if of is not None else "",
        status=status,
        failures=result.failures or 0,
        seconds=round(result.execution_time, 3),
        message=_said(result),
        compiled=str(compiled) if compiled is not None else None,
    )


def _model_status(status: str) -> Literal["success", "error", "skipped"]:
    return status if status in ("success", "skipped") else "error"  # type: ignore[return-value]


def _said(result: _Result) -> str | None:
    """What dbt said of a node that did not go well."""
    return result.message if result.status not in ("success", "pass") else None
