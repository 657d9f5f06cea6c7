"""Days whose tokens are of another key are told of, with what makes them one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from build_lakes import BEFORE, CLOCK, DAY, BuildLake, event

from lakehouse.findings import Finding
from lakehouse.operations.dataset_health import dataset_findings
from lakehouse.settings import DEVELOPMENT_KEY, ENV_KIND, ENV_TOKEN_KEY
from lakehouse.steps.retention import expire

OTHER = "another key that is long enough"


@pytest.fixture
def made(tmp_path: Path, token_key: str) -> BuildLake:
    made = BuildLake.make(tmp_path / "lake")
    for day in (BEFORE, DAY):
        made.land(event(1, 1, day=day))
        made.build(day)
    return made


def tokens(made: BuildLake) -> list[Finding]:
    return [found for found in dataset_findings(made.lake, made.dataset) if found.name == "tokens of workspace_audit"]


def test_days_of_one_key_need_no_word(made: BuildLake) -> None:
    assert [found.name for found in dataset_findings(made.lake, made.dataset)] == ["files of workspace_audit", "orphans of workspace_audit"]


def test_days_of_another_key_are_a_fault_until_they_are_built_again(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.lake.token_key().id
    monkeypatch.setenv(ENV_TOKEN_KEY, OTHER)
    made.build(DAY)
    (found,) = tokens(made)
    assert (found.state, f"1 days, {BEFORE} to {BEFORE}, were built under the token key {before}" in found.message) == ("bad", True)
    assert f"lakehouse replay --from {BEFORE} --to {BEFORE} --dataset workspace_audit" in str(found.remedy)
    made.build(BEFORE)
    assert tokens(made) == []


def test_looking_makes_no_key_where_the_days_were_built_under_one_that_is_not_set_now(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.lake.token_key().id
    monkeypatch.delenv(ENV_TOKEN_KEY)
    (found,) = tokens(made)
    assert (found.state, f"were built under the token key {before}, and that of now is none yet" in found.message) == ("bad", True)
    assert not (made.folder / DEVELOPMENT_KEY).exists()


def test_days_that_cannot_be_built_again_are_a_note(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    later = made.lake.with_settings(msgspec.structs.replace(made.lake.settings, clock=CLOCK + dt.timedelta(days=3)))
    expire(later, made.dataset, before=DAY + dt.timedelta(days=1))
    monkeypatch.setenv(ENV_TOKEN_KEY, OTHER)
    (found,) = tokens(made)
    assert (found.state, found.remedy, "Their raw has expired" in found.message) == ("note", None, True)


def test_without_a_key_in_production_nothing_is_compared(made: BuildLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_TOKEN_KEY)
    monkeypatch.setenv(ENV_KIND, "production")
    assert tokens(made) == []
