"""One sample per session, and the lakes that it makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dataset_lakes import KEY
from logistics_lakes import DAYS, DEFECTS, START, LogisticsLake

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.logistics.generator import Arguments, generate
from lakehouse.settings import ENV_TOKEN_KEY
from lakehouse.steps.release import release


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with every defect in it."""
    folder = tmp_path_factory.mktemp("logistics") / "sample"
    generate(folder, Arguments(seed=5, start=START, days=DAYS, events=4_000, orders=700, flights=100, drivers=20, defects=DEFECTS))
    return folder


@pytest.fixture(scope="session")
def truth(sample: Path) -> SampleTruth:
    """What the sample holds."""
    return SampleTruth.load(sample)


@pytest.fixture(scope="session")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> LogisticsLake:
    """The sample in a lake: the first files, built; the late ones, built; published. Not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        made = LogisticsLake.make(tmp_path_factory.mktemp("logistics") / "lake").fill(sample)
        made.publish()
    return made


@pytest.fixture(scope="session")
def released(built: LogisticsLake, tmp_path_factory: pytest.TempPathFactory) -> LogisticsLake:
    """The same after the held rows were admitted, published again. Not to be changed."""
    folder = tmp_path_factory.mktemp("logistics") / "released"
    shutil.copytree(built.folder, folder, copy_function=shutil.copy2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        made = LogisticsLake.make(folder)
        release(made.lake, made.dataset)
        made.build()
        made.publish()
    return made
