"""Running commands as a user does, in this process."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from lakehouse.cli.main import app
from lakehouse.datasets.workspace_audit.generator import COLLECTOR_CLIENT_ID, Defects, generate
from lakehouse.settings import DatasetSettings, LakeSettings, open_lake

SAMPLE_START = dt.datetime(2026, 11, 17, 22, tzinfo=dt.UTC)
SAMPLE_END = dt.datetime(2026, 11, 18, 2, tzinfo=dt.UTC)
VISIBLE = SAMPLE_END + dt.timedelta(hours=4)  # all of it is visible by then
DEFECTS = msgspec.structs.replace(Defects.none(), malformed=2, repeated=3, reordered=3, missing_required=2, time_unreadable=1)


class Run:
    """What a command printed and how it ended."""

    def __init__(self, result: Any) -> None:
        self.code: int = result.exit_code
        self.out: str = result.stdout
        self.err: str = result.stderr
        self.exception = result.exception

    @property
    def json(self) -> Any:
        """The JSON document on stdout; it is alone there."""
        return json.loads(self.out)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run `lakehouse ARGS...`; a bug is raised, not hidden in an exit code."""
    monkeypatch.delenv("LAKEHOUSE_URL", raising=False)
    monkeypatch.delenv("LAKEHOUSE_REPORTS_API_URL", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "400")

    def invoke(*args: object, input: str | bytes | None = None, env: dict[str, str] | None = None) -> Run:
        result = CliRunner().invoke(app, [str(a) for a in args], input=input, env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Run(result)

    return invoke


@pytest.fixture(scope="session")
def simulated_lake_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a simulated source of four hours over midnight; nothing fetched yet."""
    root = tmp_path_factory.mktemp("simulated") / "lake"
    generate(root / "activities", seed=7, start=SAMPLE_START, end=SAMPLE_END, events=400, users=20, defects=DEFECTS)
    source = {"simulated": "activities", "applications": ["token", "login"], "collector_client_id": COLLECTOR_CLIENT_ID}
    settings = DatasetSettings(start=SAMPLE_START.date(), source=source)
    open_lake(root).with_settings(LakeSettings(clock=VISIBLE, datasets={"workspace_audit": settings}))
    return root


@pytest.fixture(scope="session")
def fetched_template(simulated_lake_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The simulated lake after one `lakehouse fetch`, and what that printed."""
    import shutil

    root = Path(shutil.copytree(simulated_lake_template, tmp_path_factory.mktemp("fetched") / "lake"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LAKEHOUSE_URL", "LAKEHOUSE_REPORTS_API_URL", "DAGSTER_HOME"):
            patch.delenv(name, raising=False)
        result = CliRunner().invoke(app, ["fetch", "--lake", str(root), "--json"])
    assert result.exit_code == 0, result.stderr
    return root, json.loads(result.stdout)


@pytest.fixture
def fetched_lake(fetched_template: tuple[Path, Any], tmp_path: Path, token_key: str) -> Path:
    """A copy of the fetched lake that a test may change."""
    import shutil

    return Path(shutil.copytree(fetched_template[0], tmp_path / "fetched"))


@pytest.fixture
def simulated_lake(simulated_lake_template: Path, tmp_path: Path, token_key: str) -> Path:
    """A copy of it that a test may change."""
    import shutil

    return Path(shutil.copytree(simulated_lake_template, tmp_path / "simulated"))
