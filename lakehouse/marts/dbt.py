"""Running dbt: in another process, each run with folders of its own, offline; and reading what it did."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from lakehouse.errors import TerminalError
from lakehouse.marts.dbt_helper import run_process
from lakehouse.settings import project_root

ENV_FILE = "LAKEHOUSE_MARTS_FILE"
BUILD_FILE = "marts.duckdb"
"""What the file that marts are built in is called, always: the parsed project names the database by it."""
_GOOD, _RED = 0, 3  # exit codes of `dbt_process`
# The frames of a Python traceback; its last line, the error, stays.
_TRACEBACK = re.compile(r"[^\n]*Traceback \(most recent call last\):\n(?:[ \t]+[^\n]*\n)+")
_FLAGS = ("--no-use-colors", "--no-partial-parse", "--log-level", "none", "--log-level-file", "none")  # `dbt_process` tells and logs
_RESULTS = "results.json"
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

    @property
    def unwritten(self) -> str | None:
        """What DuckDB said of a file that the disk did not take, which is no fault of a model; None when nothing was refused."""
        nodes: tuple[ModelResult | TestResult, ...] = (*self.models, *self.tests)
        said = (line.strip() for node in nodes for line in (node.message or "").splitlines())
        return next((line for line in said if "Could not write file" in line), None)


class _Result(msgspec.Struct):
    unique_id: str
    status: str
    execution_time: float = 0.0
    message: str | None = None
    failures: int | None = None
    compiled_code: str | None = None


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
    parsed: Path | None = None,
    variables: Mapping[str, Any] | None = None,
    line: Callable[[str], None] | None = None,
) -> bool:
    """Run dbt in another process (see `dbt_helper`); returns whether all went well (False: a node failed).

    `target`: folder for all that dbt writes. `file`: the DuckDB file that models are built in (none: in memory). `parsed`: file that keeps the parsed
    project for the next time; its name must change with the project. `line` is called with each line that dbt says. Raises `TerminalError` when dbt
    could not run at all.
    """
    wanted = [] if command[0] == "parse" else ["--no-write-json"]
    arguments = [*_FLAGS, *wanted, *command, *_places(target), "--vars", msgspec.json.encode(dict(variables or {})).decode()]
    code, said = run_process(_request(target, arguments, file=file, parsed=parsed), line or (lambda _: None))
    if code not in (_GOOD, _RED):
        told = _TRACEBACK.sub("", said).strip()
        last = told.splitlines()[-1] if told else "it said nothing"
        raise TerminalError(
            f"dbt could not run in {target} (exit code {code}): {last.rstrip('.')}. Look at what it names, at free space and at the rights of the "
            f"folder, then run the same again.\nIt said:\n{told[-_TAIL:]}"
        )
    return code == _GOOD


def parse_ahead(parsed: Path) -> Path:
    """A request that has the project read before a run asks for it (see `dbt_helper`). `parsed`: as `run_dbt` takes it."""
    target = parsed.with_suffix("")
    return _request(target, None, file=target / BUILD_FILE, parsed=parsed)


def _places(target: Path) -> list[str]:
    return ["--project-dir", str(dbt_project()), "--profiles-dir", str(dbt_project()), "--target-path", str(target), "--log-path", str(target)]


def _request(target: Path, arguments: Sequence[str] | None, *, file: Path | None, parsed: Path | None) -> Path:
    """Write a request (see `dbt_process`) into its target folder."""
    target.mkdir(parents=True, exist_ok=True)
    request = {
        "arguments": arguments,
        "parse": [*_FLAGS, "--no-write-json", "parse", *_places(target)],
        "parsed": str(parsed) if parsed is not None else None,
        "log": str(target / "dbt.log"),
        "results": str(target / _RESULTS),
        "environment": {
            "DO_NOT_TRACK": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            ENV_FILE: str(file) if file is not None else ":memory:",
        },
    }
    path = target / "request.json"
    path.write_bytes(msgspec.json.encode(request))
    return path


def read_run(target: Path, tests_of: Mapping[str, str]) -> DbtRun:
    """What the invocation with this target folder did. `tests_of`: test -> mart. The SQL of red tests is written to `<target>/red/`.

    Raises `TerminalError` when it left no results.
    """
    try:
        results = msgspec.json.decode((target / _RESULTS).read_bytes(), type=_RunResults)
    except FileNotFoundError as error:
        raise TerminalError(f"dbt left no results in {target}; its log is {target / 'dbt.log'}.") from error
    models, tests = [], []
    for result in results.results:
        kind, _, name = result.unique_id.split(".")[:3]
        if kind == "test":
            tests.append(_test(result, name, tests_of.get(name, ""), target))
        else:
            models.append(ModelResult(name, _model_status(result.status), round(result.execution_time, 3), _said(result)))
    return DbtRun(tuple(models), tuple(tests), round(results.elapsed_time, 3))


def _test(result: _Result, name: str, mart: str, target: Path) -> TestResult:
    status: Any = result.status if result.status in ("pass", "warn", "fail", "skipped") else "error"
    compiled = None
    if status in ("fail", "error") and result.compiled_code is not None:
        compiled = target / "red" / f"{name}.sql"
        compiled.parent.mkdir(exist_ok=True)
        compiled.write_text(result.compiled_code, encoding="utf-8")
    return TestResult(
        name=name,
        model=mart,
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
