"""Whether a lake is fit to be worked with is told without anything being written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse.findings import Finding
from lakehouse.operations.health import findings
from lakehouse.settings import DEVELOPMENT_KEY, ENV_KIND, ENV_TOKEN_KEY, DatasetSettings, Lake, LakeSettings, open_lake

FORBIDDEN = pytest.mark.skipif(
    sys.platform == "win32" or (os.getuid() == 0 and shutil.which("setpriv") is None), reason="needs the rights of files, and as root setpriv"
)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake of somebody who has set no token key."""
    monkeypatch.delenv(ENV_TOKEN_KEY, raising=False)
    monkeypatch.delenv(ENV_KIND, raising=False)
    return open_lake(tmp_path / "lake")


def token_key_of(lake: Lake) -> Finding:
    return next(found for found in findings(lake) if found.name == "token key")


def test_looking_makes_no_token_key(lake: Lake, tmp_path: Path) -> None:
    found = token_key_of(lake)
    assert (found.state, found.message) == ("note", "none yet: the first build makes a development key beside the lake")
    assert not (tmp_path / "lake" / ".dev").exists()
    key = lake.token_key()
    assert token_key_of(lake).message == f"development key beside the lake, id {key.id}"


def test_a_token_key_that_is_set_needs_none_beside_the_lake(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN_KEY, "a key for tests that is long enough")
    found = token_key_of(lake)
    assert (found.state, found.message) == ("good", f"from {ENV_TOKEN_KEY}, id {lake.token_key().id}")
    monkeypatch.setenv(ENV_TOKEN_KEY, "short")
    assert token_key_of(lake).state == "bad"


def test_without_a_token_key_production_is_not_fit(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_KIND, "production")
    assert token_key_of(lake).state == "bad"


def told_without_rights(folder: Path) -> str:
    """`state name message` of all findings, by a process that may do only what the rights of the files say, also where root runs it."""
    program = "import sys\nfrom lakehouse.operations.health import findings\nfrom lakehouse.settings import open_lake\n"
    program += "for found in findings(open_lake(sys.argv[1])): print(found.state, found.name, found.message)"
    command = [sys.executable, "-c", program, str(folder)]
    if os.getuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@FORBIDDEN
def test_a_lake_that_may_only_be_read_is_told_of(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    folder.chmod(0o555)
    told = told_without_rights(folder)
    folder.chmod(0o755)
    assert "bad rights " in told
    assert "note token key none yet" in told
    assert " disk " in told, "and all that comes after"


@FORBIDDEN
def test_a_token_key_that_may_not_be_read_is_a_fault(lake: Lake, tmp_path: Path) -> None:
    lake.token_key()
    key = tmp_path / "lake" / DEVELOPMENT_KEY
    for closed in (key, key.parent):
        closed.chmod(0)
        told = told_without_rights(tmp_path / "lake")
        assert f"bad token key cannot be read: [Errno 13] Permission denied: '{key}'" in told
        assert " disk " in told
    key.parent.chmod(0o700)


def test_settings_of_a_dataset_that_there_is_not_are_told_of(lake: Lake) -> None:
    assert "settings" not in {found.name for found in findings(lake)}
    misspelt = lake.with_settings(LakeSettings(datasets={"comerce": DatasetSettings(), "commerce": DatasetSettings()}))
    found = next(found for found in findings(misspelt) if found.name == "settings")
    assert (found.state, found.message) == ("note", "lake.json has some of datasets that there are not: comerce")
