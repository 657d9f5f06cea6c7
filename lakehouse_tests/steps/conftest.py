"""An empty lake to build days in."""

from __future__ import annotations

from pathlib import Path

import pytest
from build_lakes import KEY, BuildLake

from lakehouse.settings import ENV_TOKEN_KEY


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildLake:
    """An empty lake with a fixed clock."""
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)
    return BuildLake.make(tmp_path / "lake")
