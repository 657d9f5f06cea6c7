"""One sample for all that is killed, and lakes that read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from build_lakes import BuildLake
from survival_lakes import KEY, START, Mortal, make_sample

from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.sources.reports_api.options import ENV_URL
from lakehouse.sources.reports_api.server import SimulatedReportsApi


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The activities and their truth."""
    return make_sample(tmp_path_factory.mktemp("sample") / "activities", seed=11)


@pytest.fixture
def mortal(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mortal]:
    """An empty lake that fetches from the sample."""
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    monkeypatch.delenv(ENV_URL, raising=False)
    with SimulatedReportsApi(sample, clock=START, rotate_etags=True) as api:
        yield Mortal(tmp_path / "lake", sample, api).at(START)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildLake:
    """An empty lake with a fixed clock, in which lines land by hand."""
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    return BuildLake.make(tmp_path / "lake")
