"""One sample of the generator for all who look at it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from audit_samples import END, START
from audit_slow_reader import NotJsonError, files_of, parse

from lakehouse.datasets.workspace_audit.generator import (
    APPLICATIONS,
    generate,
)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, seed=5, start=START, end=END, events=6_000)
    return folder


@pytest.fixture(scope="session")
def records(sample: Path) -> dict[str, list[dict]]:
    found = defaultdict(list)
    for application in APPLICATIONS:
        for _, lines, _ in files_of(sample, application):
            for line in lines:
                try:
                    found[application].append(parse(line))
                except NotJsonError:  # one of the lines that are damaged on purpose
                    continue
    return found
