"""One sample per session, and the lake that it makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_lakes import KEY, DatasetLake
from listening_lakes import DAYS, START, make_listening

from lakehouse.accounts.truth import SampleTruth
from lakehouse.datasets.listening.generator import Arguments, Defects, generate
from lakehouse.settings import ENV_TOKEN_KEY

DEFECTS = Defects(**{name: 0.01 for name in Defects.__struct_fields__})


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, KEY)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with every defect in it."""
    folder = tmp_path_factory.mktemp("listening") / "sample"
    generate(folder, Arguments(seed=5, start=START, days=DAYS, events=2_500, defects=DEFECTS))
    return folder


@pytest.fixture(scope="session")
def truth(sample: Path) -> SampleTruth:
    """What the sample holds."""
    return SampleTruth.load(sample)


@pytest.fixture(scope="session")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> DatasetLake:
    """The sample in a lake: the first files, built; the late ones, built; published. Not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENV_TOKEN_KEY, KEY)
        made = make_listening(tmp_path_factory.mktemp("listening") / "lake").fill(sample)
        made.publish()
    return made
